//! Whether a browser sent a cookie on behalf of the application's own page.
//!
//! The rules are those of Fetch Metadata (`Sec-Fetch-Site`) with `Origin` where it is not sent, as
//! Go's `http.CrossOriginProtection` has them, but for one: a request with neither is refused.

use http::{
    Method,
    header::{HOST, ORIGIN, UPGRADE},
};

use super::head::{RequestHead, Single};
use crate::rejection::Protocol;

/// Whether a cookie may count for a request.
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
        // `none` is the user's own doing: a bookmark, the address bar.
        (Single::Text(site), _) => matches!(site, "same-origin" | "none"),
        (Single::Absent, Single::Text(origin)) => is_own(request, origin),
        (Single::Unclear, _) | (Single::Absent, Single::Absent | Single::Unclear) => false,
    }
}

/// RFC 9110 section 9.2.1, but for handshakes that open a channel and for gRPC.
fn is_harmless(request: &RequestHead<'_>) -> bool {
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    is_safe
        && !request.headers().contains_key(UPGRADE)
        && Protocol::of(request.headers()) == Protocol::Http
}

/// Whether an origin's host and port are those the request is for.
fn is_own(request: &RequestHead<'_>, origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        // `null`: a sandboxed frame or a `data:` page.
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
    fn a_safe_method_needs_no_proof() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(accepts(method, &[]));
            assert!(accepts(method, &[("sec-fetch-site", "cross-site")]));
        }
    }

    #[test]
    fn an_unsafe_one_needs_the_browsers_word() {
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
                // The browser's own verdict is the one that counts.
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
    fn a_handshake_and_a_call_are_not_safe_by_their_method() {
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
    fn over_http_2_the_host_is_the_uris() {
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
