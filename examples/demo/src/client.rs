//! A client that summarizes responses in a few words.

use std::{
    collections::HashMap,
    error::Error,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

pub(crate) struct Client {
    http: HttpClient<HttpConnector, Empty<Bytes>>,
    base: String,
    /// Users by id, numbered in the order of appearance, because ids differ between runs.
    numbers: HashMap<String, usize>,
}

pub(crate) struct Answer {
    pub(crate) words: String,
    pub(crate) took: Duration,
    /// The user's id, if the response has one.
    pub(crate) user: Option<String>,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        let numbers = HashMap::new();
        Self {
            http,
            base,
            numbers,
        }
    }

    pub(crate) fn number(&mut self, user: &str) -> usize {
        let next = self.numbers.len() + 1;
        *self.numbers.entry(user.to_owned()).or_insert(next)
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
    ) -> Result<Answer, Box<dyn Error>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        let began = Instant::now();
        let response = self.http.request(request.body(Empty::new())?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        let took = began.elapsed();

        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let user = body["id"].as_str().map(str::to_owned);
        let words = match (&user, body["code"].as_str()) {
            (Some(id), _) => {
                let number = self.number(id);
                let outcome = body["outcome"].as_str().unwrap_or("?");
                let name = body["name"].as_str().unwrap_or("nameless");
                format!("{status} {outcome}: user {number}, {name}")
            }
            (None, Some(code)) => format!("{status} {code}"),
            (None, None) => status.to_string(),
        };
        Ok(Answer { words, took, user })
    }
}
