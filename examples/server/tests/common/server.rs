//! The bundled server's binary, with its own port and database.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::answer::Answer;

/// How long to wait for expected output of the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the binary's command with a clean environment.
pub fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    for name in [
        "AUDIENCE",
        "AUDIT_DAYS",
        "CONFIG",
        "DATABASE_URL",
        "DENIALS_PER_MINUTE",
        "DEV_ISSUER",
        "HEAD_SECONDS",
        "ISSUER_URL",
        "JWKS_FILE",
        "LINKING",
        "LISTEN",
        "LOCAL_SECRET",
        "METRICS",
        "OTLP_ENDPOINT",
        "PASSWORD_SIGN_UP",
        "ROLES_CLAIM",
        "RUST_LOG",
        "STALE_SECONDS",
        "TOKEN_CACHE_BYTES",
        "USER_CACHE_CAPACITY",
        "USER_CACHE_SECONDS",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

/// Runs the binary until it exits: for failing starts and other commands.
pub fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(variables)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

pub struct Server {
    pub child: Child,
    pub base: String,
    /// The lines printed after the address.
    pub curl_lines: Vec<String>,
    pub database: String,
    log: Arc<Mutex<Vec<String>>>,
    lines: Mutex<mpsc::Receiver<String>>,
    _folder: TempDir,
}

impl Server {
    /// Starts with the development issuer and a SQLite file.
    pub fn start() -> Self {
        Self::start_with(&[("DEV_ISSUER", "on")])
    }

    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temp folder");
        let file = folder.path().join("users.sqlite");
        let database = format!("sqlite://{}?mode=rwc", file.display());
        let mut child = command(&[("LISTEN", "127.0.0.1:0"), ("DATABASE_URL", &database)])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let kept = Arc::clone(&log);
        let (logged, log_lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line.clone());
                let _ = logged.send(line);
            }
        });
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (printed, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = printed.send(line);
            }
        });
        let first = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("the server did not start: {:?}", log.lock().unwrap());
        });
        let base = first
            .strip_prefix("listening on ")
            .expect(&first)
            .to_owned();
        let mut curl_lines = Vec::new();
        let has_issuer = |(name, _): &(&str, &str)| ["CONFIG", "ISSUER_URL"].contains(name);
        while curl_lines.len() < 2 && !variables.iter().any(has_issuer) {
            let line = lines.recv_timeout(PATIENCE).expect("two curl lines");
            if line.starts_with("curl") {
                curl_lines.push(line);
            }
        }
        Self {
            child,
            base,
            curl_lines,
            database,
            log,
            lines: Mutex::new(log_lines),
            _folder: folder,
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Returns the number of log lines so far that contain a text.
    pub fn count(&self, text: &str) -> usize {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(text)).count()
    }

    /// Returns the next log line that contains a text.
    pub fn logged(&self, text: &str) -> String {
        let lines = self.lines.lock().unwrap();
        loop {
            let line = lines.recv_timeout(PATIENCE).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Returns the token of the next mail to an address.
    pub fn mailed_token(&self, address: &str) -> String {
        let line = self.logged(&format!("to=\"{address}\""));
        let (_, rest) = line.split_once("token=\"").expect("a mail has a token");
        rest.trim_end_matches('"').to_owned()
    }

    /// Returns a token of the development issuer.
    pub async fn token(&self, claims: Value) -> String {
        let answer = self.post("/dev-issuer/token", &claims).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("access_token")
    }

    /// Returns a token with a subject and a verified address.
    pub async fn token_for(&self, subject: &str, address: &str) -> String {
        let claims = json!({"subject": subject, "email": address, "email_verified": true});
        self.token(claims).await
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send(Method::GET, path, token, None).await
    }

    /// Returns the body as text.
    pub async fn text(&self, path: &str, token: Option<&str>) -> String {
        let mut request = Request::get(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.expect("an answer");
        assert_eq!(response.status(), 200, "{response:?}");
        let body = response.into_body().collect().await.expect("a body");
        String::from_utf8(body.to_bytes().to_vec()).expect("text")
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(
            Method::POST,
            path,
            None,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Answer::read(client.request(request).await.expect("an answer")).await
    }

    /// Sends SIGTERM and waits for the exit.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
