//! The default body: a problem document (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

use super::{Protocol, RejectionResponse, wire::Wire};
use crate::error::Error;

/// The default: a problem document (RFC 9457).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    code: &'static str,
}

impl RejectionResponse for ProblemJson {
    fn response(&self, error: &Error, protocol: Protocol) -> Response<Bytes> {
        match protocol {
            Protocol::Grpc => Response::new(Bytes::new()),
            Protocol::Http => {
                let wire = Wire::of(error);
                problem(wire.status, error.code(), wire.title)
            }
        }
    }
}

pub(super) fn problem(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
) -> Response<Bytes> {
    let document = Problem {
        title,
        status: status.as_u16(),
        code,
    };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
