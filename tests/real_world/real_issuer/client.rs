//! The issuer's clients: a web application with a person at a browser, and a service.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};
use uuid::Uuid;

pub(crate) const SCOPE: &str = "orders:read";

/// The API's name in token requests (RFC 8707); its tokens name `orders-api`.
const RESOURCE: &str = "https://orders.example.com";

/// No server listens at this address: the code is read from the redirect itself.
const CALLBACK: &str = "http://127.0.0.1/callback";

const WEB: &str = "orders-web";
const WORKER: &str = "orders-worker";

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// A minimal HTTP client with a connection pool.
#[derive(Clone)]
pub(crate) struct Http(Pool<HttpConnector, Full<Bytes>>);

impl Http {
    pub(crate) fn new() -> Self {
        Self(Pool::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.0.request(request).await.unwrap().into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        let request = Request::get(url).body(Full::default());
        self.send(request.unwrap()).await
    }
}

fn form(fields: &[(&str, &str)]) -> Full<Bytes> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish().into()
}

/// The tokens of a sign-in.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) id: String,
    pub(crate) refresh: String,
}

impl Tokens {
    fn read(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let answer = answer.json();
        let text = |name: &str| answer[name].as_str().expect(name).to_owned();
        Self {
            access: text("access_token"),
            id: text("id_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// An issuer as seen by its clients.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    authorization_endpoint: String,
    token_endpoint: String,
}

impl Client {
    pub(crate) async fn discover(issuer: &str) -> Self {
        let http = Http::new();
        let url = format!("{issuer}/.well-known/openid-configuration");
        let metadata = http.get(&url).await.json();
        let endpoint = |name: &str| metadata[name].as_str().unwrap().to_owned();
        Self {
            http,
            authorization_endpoint: endpoint("authorization_endpoint"),
            token_endpoint: endpoint("token_endpoint"),
        }
    }

    /// Returns a token of the service itself (RFC 6749 section 4.4).
    pub(crate) async fn service_token(&self) -> String {
        let answer = self
            .token(
                WORKER,
                &[
                    ("grant_type", "client_credentials"),
                    ("resource", RESOURCE),
                    ("scope", SCOPE),
                ],
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs a person in: authorization code with PKCE (RFC 7636), through the issuer's own pages.
    pub(crate) async fn sign_in(&self, login: &str) -> Tokens {
        let verifier = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let state = Uuid::new_v4().to_string();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut url = Url::parse(&self.authorization_endpoint).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", WEB)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("nonce", "n-0S6_WzA2Mj")
            .append_pair("prompt", "consent")
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("resource", RESOURCE)
            .append_pair("response_type", "code")
            .append_pair(
                "scope",
                &format!("openid email profile offline_access {SCOPE}"),
            )
            .append_pair("state", &state);
        let callback = Browser::new(&self.http).follow(url, login).await;
        let parameters: HashMap<_, _> = callback.query_pairs().into_owned().collect();
        assert_eq!(parameters.get("state"), Some(&state), "{callback}");
        let code = parameters.get("code");
        let answer = self
            .token(
                WEB,
                &[
                    ("grant_type", "authorization_code"),
                    ("code", code.unwrap_or_else(|| panic!("{callback}"))),
                    ("code_verifier", &verifier),
                    ("redirect_uri", CALLBACK),
                    ("resource", RESOURCE),
                ],
            )
            .await;
        Tokens::read(&answer)
    }

    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Tokens {
        let answer = self
            .token(
                WEB,
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", &tokens.refresh),
                    ("resource", RESOURCE),
                ],
            )
            .await;
        Tokens::read(&answer)
    }

    /// Calls the token endpoint with the client's secret (RFC 6749 section 2.3.1).
    async fn token(&self, client: &str, fields: &[(&str, &str)]) -> Answer {
        let secret = format!("the secret of {client}");
        let mut all = vec![("client_id", client), ("client_secret", &secret)];
        all.extend(fields);
        let request = Request::post(&self.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&all));
        self.http.send(request.unwrap()).await
    }
}

/// A browser with one tab, whose user completes every form.
struct Browser<'h> {
    http: &'h Http,
    cookies: HashMap<String, String>,
}

impl<'h> Browser<'h> {
    fn new(http: &'h Http) -> Self {
        Self {
            http,
            cookies: HashMap::new(),
        }
    }

    /// Follows redirects and submits forms, until the next page is the client's own.
    async fn follow(&mut self, start: Url, login: &str) -> Url {
        let (mut url, mut fields) = (start, None);
        for _ in 0..12 {
            let answer = self.open(&url, fields.take()).await;
            if let Some(next) = answer.header(LOCATION) {
                url = url.join(next).unwrap();
                if url.as_str().starts_with(CALLBACK) {
                    return url;
                }
                continue;
            }
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            let page = String::from_utf8_lossy(&answer.body);
            url = Url::parse(between(&page, "action=\"", "\"")).unwrap();
            fields = Some(match between(&page, "name=\"prompt\" value=\"", "\"") {
                "login" => vec![("prompt", "login"), ("login", login), ("password", "any")],
                _ => vec![("prompt", "consent")],
            });
        }
        panic!("the sign-in leads nowhere: {url}")
    }

    async fn open(&mut self, url: &Url, fields: Option<Vec<(&str, &str)>>) -> Answer {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(match fields {
                None => Method::GET,
                Some(_) => Method::POST,
            })
            .uri(url.as_str())
            .header(COOKIE, cookies.join("; "))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&fields.unwrap_or_default()));
        let answer = self.http.send(request.unwrap()).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                _ => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{text}"));
    rest.split_once(end).unwrap().0
}

/// Returns the id of the key that signed a token.
pub(crate) fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

/// Returns the header (0) or the claims (1) of a token.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Returns the authorization header of a request with this token.
pub(crate) fn bearer(token: &str) -> (http::HeaderName, String) {
    (AUTHORIZATION, format!("Bearer {token}"))
}
