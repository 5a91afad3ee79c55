//! A requirement: its check, its paths, and the shape of its rejections.

use std::{any::type_name, fmt, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Request, Response};

use crate::{
    error::{Error, ErrorKind},
    identity::Identity,
    rejection::{Protocol, RejectionConfig, RejectionResponse, internal_error},
    telemetry,
    user::{Anonymous, CurrentUser},
};

type Check = dyn Fn(&Extensions) -> Result<(), Refusal> + Send + Sync;

/// A requirement, shared by all services of one layer.
#[derive(Clone)]
pub(super) struct Requirement {
    check: Arc<Check>,
    /// `None` applies to every path.
    paths: Option<Arc<[Box<str>]>>,
    /// `None` uses the outer `ProvisionLayer`'s shape.
    rejection: Option<Arc<RejectionConfig>>,
}

pub(super) enum Refusal {
    Error(Error),
    /// There is no outer `ProvisionLayer`, or its user does not have this type.
    Misplaced(&'static str),
}

impl Requirement {
    pub(super) fn new(
        check: impl Fn(&Extensions) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            check: Arc::new(check),
            paths: None,
            rejection: None,
        }
    }

    pub(super) fn on_paths<N: Into<String>>(self, paths: impl IntoIterator<Item = N>) -> Self {
        let paths = paths.into_iter().map(|path| path.into().into_boxed_str());
        Self {
            paths: Some(paths.collect()),
            ..self
        }
    }

    pub(super) fn with_rejection(self, rejection: impl RejectionResponse) -> Self {
        Self {
            rejection: Some(Arc::new(RejectionConfig::default().with_shape(rejection))),
            ..self
        }
    }

    /// Returns the response to a request that does not meet the requirement.
    pub(super) fn refuse<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        let path = request.uri().path();
        if let Some(paths) = &self.paths
            && !paths.iter().any(|listed| **listed == *path)
        {
            return None;
        }
        let refusal = (self.check)(request.extensions()).err()?;
        let protocol = Protocol::of(request.headers());
        Some(match refusal {
            Refusal::Error(error) => {
                telemetry::requirement_refused(&error);
                let outer = request.extensions().get::<Arc<RejectionConfig>>();
                match self.rejection.as_ref().or(outer) {
                    Some(rejection) => rejection.reject(error, protocol),
                    None => RejectionConfig::default().reject(error, protocol),
                }
            }
            Refusal::Misplaced(wanted) => {
                tracing::error!(
                    route = path,
                    wanted,
                    "a requirement found no user in the request; is `ProvisionLayer` outside of it?"
                );
                internal_error(protocol)
            }
        })
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requirement")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

pub(super) fn identity(extensions: &Extensions) -> Result<&Identity, Refusal> {
    found(extensions)
}

pub(super) fn user<U: Send + Sync + 'static>(
    extensions: &Extensions,
) -> Result<&CurrentUser<U>, Refusal> {
    found(extensions)
}

/// Returns an extension of the request. Without it, anonymous requests get 401, and a missing
/// `ProvisionLayer` is a server error.
fn found<T: Send + Sync + 'static>(extensions: &Extensions) -> Result<&T, Refusal> {
    match extensions.get::<T>() {
        Some(found) => Ok(found),
        None if extensions.get::<Anonymous>().is_some() => {
            Err(Refusal::Error(Error::new(ErrorKind::MissingToken)))
        }
        None => Err(Refusal::Misplaced(type_name::<T>())),
    }
}
