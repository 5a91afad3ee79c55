//! An example service: a route for users, routes for administrators, and tables in SQLite.

use std::{error::Error, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_jit_provisioning::{
    CachedProvisioner, ClaimMap, CurrentUser, Email, IssuerPolicy, JwtVerifier, Linking,
    ProvisionLayer, RequireLayer, SignUp, TrustedIssuer,
    policy::Rule,
    sea_orm::{SeaOrmProvisioner, User, directory::ImportedUser, migration},
    testing::TestIssuer,
};
use uuid::Uuid;

/// How long a user is served from the cache before the store is read again.
pub(crate) const TTL: Duration = Duration::from_secs(1);

pub(crate) type Users = CachedProvisioner<SeaOrmProvisioner>;

pub(crate) struct Service {
    pub(crate) base: String,
    db: DatabaseConnection,
    users: Users,
    _folder: TempDir,
}

impl Service {
    pub(crate) async fn start(issuer: &TestIssuer) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("demo.sqlite");
        let db = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
        migration::run(&db).await?;

        let policy = IssuerPolicy::new()
            .with_sign_up(SignUp::When(Rule::email_domain(["example.com"])))
            .with_linking(Linking::VerifiedEmail)
            .map_role("orders-admins", "admin");
        let trusted = TrustedIssuer::discover(issuer.name(), "orders-api")
            .with_claims(ClaimMap::oidc().add_roles("/groups"))
            .with_policy(policy);
        let users = CachedProvisioner::new(SeaOrmProvisioner::new(db.clone()))
            .with_ttl(TTL)
            .with_stale_for(Duration::from_secs(600), |user: &User| {
                let mut user = user.clone();
                user.roles.retain(|role| role != "admin");
                Some(user)
            });
        let layer = ProvisionLayer::new(JwtVerifier::new([trusted])?, users.clone());

        let for_admins = Router::new()
            .route("/admin/users/{id}/deactivate", post(deactivate))
            .route("/admin/users/{id}/reactivate", post(reactivate))
            .route("/admin", get(async || "welcome"))
            .route_layer(RequireLayer::role::<User>("admin"))
            .with_state(users.clone());
        let app = Router::new()
            .route("/me", get(me))
            .merge(for_admins)
            .route_layer(layer);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            base,
            db,
            users,
            _folder: folder,
        })
    }

    /// Imports a user with a password and a verified address.
    pub(crate) async fn import(&self, address: &str, name: &str) -> Result<Uuid, Box<dyn Error>> {
        let user = ImportedUser::new()
            .with_email(Email::parse(address).ok_or("no address")?)
            .with_full_name(name)
            .with_password_hash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA");
        let report = self.users.directory().import(&[user]).await?;
        Ok(report.entries()[0].user.ok_or("no user was imported")?)
    }

    /// Renames the table of users, so that every read fails.
    pub(crate) async fn break_store(&self) -> Result<(), DbErr> {
        let statement = "ALTER TABLE users RENAME TO users_elsewhere";
        self.db.execute_unprepared(statement).await.map(drop)
    }

    pub(crate) async fn mend_store(&self) -> Result<(), DbErr> {
        let statement = "ALTER TABLE users_elsewhere RENAME TO users";
        self.db.execute_unprepared(statement).await.map(drop)
    }
}

async fn me(user: CurrentUser<User>) -> Json<Value> {
    Json(json!({
        "id": user.id,
        "name": user.full_name,
        "roles": user.roles,
        "outcome": user.outcome().as_str(),
    }))
}

async fn deactivate(State(users): State<Users>, Path(id): Path<Uuid>) -> StatusCode {
    let directory = users.directory().with_admin_role("admin");
    match directory.deactivate(&[id], "left the company").await {
        Ok(report) if report.changed() == 1 => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::CONFLICT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn reactivate(State(users): State<Users>, Path(id): Path<Uuid>) -> StatusCode {
    match users.directory().reactivate(&[id], "came back").await {
        Ok(report) if report.changed() == 1 => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::CONFLICT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
