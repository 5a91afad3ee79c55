//! The gRPC statuses, read by the official implementation through its Python package.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use async_trait::async_trait;
use greeter::{Greeter, greeter_server::GreeterServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command as AsyncCommand, time::timeout};
use tonic::transport::{Server, server::TcpIncoming};
use tower_jit_provisioning::{
    Identity, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionError, ProvisionLayer,
    Provisioned, Provisioner, RequireLayer, testing::TestIssuer,
};

use crate::{PATIENCE, succeeds};

/// The pinned package. Also names the folder of the virtual environment.
const GRPCIO: &str = "grpcio==1.85.1";

pub(crate) fn missing() -> Option<&'static str> {
    match (
        succeeds("python3", &["--version"]),
        succeeds("python3", &["-c", "import ensurepip"]),
    ) {
        (false, _) => Some("python3 is not installed"),
        (true, false) => Some("python3 has no ensurepip"),
        (true, true) => None,
    }
}

/// Installs the pinned package once into cargo's target folder, and returns the Python interpreter.
fn interpreter() -> io::Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join(GRPCIO.replace("==", "-"));
    if !folder.exists() {
        // Renamed once complete, so that an interrupted run leaves no partial environment.
        let partial = TempDir::new_in(target)?;
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(partial.path()))?;
        let mut pip = Command::new(partial.path().join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        run(pip.args(["--only-binary", ":all:", GRPCIO]))?;
        std::fs::rename(partial.keep(), &folder)?;
    }
    Ok(folder.join("bin/python"))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr))),
    }
}

/// A provisioner that is unavailable for the subject `down`.
struct Directory(MemoryProvisioner);

#[async_trait]
impl Provisioner for Directory {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        match identity.subject() {
            "down" => Err(ProvisionError::unavailable("connection refused")),
            _ => self.0.provision(identity).await,
        }
    }
}

pub(crate) async fn grpcio_reads_every_status() {
    let python = interpreter().expect("grpcio is installed");
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(ProvisionLayer::new(
            verifier,
            Directory(MemoryProvisioner::new()),
        ))
        .layer(RequireLayer::scope("count").on_paths(["/greeter.v1.Greeter/Count"]))
        .add_service(GreeterServer::new(Greeter))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);

    let ana = issuer.token("ana").audience("orders-api");
    let down = issuer.token("down").audience("orders-api");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/greeter.py");
    let output = AsyncCommand::new(python)
        .arg(script)
        .arg(address.to_string())
        .args([
            ana.bearer(),
            ana.clone().claim("scope", "count").bearer(),
            down.bearer(),
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, output).await.expect("in time").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let refused = |code: u32, message: &str| json!({"code": code, "message": message});
    assert_eq!(
        seen,
        json!({
            "greeted": "hello, user 1 (created)",
            "counted": [1, 2, 3],
            "missing": refused(16, "missing_token"),
            "two": refused(16, "invalid_request"),
            "garbage": refused(16, "invalid_token"),
            "no scope": refused(7, "insufficient_scope"),
            "down": refused(14, "unavailable"),
            // The connection is still usable after refusals.
            "again": "hello, user 1 (found)",
        })
    );
}
