//! The server's responses.

use http::Response;
use http_body_util::BodyExt;
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub challenge: Option<String>,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Answer {
    pub async fn read(response: Response<hyper::body::Incoming>) -> Self {
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        let (challenge, retry_after) = (header("www-authenticate"), header("retry-after"));
        let (status, content_type) = (response.status().as_u16(), header("content-type"));
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        Self {
            status,
            content_type: content_type.unwrap_or_default(),
            challenge,
            retry_after,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    pub fn text(&self, name: &str) -> String {
        let value = self.body[name].as_str();
        value
            .unwrap_or_else(|| panic!("{name} in {self:?}"))
            .to_owned()
    }

    /// Asserts that the status is 200.
    #[track_caller]
    pub fn is_ok(&self) {
        assert_eq!(self.status, 200, "{self:?}");
    }

    /// Asserts that this is a problem document with a status and a code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
    }
}
