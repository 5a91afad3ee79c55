//! The steps of the demonstration, in order.

use std::{error::Error, sync::Arc};

use axum::http::Method;
use tokio::time::sleep;
use tower_jit_provisioning::{
    Algorithm,
    testing::{SigningKey, TestIssuer, TokenBuilder},
};

use crate::{
    client::Client,
    service::{Service, TTL},
    table::{Row, Table},
};

pub(crate) struct Scenario {
    issuer: TestIssuer,
    service: Service,
    client: Client,
    table: Table,
}

impl Scenario {
    pub(crate) fn new(issuer: TestIssuer, service: Service, client: Client) -> Self {
        Self {
            issuer,
            service,
            client,
            table: Table::default(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Table, Box<dyn Error>> {
        self.first_access().await?;
        self.profile().await?;
        self.linking().await?;
        self.roles_and_deactivation().await?;
        self.keys().await?;
        self.store_outage().await?;
        Ok(self.table)
    }

    async fn first_access(&mut self) -> Result<(), Box<dyn Error>> {
        chapter("Tokens: without one, with one for another API, with a good one");
        self.me("no token", None, "401 missing_token").await?;
        let elsewhere = self.ana().audience("billing-api");
        let expected = "401 invalid_token";
        self.me("for another API", Some(&elsewhere), expected)
            .await?;
        let ana = self.ana();
        let expected = "200 created: user 1, Ana Diaz";
        self.me("first access", Some(&ana), expected).await?;
        let expected = "200 found: user 1, Ana Diaz";
        self.me("second access", Some(&ana), expected).await
    }

    async fn profile(&mut self) -> Result<(), Box<dyn Error>> {
        chapter("Profile: a newer token brings a name, an older one does not bring it back");
        let newer = self
            .ana()
            .claim("iat", now() + 10)
            .claim("name", "Ana Diaz-Lind");
        let expected = "200 updated: user 1, Ana Diaz-Lind";
        self.me("newer token", Some(&newer), expected).await?;
        sleep(TTL).await; // the cached user expires
        let expected = "200 found: user 1, Ana Diaz-Lind";
        self.me("older token", Some(&self.ana()), expected).await
    }

    async fn linking(&mut self) -> Result<(), Box<dyn Error>> {
        chapter("Linking: Bo was there before, with a password and a verified address");
        let bo = self.service.import("bo@example.com", "Bo Lind").await?;
        self.client.number(&bo.to_string());
        let impostor = self.token("eve").email("bo@example.com", false);
        let expected = "403 rule_failed";
        self.me("Bo's address, unproved", Some(&impostor), expected)
            .await?;
        let bo = self.token("bo").email("bo@example.com", true);
        let expected = "200 linked: user 2, Bo Lind";
        self.me("Bo's address, vouched for", Some(&bo), expected)
            .await?;
        let stranger = self.token("mallory").email("mallory@example.net", true);
        let expected = "403 rule_failed";
        self.me("another domain's", Some(&stranger), expected).await
    }

    async fn roles_and_deactivation(&mut self) -> Result<(), Box<dyn Error>> {
        chapter("Roles: only what is mapped counts");
        let (get, post) = (Method::GET, Method::POST);
        let named = self.ana().claim("groups", vec!["admin"]);
        let denied = "403 no_role";
        self.step(
            "a group named admin",
            get.clone(),
            "/admin",
            Some(&named),
            denied,
        )
        .await?;
        let root = self.root();
        self.step("a mapped group", get, "/admin", Some(&root), "200")
            .await?;

        chapter("Deactivation: the next request is refused, and old tokens stay void");
        let ana = self.ana();
        let answer = self
            .client
            .send(Method::GET, "/me", Some(&ana.bearer()))
            .await?;
        let id = answer.user.ok_or("the response has no user id")?;
        let path = format!("/admin/users/{id}/deactivate");
        self.step("deactivate Ana", post.clone(), &path, Some(&root), "204")
            .await?;
        self.me("her next request", Some(&ana), "403 deactivated")
            .await?;
        let path = format!("/admin/users/{id}/reactivate");
        self.step("reactivate Ana", post, &path, Some(&root), "204")
            .await?;
        self.me("the old token", Some(&ana), "401 invalid_token")
            .await?;
        let fresh = self.fresh_ana();
        let expected = "200 found: user 1, Ana Diaz-Lind";
        self.me("a fresh token", Some(&fresh), expected).await
    }

    async fn keys(&mut self) -> Result<(), Box<dyn Error>> {
        chapter(
            "Keys: a new one is found with its first token; known ones serve without the issuer",
        );
        self.issuer.rotate();
        let expected = "200 found: user 1, Ana Diaz-Lind";
        self.me("key rotated", Some(&self.fresh_ana()), expected)
            .await?;
        let forged = SigningKey::generate("made-up", Algorithm::Es256);
        let forged = self.ana().signed_by(Arc::new(forged));
        let expected = "401 invalid_token";
        self.me("a made-up key", Some(&forged), expected).await?;
        self.issuer.stop();
        let fresh = self.fresh_ana().claim("jti", "during the outage");
        let expected = "200 found: user 1, Ana Diaz-Lind";
        self.me("issuer down, known user", Some(&fresh), expected)
            .await?;
        let cy = self
            .token("cy")
            .claim("name", "Cy Ek")
            .email("cy@example.com", true);
        let expected = "200 created: user 3, Cy Ek";
        self.me("issuer down, new user", Some(&cy), expected)
            .await?;
        self.issuer.restart();
        Ok(())
    }

    async fn store_outage(&mut self) -> Result<(), Box<dyn Error>> {
        chapter("Store: while it is down known users go on, without privileged roles");
        self.service.break_store().await?;
        sleep(TTL).await; // all cached users are stale
        let (fresh, root) = (self.fresh_ana(), self.root());
        let expected = "200 found: user 1, Ana Diaz-Lind";
        self.me("store down, known user", Some(&fresh), expected)
            .await?;
        let denied = "403 no_role";
        self.step(
            "store down, administrator",
            Method::GET,
            "/admin",
            Some(&root),
            denied,
        )
        .await?;
        let di = self
            .token("di")
            .claim("name", "Di Moe")
            .email("di@example.com", true);
        self.me("store down, new user", Some(&di), "503 unavailable")
            .await?;
        self.service.mend_store().await?;
        let expected = "200 created: user 4, Di Moe";
        self.me("store back, new user", Some(&di), expected).await
    }

    fn token(&self, subject: &str) -> TokenBuilder {
        self.issuer
            .token(subject)
            .audience("orders-api")
            .claim("iat", now() - 10)
    }

    fn ana(&self) -> TokenBuilder {
        self.token("ana")
            .claim("name", "Ana Diaz")
            .email("ana@example.com", true)
    }

    /// Returns a token issued after all earlier changes, within the leeway.
    fn fresh_ana(&self) -> TokenBuilder {
        self.ana()
            .claim("name", "Ana Diaz-Lind")
            .claim("iat", now() + 20)
    }

    fn root(&self) -> TokenBuilder {
        let root = self.token("root").email("root@example.com", true);
        root.claim("name", "Root")
            .claim("groups", vec!["orders-admins"])
    }

    async fn me(
        &mut self,
        step: &'static str,
        token: Option<&TokenBuilder>,
        expected: &str,
    ) -> Result<(), Box<dyn Error>> {
        self.step(step, Method::GET, "/me", token, expected).await
    }

    async fn step(
        &mut self,
        step: &'static str,
        method: Method,
        path: &str,
        token: Option<&TokenBuilder>,
        expected: &str,
    ) -> Result<(), Box<dyn Error>> {
        // Ids differ between runs.
        let parts = path
            .split('/')
            .map(|part| if part.len() == 36 { "{id}" } else { part });
        let request = format!("{method} {}", parts.collect::<Vec<_>>().join("/"));
        let bearer = token.map(TokenBuilder::bearer);
        let answer = self.client.send(method, path, bearer.as_deref()).await?;
        let row = Row {
            step,
            request,
            answer: answer.words,
            expected: expected.to_owned(),
            took: answer.took,
        };
        let mark = if row.is_as_expected() {
            "ok"
        } else {
            "NOT AS EXPECTED"
        };
        println!("  {step}: {} -> {} ({mark})", row.request, row.answer);
        self.table.push(row);
        Ok(())
    }
}

fn chapter(title: &str) {
    println!("\n{title}");
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}
