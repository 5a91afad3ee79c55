//! The `Authorization` header (RFC 6750 section 2.1).

use http::{HeaderMap, header::AUTHORIZATION};

use crate::error::{Error, ErrorKind};

/// Returns the bytes after the scheme of the only `Authorization` header. They are not checked yet:
/// a remembered token is compared as a whole, and [`text`] checks any other.
///
/// # Errors
///
/// `missing_token` without an `Authorization` header or with another scheme. `invalid_request` with
/// two headers, or with a scheme and no credential.
#[inline]
pub(super) fn bearer(headers: &HeaderMap) -> Result<&[u8], Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Error::new(ErrorKind::MissingToken));
    };
    if values.next().is_some() {
        return Err(Error::new(ErrorKind::InvalidRequest));
    }
    let value = value.as_bytes();
    // Fast path for the form that nearly every client sends.
    if let Some(token @ [b'!'..=b'~', .., b'!'..=b'~']) = value.strip_prefix(b"Bearer ") {
        return Ok(token);
    }
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
    let start = token.iter().position(|byte| *byte != b' ');
    let token = start.map_or_else(Default::default, |start| &token[start..]);
    let end = token.iter().rposition(|byte| *byte != b' ');
    match end {
        None => Err(Error::new(ErrorKind::InvalidRequest)),
        Some(end) => Ok(&token[..=end]),
    }
}

/// Returns a credential as text. A single token consists of visible ASCII without a comma.
///
/// # Errors
///
/// `invalid_request` for any other bytes.
pub(super) fn text(credential: &[u8]) -> Result<&str, Error> {
    // Without an early exit, so that the compiler vectorizes the loop (sixteen bytes at once).
    let is_other = |byte: &u8| !matches!(byte, b'!'..=b'~') | (*byte == b',');
    let is_one = !credential
        .iter()
        .fold(false, |any, byte| any | is_other(byte));
    let token = str::from_utf8(credential).ok().filter(|_| is_one);
    token.ok_or(Error::new(ErrorKind::InvalidRequest))
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
            .and_then(text)
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
    fn a_request_without_a_bearer_token_is_missing_token() {
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
