//! The metadata of an issuer: OpenID Connect Discovery 1.0 and RFC 8414.

use http::Uri;

use crate::claims::{Object, Value};

/// Returns the metadata URLs to try, in order. OpenID Connect Discovery 1.0 section 4 appends the
/// well-known path to the issuer's path, and RFC 8414 section 3.1 inserts it before.
pub(crate) fn metadata_urls(issuer: &str) -> Vec<String> {
    let bare = issuer.trim_end_matches('/');
    let mut urls = vec![format!("{bare}/.well-known/openid-configuration")];
    if let Ok(uri) = issuer.parse::<Uri>()
        && let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority())
    {
        let path = uri.path().trim_end_matches('/');
        let well_known = "/.well-known/oauth-authorization-server";
        urls.push(format!("{scheme}://{authority}{well_known}{path}"));
    }
    urls
}

/// Reads `jwks_uri` from a metadata document.
///
/// The document's `issuer` must equal the configured one byte for byte (OpenID Connect Discovery
/// 1.0 section 4.3). Otherwise the document of one issuer could define the keys of another.
pub(crate) fn jwks_uri(document: &[u8], issuer: &str) -> Result<String, &'static str> {
    match endpoint(document, issuer, "jwks_uri") {
        Ok(Some(uri)) => Ok(uri),
        Ok(None) => Err("the metadata has no `jwks_uri`"),
        Err(EndpointFault::Metadata(reason)) => Err(reason),
        Err(EndpointFault::Url) => {
            Err("`jwks_uri` is neither https nor, like the issuer, on loopback")
        }
    }
}

/// Reads `userinfo_endpoint` from a metadata document, with the checks of [`jwks_uri`]. `None`
/// means that the issuer has none.
pub(crate) fn userinfo_endpoint(
    document: &[u8],
    issuer: &str,
) -> Result<Option<String>, &'static str> {
    endpoint(document, issuer, "userinfo_endpoint").map_err(|fault| match fault {
        EndpointFault::Metadata(reason) => reason,
        EndpointFault::Url => {
            "`userinfo_endpoint` is neither https nor, like the issuer, on loopback"
        }
    })
}

enum EndpointFault {
    Metadata(&'static str),
    Url,
}

fn endpoint(document: &[u8], issuer: &str, name: &str) -> Result<Option<String>, EndpointFault> {
    let metadata = Object::parse(document)
        .map_err(|_| EndpointFault::Metadata("the metadata is not a JSON object"))?;
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        let reason = "the metadata names another issuer";
        return Err(EndpointFault::Metadata(reason));
    }
    let Some(uri) = text(name) else {
        return Ok(None);
    };
    // A remote issuer must not direct requests to services on loopback.
    let is_allowed = is_fetchable(uri) && (is_https(uri) || !is_https(issuer));
    match is_allowed {
        true => Ok(Some(uri.to_owned())),
        false => Err(EndpointFault::Url),
    }
}

fn is_https(url: &str) -> bool {
    let uri = url.parse::<Uri>();
    uri.is_ok_and(|uri| uri.scheme_str() == Some("https"))
}

/// Returns whether a URL is `https`, or `http` on loopback.
pub(crate) fn is_fetchable(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    match uri.scheme_str() {
        Some("https") => uri.host().is_some_and(|host| !host.is_empty()),
        Some("http") => is_loopback(&uri),
        Some(_) | None => false,
    }
}

fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_standards_define_a_metadata_url() {
        assert_eq!(
            metadata_urls("https://id.example.com/realms/acme"),
            [
                "https://id.example.com/realms/acme/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server/realms/acme",
            ]
        );
        assert_eq!(
            metadata_urls("https://acme.eu.auth0.com/"),
            [
                "https://acme.eu.auth0.com/.well-known/openid-configuration",
                "https://acme.eu.auth0.com/.well-known/oauth-authorization-server",
            ]
        );
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let read = |issuer: &str, uri: &str| {
            let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{uri}"}}"#);
            jwks_uri(document.as_bytes(), "https://id.example.com")
        };
        let uri = "https://id.example.com/jwks";
        assert_eq!(read("https://id.example.com", uri).as_deref(), Ok(uri));
        for issuer in [
            "https://id.example.com/",
            "https://ID.example.com",
            "https://evil.example",
            "",
        ] {
            assert!(read(issuer, uri).is_err(), "{issuer}");
        }
        for uri in [
            "file:///etc/passwd",
            "http://id.example.com/jwks",
            "http://127.0.0.1:2379/jwks",
            "ftp://x/y",
            "/jwks",
            "",
        ] {
            assert!(read("https://id.example.com", uri).is_err(), "{uri}");
        }
        assert!(jwks_uri(b"<html>", "https://id.example.com").is_err());
    }

    #[test]
    fn plain_http_is_limited_to_loopback() {
        for url in [
            "http://127.0.0.1:8000/x",
            "http://[::1]/x",
            "http://localhost/x",
            "https://x.y",
        ] {
            assert!(is_fetchable(url), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.nip.io/",
        ] {
            assert!(!is_fetchable(url), "{url}");
        }
    }
}
