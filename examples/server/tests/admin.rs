//! The operator's page in a real browser, against the bundled server's binary.
//!
//! Without Chromium and its driver, the scenarios are listed as ignored.

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "shared with the other tests of the server"
)]
mod common;

mod admin {
    pub(crate) mod browser;
    pub(crate) mod keyboard;
    pub(crate) mod operator;
    pub(crate) mod safety;
    pub(crate) mod views;
}

use std::{pin::Pin, process::ExitCode, time::Duration};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

use self::{
    admin::{
        browser::{self, Browser},
        keyboard, operator, safety, views,
    },
    common::Server,
};

/// Upper bound of waits that are not measured. Generous for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);
const DESKTOP: u32 = 1280;
const PHONE: u32 = 375;

/// The server and the browser of one scenario.
struct Scene {
    server: Server,
    browser: Browser,
}

type Run = fn(Scene) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! scenarios {
    ($($module:ident::$name:ident at $width:ident,)*) => {
        [$((
            concat!(stringify!($module), "::", stringify!($name)),
            $width,
            (|scene| Box::pin($module::$name(scene))) as Run,
        ),)*]
    };
}

fn main() -> ExitCode {
    let scenarios = scenarios![
        keyboard::an_operator_needs_no_mouse at DESKTOP,
        operator::a_pending_user_is_approved at DESKTOP,
        operator::a_user_is_watched_and_deactivated at DESKTOP,
        operator::roles_are_granted_and_taken_back at DESKTOP,
        safety::names_cannot_reverse_text_or_be_invisible at DESKTOP,
        safety::markup_in_a_name_is_text at DESKTOP,
        safety::only_administrators_sign_in at DESKTOP,
        safety::signing_out_removes_all_users_from_the_page at DESKTOP,
        views::a_phone_scrolls_in_one_direction at PHONE,
        views::activity_issuers_and_explanations_are_shown at DESKTOP,
    ];
    let missing = browser::missing();
    let trials = scenarios.into_iter().map(|(name, width, run)| {
        let trial = Trial::test(name, move || {
            Runtime::new()?.block_on(play(width, run));
            Ok(())
        });
        match missing {
            None => trial,
            Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Runs a scenario, and closes the browser even if it fails.
async fn play(width: u32, run: Run) {
    let browser = Browser::open(width).await;
    let server = Server::start();
    let scene = Scene {
        server,
        browser: browser.clone(),
    };
    let played = tokio::spawn(run(scene)).await;
    browser.close().await;
    played.expect("the scenario holds");
}

impl Scene {
    /// Returns a token with the `admin` role.
    async fn administrator(&self) -> String {
        let claims = serde_json::json!({
            "subject": "ruth", "email": "ruth@example.com", "email_verified": true,
            "name": "Ruth Okafor", "roles": ["admin"],
        });
        self.server.token(claims).await
    }

    async fn token_named(&self, subject: &str, name: &str) -> String {
        let claims = serde_json::json!({
            "subject": subject, "email": format!("{subject}@example.com"),
            "email_verified": true, "name": name,
        });
        self.server.token(claims).await
    }

    /// Opens the page and signs in.
    async fn sign_in(&self) -> String {
        let token = self.administrator().await;
        self.sign_in_with(&token).await;
        token
    }

    /// Signs in with the given token.
    async fn sign_in_with(&self, token: &str) {
        self.browser
            .goto(&format!("{}/admin", self.server.base))
            .await;
        self.browser.enter("#token", token).await;
        self.browser.click("#sign-in button").await;
        self.browser.shows("#who", "Ruth Okafor").await;
    }

    /// Requests the token's own profile and returns the response's status.
    async fn me(&self, token: &str) -> u16 {
        let answer = self.server.get("/api/v1/users/me", Some(token)).await;
        answer.status
    }

    /// Returns the id of the token's user.
    async fn id(&self, token: &str) -> String {
        let answer = self.server.get("/api/v1/users/me", Some(token)).await;
        answer.text("id")
    }
}
