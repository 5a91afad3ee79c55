//! Protection of cookies against cross-site requests.
//!
//! The rules follow Go's `http.CrossOriginProtection`: Fetch Metadata (`Sec-Fetch-Site`), or
//! `Origin` if it is not sent. One rule differs: a request with neither header is refused.

use http::{
    Method,
    header::{HOST, ORIGIN, UPGRADE},
};

use super::head::{RequestHead, Single};
use crate::rejection::Protocol;

/// Returns whether a request may use its cookie: it is harmless, or comes from the application's
/// own pages.
pub(super) fn is_of_this_site(request: &RequestHead<'_>, origins: &[String]) -> bool {
    if is_harmless(request) {
        return true;
    }
    let origin = request.single(ORIGIN);
    if let Single::Text(origin) = origin
        && origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin))
    {
        return true;
    }
    match (request.single("sec-fetch-site"), origin) {
        // `none` is a navigation by the user, such as a bookmark or the address bar.
        (Single::Text(site), _) => matches!(site, "same-origin" | "none"),
        (Single::Absent, Single::Text(origin)) => is_own(request, origin),
        (Single::Unclear, _) | (Single::Absent, Single::Absent | Single::Unclear) => false,
    }
}

/// Returns whether the method is safe (RFC 9110 section 9.2.1). Handshakes that open a channel and
/// gRPC calls are never safe.
fn is_harmless(request: &RequestHead<'_>) -> bool {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    is_safe
        && !request.headers().contains_key(UPGRADE)
        && Protocol::of(request.headers()) == Protocol::Http
}

/// Returns whether an origin has the host and port of the request.
fn is_own(request: &RequestHead<'_>, origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        // A sandboxed frame or a `data:` page sends `null`.
        return false;
    };
    // HTTP/2 has the host in the URI.
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => match request.single(HOST) {
            Single::Text(host) => host,
            Single::Absent | Single::Unclear => return false,
        },
    };
    authority.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn accepts(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder()
            .method(method)
            .uri("/orders")
            .header(HOST, "api.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let origins = ["https://app.example.com".to_owned()];
        is_of_this_site(&RequestHead::from(&request), &origins)
    }

    #[test]
    fn a_safe_method_needs_no_header() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(accepts(method, &[]));
            assert!(accepts(method, &[("sec-fetch-site", "cross-site")]));
        }
    }

    #[test]
    fn an_unsafe_method_needs_a_header_of_the_browser() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "LOCK"] {
            for (headers, accepted) in [
                (&[] as &[(&str, &str)], false),
                (&[("sec-fetch-site", "same-origin")], true),
                (&[("sec-fetch-site", "none")], true),
                (&[("sec-fetch-site", "same-site")], false),
                (&[("sec-fetch-site", "cross-site")], false),
                (&[("sec-fetch-site", "Same-Origin")], false),
                (&[("origin", "https://api.example.com")], true),
                (&[("origin", "https://API.example.com")], true),
                (&[("origin", "https://api.example.com:8443")], false),
                (&[("origin", "https://api.example.com.evil.org")], false),
                (&[("origin", "https://evil.org")], false),
                (&[("origin", "null")], false),
                (&[("origin", "")], false),
                (&[("origin", "https://app.example.com")], true),
                (
                    &[
                        ("origin", "https://app.example.com"),
                        ("sec-fetch-site", "same-site"),
                    ],
                    true,
                ),
                (
                    &[
                        ("origin", "https://evil.org"),
                        ("sec-fetch-site", "same-site"),
                    ],
                    false,
                ),
                // `Sec-Fetch-Site` takes precedence over `Origin`.
                (
                    &[
                        ("origin", "https://api.example.com"),
                        ("sec-fetch-site", "cross-site"),
                    ],
                    false,
                ),
                (
                    &[
                        ("sec-fetch-site", "same-origin"),
                        ("sec-fetch-site", "cross-site"),
                    ],
                    false,
                ),
                (
                    &[
                        ("origin", "https://api.example.com"),
                        ("origin", "https://evil.org"),
                    ],
                    false,
                ),
                (&[("referer", "https://api.example.com/")], false),
            ] {
                assert_eq!(accepts(method, headers), accepted, "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn a_handshake_and_a_grpc_call_are_not_safe_with_get() {
        for header in [
            ("upgrade", "websocket"),
            ("upgrade", "WebSocket"),
            ("content-type", "application/grpc"),
            ("content-type", "application/grpc+proto"),
        ] {
            assert!(!accepts("GET", &[header]), "{header:?}");
            assert!(!accepts("GET", &[header, ("origin", "https://evil.org")]));
            assert!(accepts(
                "GET",
                &[header, ("origin", "https://api.example.com")]
            ));
        }
    }

    #[test]
    fn over_http_2_the_host_is_read_from_the_uri() {
        for (origin, accepted) in [
            ("https://api.example.com", true),
            ("https://evil.org", false),
        ] {
            let request = Request::post("https://api.example.com/orders")
                .header(ORIGIN, origin)
                .header(HOST, "evil.org")
                .body(())
                .unwrap();
            let request = RequestHead::from(&request);
            assert_eq!(is_of_this_site(&request, &[]), accepted, "{origin}");
        }
    }
}
