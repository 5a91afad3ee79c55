//! The default shape of rejections: a problem document (RFC 9457).

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;

use super::{protocol::Protocol, rejection_response::RejectionResponse, wire::Wire};
use crate::error::{Error, ErrorKind};

/// The default shape of rejections: a problem document (RFC 9457).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    code: &'static str,
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The kinds whose code is usually the kind's label.
const USUAL: [ErrorKind; 4] = [
    ErrorKind::MissingToken,
    ErrorKind::InvalidRequest,
    ErrorKind::InvalidToken,
    ErrorKind::Unavailable,
];

impl RejectionResponse for ProblemJson {
    fn response(&self, error: &Error, protocol: Protocol) -> Response<Bytes> {
        match protocol {
            Protocol::Grpc => Response::new(Bytes::new()),
            Protocol::Http => {
                let wire = Wire::of(error.kind());
                match usual(error) {
                    Some(body) => respond(wire.status, body),
                    None => problem(wire.status, error.code(), wire.title),
                }
            }
        }
    }
}

/// Returns a shared body for the usual code of a kind, so that a flood of refused requests does not
/// serialize the same document again and again.
fn usual(error: &Error) -> Option<Bytes> {
    static BODIES: LazyLock<[Bytes; USUAL.len()]> = LazyLock::new(|| {
        USUAL.map(|kind| {
            let wire = Wire::of(kind);
            document(wire.status, kind.as_str(), wire.title)
        })
    });
    let index = USUAL.iter().position(|kind| *kind == error.kind())?;
    (error.code() == error.kind().as_str()).then(|| BODIES[index].clone())
}

pub(super) fn problem(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
) -> Response<Bytes> {
    respond(status, document(status, code, title))
}

fn document(status: StatusCode, code: &'static str, title: &'static str) -> Bytes {
    let problem = Problem {
        title,
        status: status.as_u16(),
        code,
    };
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

fn respond(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_body_equals_a_newly_written_one() {
        for kind in USUAL {
            let error = Error::new(kind);
            let wire = Wire::of(kind);
            let written = document(wire.status, error.code(), wire.title);
            assert_eq!(usual(&error), Some(written), "{kind:?}");
        }
        assert_eq!(usual(&Error::cross_site()), None);
    }
}
