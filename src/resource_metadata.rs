//! Metadata of a protected resource (RFC 9728), which names the authorization servers.
//!
//! The challenge of a rejection contains the URL of a small document. The document lists the
//! authorization servers that issue tokens for the resource. MCP clients depend on it.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use tower_jit_provisioning::{
//!     JwtVerifier, MemoryProvisioner, ProvisionLayer, resource_metadata::ResourceMetadata,
//! };
//!
//! # async fn list() {}
//! fn app(verifier: JwtVerifier) -> Result<Router, Box<dyn std::error::Error>> {
//!     let metadata = ResourceMetadata::new("https://api.example.com/orders")?
//!         .add_authorization_server("https://id.example.com")
//!         .add_scope("orders:read");
//!     assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/orders");
//!     let layer = ProvisionLayer::new(verifier, MemoryProvisioner::new())
//!         .with_resource_metadata(&metadata);
//!     Ok(Router::new()
//!         .route("/orders", get(list))
//!         .layer(layer)
//!         // Outside of the layer: a client that needs the metadata has no token yet.
//!         .route_service(metadata.path(), metadata.clone()))
//! }
//! # }
//! ```

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    future::{Ready, ready},
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;
use tower_service::Service;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Metadata of the resource that a layer protects, and a service that serves it.
///
/// The service responds to `GET` and `HEAD` on any path. Mount it at [`path`](Self::path), outside
/// of the layer, and behind a CORS layer if browsers read it. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct ResourceMetadata {
    path: Arc<str>,
    url: Arc<str>,
    document: Document,
}

/// The document of RFC 9728 section 2.
#[derive(Clone, Debug, Serialize)]
struct Document {
    resource: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
}

impl ResourceMetadata {
    /// Describes a resource by its identifier, the `https` URL under which clients call it.
    ///
    /// # Errors
    ///
    /// [`InvalidResource`] if the identifier is neither an `https` URL nor an `http` URL on
    /// loopback, or if it has a user, a query or a fragment.
    pub fn new(resource: impl Into<String>) -> Result<Self, InvalidResource> {
        let resource = resource.into();
        let uri: Uri = resource.parse().map_err(|_| InvalidResource)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(InvalidResource);
        };
        let is_protected = match scheme {
            "https" => true,
            "http" => is_loopback(authority.host()),
            _ => false,
        };
        if !is_protected || authority.as_str().contains('@') || resource.contains(['?', '#', '"']) {
            return Err(InvalidResource);
        }
        // RFC 9728 section 3.1: inserted between host and path. A path of `/` is dropped.
        let path = match uri.path() {
            "/" => WELL_KNOWN.to_owned(),
            path => format!("{WELL_KNOWN}{path}"),
        };
        Ok(Self {
            url: format!("{scheme}://{authority}{path}").into(),
            path: path.into(),
            document: Document {
                resource,
                authorization_servers: Vec::new(),
                scopes_supported: Vec::new(),
                bearer_methods_supported: ["header"],
                resource_name: None,
                resource_documentation: None,
            },
        })
    }

    /// Adds an authorization server by its issuer, as in [`TrustedIssuer`](crate::TrustedIssuer).
    pub fn add_authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.document.authorization_servers.push(issuer.into());
        self
    }

    /// Adds a scope that clients can request.
    pub fn add_scope(mut self, scope: impl Into<String>) -> Self {
        self.document.scopes_supported.push(scope.into());
        self
    }

    /// Sets the display name of the resource.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.document.resource_name = Some(name.into());
        self
    }

    /// Sets the URL of a page for developers.
    pub fn with_documentation(mut self, url: impl Into<String>) -> Self {
        self.document.resource_documentation = Some(url.into());
        self
    }

    /// Returns the path to mount the service at.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URL of the document, which challenges contain.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn shared_url(&self) -> Arc<str> {
        Arc::clone(&self.url)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

impl<B> Service<Request<B>> for ResourceMetadata {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut response = Response::new(String::new());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let headers = response.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return ready(Ok(response));
        }
        *response.body_mut() = serde_json::to_string(&self.document).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        );
        ready(Ok(response))
    }
}

/// The resource identifier is not valid (RFC 9728 section 1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidResource;

impl fmt::Display for InvalidResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource identifier is an https URL without user, query and fragment")
    }
}

impl StdError for InvalidResource {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_is_inserted_between_host_and_path() {
        for (resource, url) in [
            (
                "https://api.example.com",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example.com/",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example.com:8443/v1/orders",
                "https://api.example.com:8443/.well-known/oauth-protected-resource/v1/orders",
            ),
            (
                "http://127.0.0.1:3000/mcp",
                "http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "http://[::1]:3000",
                "http://[::1]:3000/.well-known/oauth-protected-resource",
            ),
        ] {
            let metadata = ResourceMetadata::new(resource).unwrap();
            assert_eq!(metadata.url(), url);
            assert!(url.ends_with(metadata.path()));
        }
    }

    #[test]
    fn anything_but_a_plain_https_url_is_refused() {
        for resource in [
            "",
            "/orders",
            "api.example.com",
            "http://api.example.com",
            "http://localhost.example.com",
            "ftp://api.example.com",
            "https://user@api.example.com",
            "https://api.example.com?tenant=1",
            "https://api.example.com/#top",
            "https://api.example.com/\"",
            "https://api example.com",
        ] {
            let refused = ResourceMetadata::new(resource).map(|metadata| metadata.url);
            assert_eq!(refused, Err(InvalidResource), "{resource}");
        }
    }
}
