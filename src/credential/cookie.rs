//! A token in a cookie (RFC 6265).

use http::header::COOKIE;

use super::{head::RequestHead, same_site::is_of_this_site};
use crate::error::{Error, ErrorKind};

#[derive(Clone, Debug)]
pub(super) struct Cookie {
    name: String,
    /// The allowed origins besides the request's own.
    origins: Vec<String>,
}

impl Cookie {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            origins: Vec::new(),
        }
    }

    pub(super) fn allow_origin(mut self, origin: String) -> Self {
        self.origins.push(origin);
        self
    }

    /// Reads the only value of this cookie.
    ///
    /// Two values are refused: a browser sends both the host's cookie and one that a sibling domain
    /// has set, in an order that the sibling domain can choose.
    pub(super) fn read<'a>(&self, request: &RequestHead<'a>) -> Result<Option<&'a str>, Error> {
        let mut found: Option<&'a [u8]> = None;
        // HTTP/2 may split the pairs into several headers (RFC 9113 section 8.2.3).
        for header in request.headers().get_all(COOKIE) {
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let pair = pair.trim_ascii();
                let Some(value) = pair.strip_prefix(self.name.as_bytes()) else {
                    continue;
                };
                let Some(value) = value.strip_prefix(b"=") else {
                    continue;
                };
                if found.replace(value).is_some() {
                    return Err(Error::new(ErrorKind::InvalidRequest));
                }
            }
        }
        let Some(value) = found.filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let value = str::from_utf8(value).map_err(|_| Error::new(ErrorKind::InvalidRequest))?;
        match is_of_this_site(request, &self.origins) {
            true => Ok(Some(value)),
            false => Err(Error::cross_site()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn read(cookies: &[&str]) -> Result<Option<String>, ErrorKind> {
        let mut request = Request::get("/");
        for cookie in cookies {
            request = request.header(COOKIE, cookie.as_bytes());
        }
        let request = request.body(()).unwrap();
        let found = Cookie::new("session".to_owned()).read(&RequestHead::from(&request));
        match found {
            Ok(token) => Ok(token.map(str::to_owned)),
            Err(error) => Err(error.kind()),
        }
    }

    #[test]
    fn the_cookie_is_found_at_any_position() {
        for cookies in [
            &["session=a.b.c"] as &[&str],
            &["theme=dark; session=a.b.c; lang=en"],
            &["theme=dark;session=a.b.c"],
            &["theme=dark", "session=a.b.c"],
        ] {
            assert_eq!(read(cookies), Ok(Some("a.b.c".to_owned())), "{cookies:?}");
        }
    }

    #[test]
    fn another_name_or_an_empty_value_holds_no_token() {
        for cookies in [
            &[] as &[&str],
            &["Session=a.b.c"],
            &["xsession=a.b.c"],
            &["session2=a.b.c"],
            &["session"],
            &["session="],
            &["x=session=a.b.c"],
        ] {
            assert_eq!(read(cookies), Ok(None), "{cookies:?}");
        }
    }

    #[test]
    fn two_cookies_of_one_name_are_refused() {
        for cookies in [
            &["session=a.b.c; session=a.b.c"] as &[&str],
            &["session=a.b.c", "session=d.e.f"],
            &["session=; session=a.b.c"],
        ] {
            assert_eq!(read(cookies), Err(ErrorKind::InvalidRequest), "{cookies:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_text_is_refused() {
        let request = Request::get("/").header(COOKIE, b"session=\xff".as_slice());
        let request = request.body(()).unwrap();
        let error = Cookie::new("session".to_owned())
            .read(&RequestHead::from(&request))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}
