//! From an error to a response.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE, WWW_AUTHENTICATE,
    },
};

use super::{
    problem_json::{ProblemJson, problem},
    protocol::Protocol,
    rejection_response::RejectionResponse,
    wire::Wire,
};
use crate::error::Error;

/// When to try again while keys or store are down, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What a hook has no say in: how long the message is, and what becomes of the connection.
const FRAMING: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// How a layer words its refusals. What stands behind the layer and refuses on its own words them
/// the same.
pub(crate) struct RejectionConfig {
    shape: Arc<dyn RejectionResponse>,
    resource_metadata: Option<Arc<str>>,
    is_default: bool,
}

impl RejectionConfig {
    /// A copy with another shape.
    pub(crate) fn with_shape(&self, shape: impl RejectionResponse) -> Self {
        Self {
            shape: Arc::new(shape),
            resource_metadata: self.resource_metadata.clone(),
            is_default: false,
        }
    }

    /// A copy whose challenges name the address of a resource's metadata.
    pub(crate) fn with_resource_metadata(&self, url: Arc<str>) -> Self {
        Self {
            shape: Arc::clone(&self.shape),
            resource_metadata: Some(url),
            is_default: false,
        }
    }

    /// Whether a request need not carry them along.
    #[inline]
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// RejectionConfig a refusal and leaves the error in the response's extensions.
    pub(crate) fn reject(&self, error: Error, protocol: Protocol) -> Response<Bytes> {
        let wire = Wire::of(error.kind());
        let mut response = self.shape.response(&error, protocol);
        let headers = response.headers_mut();
        // The default shape sets none of these.
        if !self.is_default {
            for name in FRAMING {
                headers.remove(name);
            }
        }
        match protocol {
            Protocol::Grpc => trailers_only(&mut response, wire.grpc_status, error.code()),
            Protocol::Http => {
                match wire.challenge {
                    Some(challenge) => {
                        let metadata = self.resource_metadata.as_deref();
                        let challenge = challenge.header(error.scope(), metadata);
                        headers.insert(WWW_AUTHENTICATE, challenge)
                    }
                    None => headers.remove(WWW_AUTHENTICATE),
                };
                if wire.status == StatusCode::SERVICE_UNAVAILABLE {
                    headers.entry(RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
                }
                *response.status_mut() = wire.status;
            }
        }
        response.extensions_mut().insert(error);
        response
    }
}

impl Default for RejectionConfig {
    fn default() -> Self {
        Self {
            shape: Arc::new(ProblemJson),
            resource_metadata: None,
            is_default: true,
        }
    }
}

impl fmt::Debug for RejectionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RejectionConfig").finish_non_exhaustive()
    }
}

/// What a server answers whose layers are not in order. The reason is for the log.
pub(crate) fn internal_error(protocol: Protocol) -> Response<Bytes> {
    const CODE: &str = "internal_error";
    match protocol {
        Protocol::Grpc => {
            let mut response = Response::new(Bytes::new());
            trailers_only(&mut response, "13", CODE);
            response
        }
        Protocol::Http => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            CODE,
            "the server is misconfigured",
        ),
    }
}

fn trailers_only(response: &mut Response<Bytes>, status: &'static str, message: &'static str) {
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Bytes::new();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static(status));
    headers.insert("grpc-message", HeaderValue::from_static(message));
}
