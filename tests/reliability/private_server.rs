//! A private database server for a row, which may be killed.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Upper limit for the start of a server.
const PATIENCE: Duration = Duration::from_secs(60);

/// The programs of a server.
pub(crate) struct Programs {
    kind: Kind,
    install: PathBuf,
    serve: PathBuf,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Mysql,
    Postgres,
}

pub(crate) fn postgres() -> Result<Programs, String> {
    // Debian installs them outside of `PATH`.
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    let folders: Vec<_> = folders.collect();
    Ok(Programs {
        kind: Kind::Postgres,
        install: find("initdb", &folders)?,
        serve: find("postgres", &folders)?,
    })
}

pub(crate) fn mysql() -> Result<Programs, String> {
    let folders = [PathBuf::from("/usr/sbin")];
    Ok(Programs {
        kind: Kind::Mysql,
        install: find("mariadb-install-db", &folders)?,
        serve: find("mariadbd", &folders)?,
    })
}

fn find(program: &str, folders: &[PathBuf]) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(env::split_paths(&path));
    let mut found = folders.map(|folder| folder.join(program));
    found
        .find(|file| file.is_file())
        .ok_or_else(|| format!("{program} is not installed"))
}

/// A server in a temporary folder; both are removed on drop.
pub(crate) struct PrivateServer {
    programs: Programs,
    directory: TempDir,
    port: u16,
    process: Option<Child>,
}

impl PrivateServer {
    /// Creates an empty database cluster, and starts a server on it.
    pub(crate) fn start(programs: Programs) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let directory = TempDir::new().expect("a folder");
        let mut server = Self {
            programs,
            directory,
            port,
            process: None,
        };
        if let Some((user, group)) = server.account() {
            chown(server.directory.path(), Some(user), Some(group))
                .expect("a folder with another owner");
        }
        let (data, install) = (server.data(), server.programs.install.clone());
        let mut command = server.command(&install);
        match server.programs.kind {
            Kind::Mysql => command
                .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                .args(["--skip-test-db", &format!("--datadir={}", data.display())]),
            Kind::Postgres => command
                .args(["--auth=trust", "--username=postgres", "--no-sync"])
                .arg(format!("--pgdata={}", data.display())),
        };
        let installed = command.output().expect("a program");
        let errors = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "{errors}");
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        match self.programs.kind {
            Kind::Mysql => format!("mysql://root@127.0.0.1:{}/mysql", self.port),
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
        }
    }

    /// Kills the server, like a crash.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("a process to kill");
            process.wait().expect("an exit status");
        }
    }

    /// Starts the server, with retries, since the remains of a killed one may persist for a short
    /// time.
    pub(crate) fn restart(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "a server in time");
            let has_ended = match &mut self.process {
                None => true,
                Some(process) => process.try_wait().expect("a process").is_some(),
            };
            if has_ended {
                self.process = Some(self.serve());
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn serve(&self) -> Child {
        let (data, folder) = (self.data(), self.directory.path());
        let mut command = self.command(&self.programs.serve);
        match self.programs.kind {
            Kind::Mysql => command
                .arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--socket={}", folder.join("socket").display()))
                .arg(format!("--pid-file={}", folder.join("pid").display()))
                .arg(format!("--port={}", self.port))
                .args(["--bind-address=127.0.0.1", "--skip-name-resolve"]),
            Kind::Postgres => command
                .args(["-c", "listen_addresses=127.0.0.1"])
                .args(["-c", "unix_socket_directories="])
                .args(["-p", &self.port.to_string()])
                .arg("-D")
                .arg(data),
        };
        command.spawn().expect("a server")
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(match program == self.programs.install {
                true => Stdio::piped(),
                false => Stdio::null(),
            });
        if let Some((user, group)) = self.account() {
            command.uid(user).gid(group);
        }
        command
    }

    /// Returns the account that runs the server if the tests run as root, because databases refuse
    /// to run as root.
    fn account(&self) -> Option<(u32, u32)> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let name = match self.programs.kind {
            Kind::Mysql => "mysql",
            Kind::Postgres => "postgres",
        };
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let account = accounts.lines().find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let is_it = fields.first() == Some(&name);
            is_it.then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        });
        account.filter(|_| is_root)
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.kill();
    }
}
