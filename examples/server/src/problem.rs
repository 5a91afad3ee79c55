//! Problem documents (RFC 9457) for every error response of this server, as the layer's own.

use std::error::Error;

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use sea_orm::DbErr;
use serde::Serialize;
use tower_jit_provisioning::sea_orm::directory::{DirectoryError, DirectoryErrorKind, Refusal};
use utoipa::ToSchema;

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Document {
    title: &'static str,
    status: u16,
    /// A stable code. The detail text may change.
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
        }
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_input", detail)
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }
}

/// A database error is reported as unavailable. The cause is logged.
impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        tracing::warn!(%error, "the database failed");
        Self::unavailable("the database is unavailable")
    }
}

/// A refusal is reported with its code. The cause of an outage is logged.
impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        let status = match error.kind() {
            DirectoryErrorKind::Conflict => StatusCode::CONFLICT,
            DirectoryErrorKind::Invalid => StatusCode::BAD_REQUEST,
            DirectoryErrorKind::NotFound => StatusCode::NOT_FOUND,
            _ => {
                let cause = error.source().map(tracing::field::display);
                tracing::warn!(%error, cause, "the directory failed");
                return Self::unavailable("the database is unavailable");
            }
        };
        let code = match status {
            StatusCode::BAD_REQUEST => "invalid_input",
            _ => error
                .refusal()
                .map_or(error.kind().as_str(), Refusal::as_str),
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            title: self.status.canonical_reason().unwrap_or("error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
        };
        let mut response = (self.status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        response
    }
}

/// Converts the plain-text errors of axum and tower-http (404, 405, 408, 413 …) into problem
/// documents.
pub async fn document_refusals(response: Response) -> Response {
    let status = response.status();
    let is_document = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/problem+json");
    if is_document || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "timeout",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        _ if status.is_server_error() => "internal_error",
        _ => "invalid_input",
    };
    let (mut parts, _) = response.into_parts();
    let (documented, body) = Problem::new(status, code, "").into_response().into_parts();
    parts.headers.remove("content-length");
    parts.headers.extend(documented.headers);
    Response::from_parts(parts, body)
}
