//! Requests that each requirement accepts, and its rejections.

use async_trait::async_trait;
use axum::{Router, routing::get};
use http::header::CONTENT_TYPE;
use tower_jit_provisioning::{
    ErrorKind, HasRoles, Identity, MemoryUser, PrincipalKind, ProvisionError, ProvisionLayer,
    Provisioned, Provisioner, RequireLayer, UserStatus, access::Names, provisioner::Standing,
};

use super::app::{Answer, behind, layer, request, verifier};
use crate::issuer::{issuer, token};

#[tokio::test]
async fn a_missing_scope_is_refused_and_named() {
    let issuer = issuer();
    let holds = |scopes: &str| token(&issuer).claim("scope", scopes).bearer();
    for (names, scopes, named) in [
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
        match named {
            None => assert_eq!(answer.status, 200, "{names:?} {scopes}"),
            Some(named) => {
                assert_eq!(answer.status, 403, "{names:?} {scopes}");
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{named}\"");
                assert_eq!(answer.challenge(), Some(&*challenge));
                assert_eq!(answer.kind, Some(ErrorKind::InsufficientScope));
                assert_eq!(answer.code.as_deref(), Some("insufficient_scope"));
            }
        }
    }
}

#[tokio::test]
async fn a_missing_role_of_the_user_or_the_token_is_refused() {
    let issuer = issuer();
    let holds = |roles: &[&str]| token(&issuer).claim("roles", roles).bearer();
    for (names, roles, passes) in [
        (Names::from("admin"), &["staff"] as &[&str], true),
        // The role mapping decides: the issuer's own role name has no effect here.
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

/// Grants roles by its own rule, independent of the token.
pub(crate) struct Account;

impl HasRoles for Account {
    fn has_role(&self, role: &str) -> bool {
        role == "owner"
    }
}

struct Accounts;

#[async_trait]
impl Provisioner for Accounts {
    type User = Account;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        let entry = identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])?;
        Ok(Provisioned::found(Account, entry))
    }
}

#[tokio::test]
async fn roles_of_the_user_and_of_the_token_are_separate() {
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
async fn a_rejection_over_grpc_is_permission_denied() {
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
    let never = RequireLayer::that(|_: &MemoryUser, _: &Identity| false);
    let app = behind(layer(&issuer), never);
    let answer = Answer::of(&app, call(&bearer)).await;
    assert_eq!((answer.status, answer.grpc()), (200, ("7", "rule_failed")));
}

#[tokio::test]
async fn an_anonymous_request_is_challenged_for_a_token() {
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
