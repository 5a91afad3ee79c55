//! The protocol of a request.

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

/// The protocol of a request, which its content type indicates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// HTTP, including gRPC-Web: its clients read HTTP status codes.
    Http,
}

impl Protocol {
    /// Returns [`Grpc`](Self::Grpc) for `application/grpc`, alone or followed by `+…` or `;…`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let rest = content_type.and_then(|value| {
            let (start, rest) = value.split_at_checked(b"application/grpc".len())?;
            start
                .eq_ignore_ascii_case(b"application/grpc")
                .then_some(rest)
        });
        match rest.map(<[u8]>::first) {
            Some(None | Some(b'+' | b';' | b' ')) => Self::Grpc,
            Some(Some(_)) | None => Self::Http,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_recognised_by_its_content_type() {
        for (content_type, protocol) in [
            ("application/grpc", Protocol::Grpc),
            ("Application/gRPC", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
            ("application/grpc;charset=utf-8", Protocol::Grpc),
            ("application/grpc-web", Protocol::Http),
            ("application/grpc-web-text+proto", Protocol::Http),
            ("application/json", Protocol::Http),
            ("application/grp", Protocol::Http),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(Protocol::of(&headers), protocol, "{content_type}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Http);
    }
}
