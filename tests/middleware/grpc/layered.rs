//! An issuer, a provisioner controlled by the token's subject, and the layer over both.

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderMap, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use tonic::Code;
use tower_jit_provisioning::{
    DenialReason, Error, ErrorKind, Identity, MemoryProvisioner, MemoryUser, ProvisionError,
    ProvisionLayer, Provisioned, Provisioner, rejection::Protocol, testing::TestIssuer,
};

use crate::issuer::{scoped_token, scoped_verifier};

/// Returns the result that the token's subject names.
#[derive(Clone, Default)]
pub(crate) struct Directory(pub(crate) MemoryProvisioner);

#[async_trait]
impl Provisioner for Directory {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(match identity.subject() {
            "conflict" => ProvisionError::Conflict,
            "down" => ProvisionError::unavailable("connection refused"),
            "no_role" => DenialReason::NoRole.into(),
            "revoked" => ProvisionError::Revoked,
            _ => return self.0.provision(identity).await,
        })
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        self.0.cached(identity)
    }
}

pub(crate) fn layer(issuer: &TestIssuer) -> ProvisionLayer<Directory> {
    ProvisionLayer::new(scoped_verifier(issuer), Directory::default())
}

/// Lists every rejection over gRPC: name, `Authorization`, kind, code and message.
pub(crate) fn refusals(
    issuer: &TestIssuer,
) -> Vec<(&'static str, Vec<String>, ErrorKind, Code, &'static str)> {
    let good = scoped_token(issuer);
    let by = |subject: &str| good.clone().claim("sub", subject);
    vec![
        (
            "nothing",
            vec![],
            ErrorKind::MissingToken,
            Code::Unauthenticated,
            "missing_token",
        ),
        (
            "Basic",
            vec!["Basic dTpw".to_owned()],
            ErrorKind::MissingToken,
            Code::Unauthenticated,
            "missing_token",
        ),
        (
            "two tokens",
            vec![good.bearer(), good.bearer()],
            ErrorKind::InvalidRequest,
            Code::Unauthenticated,
            "invalid_request",
        ),
        (
            "garbage",
            vec!["Bearer garbage".to_owned()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "expired",
            vec![good.clone().claim("exp", 1).bearer()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "revoked",
            vec![by("revoked").bearer()],
            ErrorKind::InvalidToken,
            Code::Unauthenticated,
            "invalid_token",
        ),
        (
            "no scope",
            vec![good.clone().claim("scope", "openid").bearer()],
            ErrorKind::InsufficientScope,
            Code::PermissionDenied,
            "insufficient_scope",
        ),
        (
            "denied",
            vec![by("no_role").bearer()],
            ErrorKind::Denied,
            Code::PermissionDenied,
            "no_role",
        ),
        (
            "conflict, vouched",
            vec![by("conflict").email("ana@example.com", true).bearer()],
            ErrorKind::Conflict,
            Code::PermissionDenied,
            "conflict",
        ),
        (
            "conflict, not vouched",
            vec![by("conflict").email("ana@example.com", false).bearer()],
            ErrorKind::Conflict,
            Code::PermissionDenied,
            "access_denied",
        ),
        (
            "store down",
            vec![by("down").bearer()],
            ErrorKind::Unavailable,
            Code::Unavailable,
            "unavailable",
        ),
    ]
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// A hook that returns an HTTP response to a gRPC call.
pub(crate) fn mistaken(_: &Error, _: Protocol) -> Response<Bytes> {
    Response::builder()
        .status(302)
        .header(CONTENT_TYPE, "text/html")
        .header(CONTENT_LENGTH, "6")
        .header("grpc-status", "0")
        .header("grpc-message", "fine")
        .header("x-extra", "kept")
        .body(Bytes::from_static(b"<html>"))
        .unwrap()
}
