//! The application: axum behind the layer, on its own port, with users in SQLite.

use axum::{Json, Router, middleware::map_response, response::Response, routing::get};
use http::{Request, StatusCode};
use http_body_util::Full;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, EntityTrait, PaginatorTrait,
    sqlx::sqlite::SqliteJournalMode,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::AbortHandle};
use tower_jit_provisioning::{
    CurrentUser, Error, Identity, JwtVerifier, ProvisionLayer, TrustedIssuer,
    sea_orm::{SeaOrmProvisioner, User, entity::users, migration},
};

use super::{
    PATIENCE,
    client::{Answer, Http, bearer},
};

/// Header with the reason of a rejection, for the test; an application would log it.
const REASON: &str = "x-reason";

pub(crate) struct App {
    pub(crate) verifier: JwtVerifier,
    http: Http,
    url: String,
    db: DatabaseConnection,
    server: AbortHandle,
    _folder: TempDir,
}

impl App {
    pub(crate) async fn start(trusted: TrustedIssuer) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("users.sqlite");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
        options
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|to| to.journal_mode(SqliteJournalMode::Wal));
        let db = Database::connect(options).await.unwrap();
        migration::run(&db).await.unwrap();
        let verifier = JwtVerifier::new([trusted]).unwrap();
        let users = SeaOrmProvisioner::new(db.clone()).with_deadline(PATIENCE);
        let router = Router::new()
            .route("/me", get(me))
            .layer(ProvisionLayer::new(verifier.clone(), users))
            .layer(map_response(tell_reason));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/me", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            verifier,
            http: Http::new(),
            url,
            db,
            server: server.abort_handle(),
            _folder: folder,
        }
    }

    pub(crate) async fn get(&self, token: &str) -> Answer {
        let (name, value) = bearer(token);
        let request = Request::get(&self.url).header(name, value);
        self.http.send(request.body(Full::default()).unwrap()).await
    }

    /// Returns the body of an accepted request.
    pub(crate) async fn admits(&self, token: &str) -> Value {
        let answer = self.get(token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    /// Asserts status, challenge, code and reason of a rejection.
    pub(crate) async fn refuses(&self, token: &str, status: u16, code: &str, reason: &str) {
        let answer = self.get(token).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["code"], code, "{answer:?}");
        assert_eq!(answer.header(REASON), Some(reason), "{answer:?}");
        let challenge = match code {
            "insufficient_scope" => {
                Some(r#"Bearer error="insufficient_scope", scope="orders:read""#)
            }
            "invalid_token" => Some(r#"Bearer error="invalid_token""#),
            _ => None,
        };
        assert_eq!(answer.header("www-authenticate"), challenge, "{answer:?}");
    }

    pub(crate) async fn users(&self) -> u64 {
        users::Entity::find().count(&self.db).await.unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn me(user: CurrentUser<User>, identity: Identity) -> Json<Value> {
    Json(json!({
        "id": user.id,
        "email": user.email,
        "email_is_verified": user.email_is_verified,
        "full_name": user.full_name,
        "kind": identity.kind().as_str(),
        "outcome": user.outcome().as_str(),
    }))
}

async fn tell_reason(mut response: Response) -> Response {
    if let Some(error) = response.extensions().get::<Error>() {
        let reason = http::HeaderValue::from_static(error.reason());
        response.headers_mut().insert(REASON, reason);
    }
    response
}
