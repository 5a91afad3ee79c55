//! The assembled server: routes, layers, shared state.

use std::{iter::once, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{Request, StatusCode, header::AUTHORIZATION},
    middleware,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
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
    IdentityKey, JwtVerifier, ProvisionLayer,
    sea_orm::{User, directory::UserDirectory},
};
use tracing::Span;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    accounts, administration,
    config::Config,
    development::DevelopmentIssuer,
    issuers::OwnIssuers,
    local_issuer::LocalIssuer,
    migrations::sign_ups,
    openapi::{self, Api},
    operator::{
        self,
        statistics::{Statistics, count_refusals},
    },
    passwords::Passwords,
    problem::{Problem, document_refusals},
    profile,
    store::Users,
    telemetry::Telemetry,
};

const BODY_LIMIT: usize = 16 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// State shared by the handlers.
pub struct AppState {
    pub db: DatabaseConnection,
    pub users: Users,
    pub password_sign_up: bool,
    pub passwords: Passwords,
    pub local_issuer: LocalIssuer,
    pub verifier: JwtVerifier,
    pub statistics: Statistics,
}

pub type Shared = Arc<AppState>;

impl AppState {
    /// Returns the directory of the user's tenant, with the user as the actor.
    pub fn directory_of(&self, user: &User) -> UserDirectory {
        self.users
            .directory()
            .in_tenant(&user.tenant)
            .acting_as(&user.id.to_string())
            .with_admin_role(administration::ROLE)
    }

    /// Invalidates the cached entries of a user that was changed without the directory.
    pub async fn forget(&self, user: Uuid) -> Result<(), Problem> {
        let record = self.users.directory().get(user).await?;
        for identity in record.iter().flat_map(|record| &record.identities) {
            let key = IdentityKey::new(&identity.tenant, &identity.issuer, &identity.subject);
            self.users.invalidate(key);
        }
        Ok(())
    }

    /// Deletes the sign-ups of deleted users, so that their addresses can sign up again.
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
    metrics: Option<PrometheusHandle>,
}

impl App {
    pub fn new(
        db: DatabaseConnection,
        users: Users,
        verifier: JwtVerifier,
        own: OwnIssuers,
        telemetry: &Telemetry,
        config: &Config,
    ) -> Self {
        Self {
            layer: ProvisionLayer::new(verifier.clone(), users.clone()),
            development: own.development,
            metrics: telemetry.metrics.clone(),
            state: Arc::new(AppState {
                db,
                users,
                password_sign_up: config.password_sign_up,
                passwords: Passwords::new(),
                local_issuer: own.local,
                verifier,
                statistics: telemetry.statistics.clone(),
            }),
        }
    }

    pub fn router(self) -> Router {
        let statistics = self.state.statistics.clone();
        // The layer covers only the routes that need a user.
        let for_users = administration::router()
            .routes(routes!(profile::me, profile::update_me))
            .route_layer(middleware::map_response_with_state(
                statistics,
                count_refusals,
            ))
            .route_layer(self.layer);
        let public = OpenApiRouter::new()
            .routes(routes!(accounts::sign_up))
            .routes(routes!(accounts::verify_email))
            .routes(routes!(accounts::login));
        let documented_as_public = public.get_openapi().clone();
        let (api, document) = OpenApiRouter::with_openapi(Api::openapi())
            .merge(public)
            .merge(for_users)
            .split_for_parts();
        let mut router = api
            .merge(openapi::router(document, &documented_as_public))
            .route("/healthz", get(alive))
            .route("/readyz", get(ready))
            .with_state(self.state)
            .merge(operator::page::router());
        if let Some(development) = self.development {
            router = router.nest("/dev-issuer", development.router());
        }
        if let Some(metrics) = self.metrics {
            let render = get(move || async move { metrics.render() });
            router = router.route("/metrics", render);
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
                    .layer(TraceLayer::new_for_http().make_span_with(span))
                    .layer(PropagateRequestIdLayer::x_request_id()),
            )
    }
}

/// Creates the request's span. The query is left out: administrators may search for names.
fn span<B>(request: &Request<B>) -> Span {
    let (method, path) = (request.method(), request.uri().path());
    tracing::info_span!("request", %method, path)
}

/// `GET /healthz`: the process is running.
async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /readyz`: the database responds, and the issuers' keys are loaded.
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
