//! The `Authorization` header (RFC 6750 section 2.1).

use http::{HeaderMap, header::AUTHORIZATION};

use crate::error::{Error, ErrorKind};

/// Reads the one bearer token of a request.
///
/// # Errors
///
/// `missing_token` without an `Authorization` header or with one of another scheme,
/// `invalid_request` with two credentials, none where the scheme announces one, or no text.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Error::new(ErrorKind::MissingToken));
    };
    if values.next().is_some() {
        return Err(Error::new(ErrorKind::InvalidRequest));
    }
    let value = value.as_bytes();
    // RFC 9110 section 11.1: the scheme is case-insensitive.
    let end = value.iter().position(|byte| *byte == b' ');
    let (scheme, token) = value.split_at(end.unwrap_or(value.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        let is_text = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let is_other_scheme = is_text && !scheme.iter().any(|byte| matches!(byte, b'\t' | b','));
        return Err(Error::new(match is_other_scheme {
            true => ErrorKind::MissingToken,
            false => ErrorKind::InvalidRequest,
        }));
    }
    let token = str::from_utf8(token).unwrap_or_default().trim_matches(' ');
    match token.is_empty() || !is_one_credential(token.as_bytes()) {
        true => Err(Error::new(ErrorKind::InvalidRequest)),
        false => Ok(token),
    }
}

/// Whether there is nothing but visible ASCII, and no comma. Every byte is looked at, so that the
/// compiler looks at sixteen at once: this runs over each token of each request.
fn is_one_credential(token: &[u8]) -> bool {
    let is_other = |byte: &u8| !matches!(byte, b'!'..=b'~') | (*byte == b',');
    !token.iter().fold(false, |any, byte| any | is_other(byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, ErrorKind> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        bearer(&headers)
            .map(str::to_owned)
            .map_err(|error| error.kind())
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER a.b.c",
            "Bearer   a.b.c",
        ] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Ok("a.b.c"), "{value}");
        }
    }

    #[test]
    fn no_bearer_token_is_missing() {
        assert_eq!(read(&[]), Err(ErrorKind::MissingToken));
        assert_eq!(read(&[b"Basic dTpw"]), Err(ErrorKind::MissingToken));
        assert_eq!(read(&[b"BearerToken abc"]), Err(ErrorKind::MissingToken));
        assert_eq!(read(&[b""]), Err(ErrorKind::MissingToken));
    }

    #[test]
    fn anything_but_one_credential_is_an_invalid_request() {
        for values in [
            &[b"Bearer a.b.c".as_slice(), b"Bearer a.b.c"] as &[&[u8]],
            &[b"Basic dTpw", b"Bearer a.b.c"],
            &[b"Bearer a.b.c", b"Basic dTpw"],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Bearer a.b.c, Bearer d.e.f"],
            &[b"Bearer a.b.c,d.e.f"],
            &[b"Bearer a.b.c d.e.f"],
            &[b"Bearer\ta.b.c"],
            &[b"Bearer a\xff"],
            &[b"Bearer \xc3\xa4.b.c"],
            &[b"Bearer a.b\t.c"],
            &[b"Bearer a.b.c\t"],
            &[b"Basic \xff"],
            &[b"Basic,Bearer a.b.c"],
        ] {
            assert_eq!(read(values), Err(ErrorKind::InvalidRequest), "{values:?}");
        }
    }
}
