//! The keys of an issuer: the files under test, and what they fetch.

#[path = "../../../../src/verifier/keys/flight.rs"]
mod flight;
#[path = "../../../../src/verifier/keys/key_set.rs"]
mod key_set;
mod models;
#[path = "../../../../src/verifier/keys/refresh.rs"]
mod refresh;
#[path = "../../../../src/verifier/keys/remote.rs"]
mod remote;

use self::key_set::{KeySet, TrustedKey};

mod discovery {
    pub fn is_fetchable(_: &str) -> bool {
        true
    }

    pub fn metadata_urls(issuer: &str) -> [String; 1] {
        [issuer.to_owned()]
    }

    pub fn jwks_uri(_: &[u8], _: &str) -> Result<String, &'static str> {
        Err("nothing is discovered")
    }
}

mod fetch {
    use real_std::{error::Error, fmt, sync::Arc, time::Duration};

    use async_trait::async_trait;

    #[async_trait]
    pub trait DocumentFetcher: Send + Sync + 'static {
        async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError>;
    }

    pub struct DocumentRequest {
        pub url: String,
        pub bearer: Option<()>,
        pub etag: Option<String>,
        pub max_bytes: usize,
    }

    pub struct Document {
        pub body: Option<Vec<u8>>,
        pub etag: Option<String>,
        pub max_age: Option<Duration>,
    }

    #[derive(Debug)]
    pub struct FetchError(Arc<dyn Error + Send + Sync>);

    impl FetchError {
        pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
            Self(Arc::from(cause.into()))
        }

        pub fn status(status: u16) -> Self {
            Self::new(status.to_string())
        }

        pub fn is_not_found(&self) -> bool {
            false
        }
    }

    impl fmt::Display for FetchError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
}

mod jwk {
    use super::{KeySet, TrustedKey};
    use crate::verifier::signature::VerifyingKey;

    /// The document names the newest key. Those after the first come with one that has no name, to
    /// be told from it by their number.
    pub fn parse_set(body: &[u8], _: usize) -> Result<KeySet, &'static str> {
        let [newest] = *body else {
            return Err("not a document");
        };
        let key = |number| TrustedKey::new(VerifyingKey(number), None).expect("it fits");
        let named = (Some(newest.to_string().into()), key(newest));
        let nameless = (newest > 1).then(|| (None, key(0)));
        Ok(KeySet::published([named].into_iter().chain(nameless)))
    }
}
