//! What may pass behind the layer: scopes, roles and predicates, over HTTP and gRPC.

use std::{
    convert::Infallible,
    io::Write,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    routing::{delete, get},
};
use bytes::Bytes;
use http::{
    HeaderMap, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_jit_provisioning::{
    ClaimMap, Error, ErrorKind, HasRoles, Identity, IssuerPolicy, JwtVerifier, MemoryProvisioner,
    MemoryUser, PrincipalKind, ProvisionError, ProvisionLayer, Provisioned, Provisioner,
    RequireLayer,
    access::{Names, Require},
    rejection::Protocol,
    resource_metadata::ResourceMetadata,
    testing::{TestIssuer, TokenBuilder},
};
use tower_test::mock;

const AUDIENCE: &str = "orders-api";

fn issuer() -> TestIssuer {
    TestIssuer::new("https://id.example.com")
}

fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    ProvisionLayer::new(verifier(issuer), MemoryProvisioner::new())
}

fn verifier(issuer: &TestIssuer) -> JwtVerifier {
    let policy = IssuerPolicy::new()
        .map_role("staff", "admin")
        .map_role("helpdesk", "support");
    let trusted = issuer.trusted(AUDIENCE);
    let claims = ClaimMap::oidc().add_roles("/roles");
    JwtVerifier::new([trusted.with_claims(claims).with_policy(policy)]).unwrap()
}

fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE)
}

fn request(path: &str, bearer: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer);
    }
    request.body(Body::empty()).unwrap()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    kind: Option<ErrorKind>,
    code: Option<String>,
}

impl Answer {
    async fn of(app: &Router, request: Request<Body>) -> Self {
        let response = app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let problem: Option<Value> = serde_json::from_slice(&body).ok();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            kind: parts.extensions.get().map(Error::kind),
            code: problem.map(|problem| problem["code"].as_str().unwrap().to_owned()),
        }
    }

    fn challenge(&self) -> Option<&str> {
        let value = self.headers.get(WWW_AUTHENTICATE)?;
        Some(value.to_str().unwrap())
    }

    fn grpc(&self) -> (&str, &str) {
        let text = |name| self.headers[name].to_str().unwrap();
        (text("grpc-status"), text("grpc-message"))
    }
}

/// One route behind one requirement, and the layer.
fn behind<L>(layer: ProvisionLayer<MemoryProvisioner>, requirement: L) -> Router
where
    L: Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request<Body>, Response: axum::response::IntoResponse, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    Router::new()
        .route("/orders", get(async || "orders"))
        .layer(requirement)
        .layer(layer)
}

#[tokio::test]
async fn a_scope_is_required_and_named() {
    let issuer = issuer();
    let holds = |scopes: &str| token(&issuer).claim("scope", scopes).bearer();
    for (names, scopes, told) in [
        (Names::from("read"), "read", None),
        (Names::from("read"), "write read", None),
        (Names::from("read"), "write", Some("read")),
        (Names::from("read"), "", Some("read")),
        (Names::from("read"), "Read reader", Some("read")),
        (Names::all_of(["read", "write"]), "write read", None),
        (Names::all_of(["read", "write"]), "read", Some("read write")),
        (Names::any_of(["write", "admin"]), "admin", None),
        (Names::any_of(["write", "admin"]), "read", Some("write")),
        (Names::all_of::<&str>([]), "read", Some("")),
    ] {
        let app = behind(layer(&issuer), RequireLayer::scope(names.clone()));
        let answer = Answer::of(&app, request("/orders", Some(&holds(scopes)))).await;
        match told {
            None => assert_eq!(answer.status, 200, "{names:?} {scopes}"),
            Some(told) => {
                assert_eq!(answer.status, 403, "{names:?} {scopes}");
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{told}\"");
                assert_eq!(answer.challenge(), Some(&*challenge));
                assert_eq!(answer.kind, Some(ErrorKind::InsufficientScope));
                assert_eq!(answer.code.as_deref(), Some("insufficient_scope"));
            }
        }
    }
}

#[tokio::test]
async fn a_role_of_the_user_or_of_the_token_is_required() {
    let issuer = issuer();
    let holds = |roles: &[&str]| token(&issuer).claim("roles", roles).bearer();
    for (names, roles, passes) in [
        (Names::from("admin"), &["staff"] as &[&str], true),
        // The mapping decides: the issuer's own word is nothing here.
        (Names::from("admin"), &["admin"], false),
        (Names::from("admin"), &[], false),
        (Names::from("Admin"), &["staff"], false),
        (Names::any_of(["admin", "support"]), &["helpdesk"], true),
        (Names::all_of(["admin", "support"]), &["helpdesk"], false),
        (
            Names::all_of(["admin", "support"]),
            &["helpdesk", "staff"],
            true,
        ),
        (Names::any_of::<&str>([]), &["staff"], false),
    ] {
        for requirement in [
            RequireLayer::role::<MemoryUser>(names.clone()),
            RequireLayer::token_role(names.clone()),
        ] {
            let app = behind(layer(&issuer), requirement);
            let answer = Answer::of(&app, request("/orders", Some(&holds(roles)))).await;
            match passes {
                true => assert_eq!(answer.status, 200, "{names:?} {roles:?}"),
                false => {
                    assert_eq!(answer.status, 403, "{names:?} {roles:?}");
                    assert_eq!(answer.challenge(), None);
                    assert_eq!(answer.kind, Some(ErrorKind::Denied));
                    assert_eq!(answer.code.as_deref(), Some("no_role"));
                }
            }
        }
    }
}

/// Grants roles by its own rule, whatever the token says.
struct Account;

impl HasRoles for Account {
    fn has_role(&self, role: &str) -> bool {
        role == "owner"
    }
}

struct Accounts;

#[async_trait]
impl Provisioner for Accounts {
    type User = Account;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        Ok(Provisioned::found(Account))
    }
}

#[tokio::test]
async fn the_users_roles_and_the_tokens_are_two_things() {
    let issuer = issuer();
    let layer = ProvisionLayer::new(verifier(&issuer), Accounts);
    let bearer = token(&issuer).claim("roles", ["staff"]).bearer();
    for (requirement, status) in [
        (RequireLayer::role::<Account>("owner"), 200),
        (RequireLayer::role::<Account>("admin"), 403),
        (RequireLayer::token_role("admin"), 200),
        (RequireLayer::token_role("owner"), 403),
    ] {
        let app = Router::new()
            .route("/orders", get(async || "orders"))
            .layer(requirement)
            .layer(layer.clone());
        let answer = Answer::of(&app, request("/orders", Some(&bearer))).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_predicate_sees_user_and_identity() {
    let issuer = issuer();
    let first_human = RequireLayer::that(|user: &MemoryUser, identity: &Identity| {
        user.id == 1 && identity.kind() == PrincipalKind::Human && identity.subject() == "ana"
    });
    let app = behind(layer(&issuer), first_human);
    let ana = token(&issuer).bearer();
    let eve = token(&issuer).claim("sub", "eve").bearer();
    let answer = Answer::of(&app, request("/orders", Some(&ana))).await;
    assert_eq!(answer.status, 200);
    let answer = Answer::of(&app, request("/orders", Some(&eve))).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.challenge(), None);
    assert_eq!(answer.kind, Some(ErrorKind::Denied));
    assert_eq!(answer.code.as_deref(), Some("rule_failed"));
}

#[tokio::test]
async fn over_grpc_a_refusal_is_permission_denied() {
    let issuer = issuer();
    let call = |bearer: &str| {
        let mut request = request("/orders", Some(bearer));
        let grpc = "application/grpc".parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, grpc);
        request
    };
    let bearer = token(&issuer).bearer();
    let app = behind(layer(&issuer), RequireLayer::scope("orders:read"));
    let answer = Answer::of(&app, call(&bearer)).await;
    assert_eq!(
        (answer.status, answer.grpc()),
        (200, ("7", "insufficient_scope"))
    );
    assert_eq!(answer.challenge(), None);
    let app = behind(layer(&issuer), RequireLayer::token_role("admin"));
    let answer = Answer::of(&app, call(&bearer)).await;
    assert_eq!((answer.status, answer.grpc()), (200, ("7", "no_role")));
    let nobody = RequireLayer::that(|_: &MemoryUser, _: &Identity| false);
    let app = behind(layer(&issuer), nobody);
    let answer = Answer::of(&app, call(&bearer)).await;
    assert_eq!((answer.status, answer.grpc()), (200, ("7", "rule_failed")));
}

#[tokio::test]
async fn an_anonymous_request_is_asked_for_a_token() {
    let issuer = issuer();
    for app in [
        behind(
            layer(&issuer).allow_anonymous(),
            RequireLayer::scope("read"),
        ),
        behind(
            layer(&issuer).allow_anonymous(),
            RequireLayer::role::<MemoryUser>("admin"),
        ),
        behind(
            layer(&issuer).allow_anonymous(),
            RequireLayer::token_role("admin"),
        ),
        behind(
            layer(&issuer).allow_anonymous(),
            RequireLayer::that(|_: &MemoryUser, _: &Identity| true),
        ),
    ] {
        let answer = Answer::of(&app, request("/orders", None)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.challenge(), Some("Bearer"));
        assert_eq!(answer.kind, Some(ErrorKind::MissingToken));
    }
}

/// What this thread logs meanwhile.
async fn logged(asking: impl Future<Output = ()>) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        asking.await;
    }
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn without_the_layer_in_front_the_server_is_at_fault() {
    let issuer = issuer();
    let bearer = token(&issuer).claim("scope", "read").bearer();
    let misplaced = [
        Router::new()
            .route("/orders", get(async || "orders"))
            .layer(RequireLayer::scope("read")),
        // In front of the layer rather than behind it.
        Router::new()
            .route("/orders", get(async || "orders"))
            .layer(layer(&issuer))
            .layer(RequireLayer::scope("read")),
        // For another user type.
        behind(layer(&issuer), RequireLayer::role::<Account>("owner")),
    ];
    for app in misplaced {
        let log = logged(async {
            let answer = Answer::of(&app, request("/orders", Some(&bearer))).await;
            assert_eq!(answer.status, 500);
            assert_eq!(answer.code.as_deref(), Some("internal_error"));
            assert_eq!(answer.challenge(), None);
            let mut call = request("/orders", Some(&bearer));
            let grpc = "application/grpc".parse().unwrap();
            call.headers_mut().insert(CONTENT_TYPE, grpc);
            let answer = Answer::of(&app, call).await;
            assert_eq!(
                (answer.status, answer.grpc()),
                (200, ("13", "internal_error"))
            );
        })
        .await;
        assert_eq!(
            log.matches("is `ProvisionLayer` outside of it").count(),
            2,
            "{log}"
        );
        assert!(log.contains("/orders"), "{log}");
        assert!(!log.contains("Bearer"), "{log}");
    }
}

#[tokio::test]
async fn a_route_a_router_and_a_path_have_requirements_of_their_own() {
    let issuer = issuer();
    let app = Router::new()
        .route("/orders/{id}", delete(async || "deleted"))
        .route_layer(RequireLayer::role::<MemoryUser>("admin"))
        .route(
            "/orders",
            get(async || "orders").layer(RequireLayer::scope("read")),
        )
        .route("/health", get(async || "healthy"))
        .layer(RequireLayer::scope("metrics").on_paths(["/health"]))
        .layer(layer(&issuer));
    let ask = async |method: &str, path: &str, scopes: &str, roles: &[&str]| {
        let bearer = token(&issuer)
            .claim("scope", scopes)
            .claim("roles", roles)
            .bearer();
        let mut request = request(path, Some(&bearer));
        *request.method_mut() = method.parse().unwrap();
        Answer::of(&app, request).await.status
    };
    assert_eq!(ask("GET", "/orders", "read", &[]).await, 200);
    assert_eq!(ask("GET", "/orders", "", &["staff"]).await, 403);
    assert_eq!(ask("DELETE", "/orders/7", "read", &[]).await, 403);
    assert_eq!(ask("DELETE", "/orders/7", "", &["staff"]).await, 200);
    assert_eq!(ask("GET", "/health", "read", &["staff"]).await, 403);
    assert_eq!(ask("GET", "/health", "metrics", &[]).await, 200);
    // The query is no part of the path.
    assert_eq!(ask("GET", "/health?x=/orders", "read", &[]).await, 403);
    assert_eq!(ask("GET", "/missing", "", &[]).await, 404);
}

#[tokio::test]
async fn refusals_are_worded_as_the_layer_in_front_words_them() {
    let issuer = issuer();
    let envelope = |prefix: &'static str| {
        move |error: &Error, _: Protocol| {
            Response::new(Bytes::from(format!("{prefix}{}", error.code())))
        }
    };
    let text = async |app: Router| {
        let request = request("/orders", Some(&token(&issuer).bearer()));
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 403);
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        let challenge = challenge.to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (challenge, String::from_utf8(body.into()).unwrap())
    };
    let outer = layer(&issuer).with_rejection(envelope("outer "));
    let plain = "Bearer error=\"insufficient_scope\", scope=\"read\"";
    let (challenge, body) = text(behind(outer.clone(), RequireLayer::scope("read"))).await;
    assert_eq!((&*challenge, &*body), (plain, "outer insufficient_scope"));
    let own = RequireLayer::scope("read").with_rejection(envelope("own "));
    let (challenge, body) = text(behind(outer.clone(), own)).await;
    assert_eq!((&*challenge, &*body), (plain, "own insufficient_scope"));

    let metadata = ResourceMetadata::new("https://api.example.com").unwrap();
    let outer = outer.with_resource_metadata(&metadata);
    let (challenge, body) = text(behind(outer.clone(), RequireLayer::scope("read"))).await;
    assert_eq!(body, "outer insufficient_scope");
    assert_eq!(
        challenge,
        format!("{plain}, resource_metadata=\"{}\"", metadata.url())
    );
    // The innermost layer is the one in front.
    let app = behind(layer(&issuer), RequireLayer::scope("read")).layer(outer);
    let (challenge, body) = text(app).await;
    assert_eq!(challenge, plain);
    assert!(body.contains("\"code\":\"insufficient_scope\""), "{body}");
}

#[tokio::test]
async fn a_requirement_is_as_ready_as_its_inner_service() {
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(
        RequireLayer::scope("read").on_paths(["/guarded"]),
    );
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let refused = Request::get("/guarded").body(()).unwrap();
    let response = service.call(refused).await.unwrap();
    assert_eq!(response.status(), 500);
    // The readiness that the refused request did not use is still there.
    assert!(service.poll_ready().is_ready());
    let response = service.call(Request::get("/open").body(()).unwrap());
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("broken");
    assert_eq!(response.await.unwrap_err().to_string(), "broken");
}

#[tokio::test]
async fn requirements_nest_and_their_services_can_be_reached() {
    let issuer = issuer();
    let mut service: Require<_> =
        RequireLayer::scope("read").layer(service_fn(async |_: Request<Body>| {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let _ = service.get_ref();
    let _ = service.get_mut();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .layer(RequireLayer::token_role("admin"))
        .service(service);
    for (scopes, roles, status) in [
        ("read", &["staff"] as &[&str], 200),
        ("read", &[], 403),
        ("", &["staff"], 403),
    ] {
        let bearer = token(&issuer)
            .claim("scope", scopes)
            .claim("roles", roles)
            .bearer();
        let response = service.clone().oneshot(request("/", Some(&bearer))).await;
        assert_eq!(response.unwrap().status(), status, "{scopes} {roles:?}");
    }
}
