//! Reloads of issuers and policies by SIGHUP while requests are running.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use tempfile::TempDir;
use tower_jit_provisioning::testing::TestIssuer;

use crate::common::Server;

const AUDIENCE: &str = "orders";
const READ_AGAIN: &str = "were read again";

struct Site {
    server: Server,
    file: PathBuf,
    folder: TempDir,
    staff: TestIssuer,
    partners: TestIssuer,
}

/// Returns the configuration table of an issuer whose keys are in a file.
fn table(site: &TempDir, name: &str, issuer: &TestIssuer, role: &str) -> String {
    let file = site.path().join(format!("{name}.json"));
    fs::write(&file, issuer.jwks().to_string()).unwrap();
    format!(
        "[issuers.{name}]\nissuer = \"{}\"\naudience = \"{AUDIENCE}\"\njwks_file = \"{}\"\nrole_claims = \"/roles\"\n\
         roles = {{ chief = \"{role}\" }}\n",
        issuer.name(),
        file.display()
    )
}

impl Site {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (staff, partners) = (
            TestIssuer::new("https://staff.example.com"),
            TestIssuer::new("https://partners.example.com"),
        );
        let file = folder.path().join("server.toml");
        let text = table(&folder, "staff", &staff, "editor")
            + &table(&folder, "partners", &partners, "editor");
        fs::write(&file, text).unwrap();
        let server = Server::start_with(&[("CONFIG", &file.display().to_string())]);
        Self {
            server,
            file,
            folder,
            staff,
            partners,
        }
    }

    fn token(&self, issuer: &TestIssuer) -> String {
        let token = issuer.token("ana").audience(AUDIENCE);
        token.claim("roles", vec!["chief"]).sign()
    }

    fn hang_up(&self) {
        let id = self.server.child.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status().unwrap();
        assert!(sent.success());
    }
}

#[tokio::test]
async fn issuers_and_roles_follow_the_file_and_a_broken_file_changes_nothing() {
    let site = Site::start();
    let (staff, partner) = (site.token(&site.staff), site.token(&site.partners));
    for token in [&staff, &partner] {
        let me = site.server.get("/api/v1/users/me", Some(token)).await;
        assert_eq!(
            (me.status, me.body["roles"][0].as_str()),
            (200, Some("editor")),
            "{me:?}"
        );
    }
    site.server
        .get("/api/v1/users/", Some(&staff))
        .await
        .is_problem(403, "no_role");

    fs::write(&site.file, "[issuers.staff]\nissuer = 5").unwrap();
    site.hang_up();
    site.server.logged("the old configuration stays in force");
    site.server
        .get("/api/v1/users/me", Some(&staff))
        .await
        .is_ok();

    let text = table(&site.folder, "staff", &site.staff, "admin");
    fs::write(&site.file, format!("user_cache_seconds = 5\n{text}")).unwrap();
    site.hang_up();
    let warned = site.server.logged("counts from the next start");
    assert!(warned.contains("user_cache_seconds"), "{warned}");
    site.server
        .get("/api/v1/users/", Some(&staff))
        .await
        .is_ok();
    site.server
        .get("/api/v1/users/me", Some(&partner))
        .await
        .is_problem(401, "invalid_token");
}

#[tokio::test]
async fn no_request_fails_during_repeated_reloads() {
    const RELOADS: usize = 25;

    let site = Site::start();
    let tokens = [site.token(&site.staff), site.token(&site.partners)];
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let clients = (0..8).map(|client| {
        let (site, token) = (&site, &tokens[client % 2]);
        let (is_over, answered) = (&is_over, &answered);
        async move {
            let mut failures = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let me = site.server.get("/api/v1/users/me", Some(token)).await;
                answered.fetch_add(1, Ordering::Relaxed);
                if me.status != 200 {
                    failures.push(me);
                }
            }
            failures
        }
    });
    let reloads = async {
        for round in 0..RELOADS {
            let role = ["editor", "admin"][round % 2];
            let text = table(&site.folder, "staff", &site.staff, role)
                + &table(&site.folder, "partners", &site.partners, role);
            fs::write(&site.file, text).unwrap();
            let before = answered.load(Ordering::Relaxed);
            site.hang_up();
            // A few requests are served under each configuration.
            while answered.load(Ordering::Relaxed) < before + 16
                || site.server.count(READ_AGAIN) <= round
            {
                tokio::task::yield_now().await;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (failures, ()) = tokio::join!(join_all(clients), reloads);
    let failures: Vec<_> = failures.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(site.server.count(READ_AGAIN), RELOADS);
    assert!(answered.load(Ordering::Relaxed) >= 16 * RELOADS);
}
