//! The configuration of a layer's rejections.

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

/// The `Retry-After` of a rejection while keys or store are unavailable, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Headers about the message's length and the connection, which a hook must not set.
const FRAMING: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The configuration of a layer's rejections. Requests carry it in their extensions, so that inner
/// layers reject in the same shape.
pub(crate) struct RejectionConfig {
    shape: Arc<dyn RejectionResponse>,
    resource_metadata: Option<Arc<str>>,
    is_default: bool,
}

impl RejectionConfig {
    /// Returns a copy with another shape.
    pub(crate) fn with_shape(&self, shape: impl RejectionResponse) -> Self {
        Self {
            shape: Arc::new(shape),
            resource_metadata: self.resource_metadata.clone(),
            is_default: false,
        }
    }

    /// Returns a copy whose challenges contain the URL of the resource's metadata.
    pub(crate) fn with_resource_metadata(&self, url: Arc<str>) -> Self {
        Self {
            shape: Arc::clone(&self.shape),
            resource_metadata: Some(url),
            is_default: false,
        }
    }

    /// Returns whether this is the default, which requests need not carry.
    #[inline]
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// Returns the response to a refused request, with the error in its extensions.
    pub(crate) fn reject(&self, error: Error, protocol: Protocol) -> Response<Bytes> {
        let wire = Wire::of(error.kind());
        let mut response = self.shape.response(&error, protocol);
        let headers = response.headers_mut();
        // The default shape sets none of the framing headers.
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

/// Returns the response of a server whose layers are misconfigured. The log contains the reason.
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
