//! The server put together: routes, layers, shared state.

use std::{iter::once, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware,
    routing::{get, post},
};
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    timeout::TimeoutLayer,
    trace::TraceLayer,
};
use tower_jit_provisioning::{
    BuildError, ClaimMap, IdentityKey, IssuerPolicy, JwtVerifier, KeySource, ProvisionLayer,
    TrustedIssuer,
    sea_orm::{CheckError, User, directory::UserDirectory},
};
use uuid::Uuid;

use crate::{
    accounts, administration,
    config::Config,
    development::DevelopmentIssuer,
    local_issuer::LocalIssuer,
    migrations::sign_ups,
    operator::{self, statistics::Statistics},
    passwords::Passwords,
    problem::{Problem, document_refusals},
    profile,
    store::Users,
};

const BODY_LIMIT: usize = 16 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What handlers share.
pub struct AppState {
    pub db: DatabaseConnection,
    pub users: Users,
    pub passwords: Passwords,
    pub local_issuer: LocalIssuer,
    pub verifier: JwtVerifier,
    pub statistics: Statistics,
}

pub type Shared = Arc<AppState>;

impl AppState {
    /// The directory of a user's tenant, acting as the user.
    pub fn directory_of(&self, user: &User) -> UserDirectory {
        self.users
            .directory()
            .in_tenant(&user.tenant)
            .acting_as(&user.id.to_string())
            .with_admin_role(administration::ROLE)
    }

    /// Reads a user again who was changed past the directory.
    pub async fn forget(&self, user: Uuid) -> Result<(), Problem> {
        let record = self.users.directory().get(user).await?;
        for identity in record.iter().flat_map(|record| &record.identities) {
            let key = IdentityKey::new(&identity.tenant, &identity.issuer, &identity.subject);
            self.users.invalidate(key);
        }
        Ok(())
    }

    /// Frees the addresses with which deleted users signed up.
    pub async fn forget_sign_ups(&self, users: &[Uuid]) -> Result<(), DbErr> {
        sign_ups::Entity::delete_many()
            .filter(sign_ups::Column::UserId.is_in(users.iter().copied()))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

pub struct App {
    state: Shared,
    layer: ProvisionLayer<Users>,
    development: Option<DevelopmentIssuer>,
}

impl App {
    pub fn new(
        config: &Config,
        db: DatabaseConnection,
        users: Users,
        development: Option<DevelopmentIssuer>,
        statistics: Statistics,
    ) -> Result<Self, BuildError> {
        let local_issuer = LocalIssuer::new(config.local_secret.as_deref());
        let external = config.issuer.as_ref().map(|issuer| {
            let audience = issuer.audience.as_str();
            match &issuer.jwks {
                None => TrustedIssuer::discover(&issuer.url, audience),
                Some(jwks) => TrustedIssuer::new(&issuer.url, audience, KeySource::jwks(jwks)),
            }
        });
        let identity_provider = external.or_else(|| development.as_ref().map(|dev| dev.trusted()));
        let trusted = identity_provider.into_iter().map(|issuer| {
            issuer
                .with_claims(ClaimMap::oidc().add_roles(&config.roles_claim))
                .with_policy(
                    IssuerPolicy::new()
                        .with_linking(config.linking)
                        .map_role("admin", "admin"),
                )
        });
        let verifier = JwtVerifier::new(trusted.chain(once(local_issuer.trusted())))?;
        Ok(Self {
            layer: ProvisionLayer::new(verifier.clone(), users.clone()),
            state: Arc::new(AppState {
                db,
                users,
                passwords: Passwords::new(),
                local_issuer,
                verifier,
                statistics,
            }),
            development,
        })
    }

    /// Refuses a configuration under which everybody would be created a second time.
    pub async fn check_issuers(&self) -> Result<(), CheckError> {
        let users = self.state.users.provisioner();
        users.check_issuers(&self.state.verifier).await
    }

    pub fn router(self) -> Router {
        // The layer stands in front of what needs a user, and of nothing else.
        let me = get(profile::me).put(profile::update_me);
        let for_users = administration::router()
            .route("/api/v1/users/me", me)
            .route_layer(self.layer);
        let mut router = Router::new()
            .route("/api/v1/users/", post(accounts::sign_up))
            .route("/api/v1/users/verify-email", post(accounts::verify_email))
            .route("/api/v1/login", post(accounts::login))
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .merge(for_users)
            .with_state(self.state)
            .merge(operator::page::router());
        if let Some(development) = self.development {
            router = router.nest("/dev-issuer", development.router());
        }
        router
            .layer(
                ServiceBuilder::new()
                    .layer(CatchPanicLayer::new())
                    .layer(TimeoutLayer::with_status_code(
                        StatusCode::REQUEST_TIMEOUT,
                        REQUEST_TIMEOUT,
                    ))
                    .layer(DefaultBodyLimit::max(BODY_LIMIT)),
            )
            .layer(middleware::map_response(document_refusals))
            .layer(
                ServiceBuilder::new()
                    .layer(SetSensitiveRequestHeadersLayer::new(once(AUTHORIZATION)))
                    .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                    .layer(TraceLayer::new_for_http())
                    .layer(PropagateRequestIdLayer::x_request_id()),
            )
    }
}

/// `GET /healthz`: the process runs.
async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /readyz`: the database answers, and the issuers' keys are there.
async fn ready(State(app): State<Shared>) -> Result<Json<Value>, Problem> {
    if app.verifier.ready().await.is_err() {
        return Err(Problem::unavailable("the issuers' keys are unavailable"));
    }
    match tokio::time::timeout(Duration::from_secs(1), app.db.ping()).await {
        Ok(Ok(())) => Ok(Json(
            json!({"status": "ok", "database": "ok", "keys": "ok"}),
        )),
        Ok(Err(_)) | Err(_) => Err(Problem::unavailable("the database is unavailable")),
    }
}
