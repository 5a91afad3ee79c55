//! State that the clones of an issuer share with its server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::HeaderValue;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::key_ring::KeyRing;
use crate::{
    clock::ManualClock,
    testing::{
        server::{endpoint::Endpoint, fault::Fault},
        signing_key::SigningKey,
        token::TokenBuilder,
    },
};

pub(in crate::testing) struct State {
    name: String,
    is_served: bool,
    settings: Mutex<Settings>,
    pub(super) faults: watch::Sender<BTreeMap<Endpoint, Fault>>,
    pub(super) requests: watch::Sender<BTreeMap<Endpoint, usize>>,
}

pub(in crate::testing) struct Settings {
    pub(super) keys: KeyRing,
    pub(super) clock: Option<ManualClock>,
    pub(in crate::testing) cache_control: Option<HeaderValue>,
    pub(in crate::testing) userinfo: Value,
}

impl State {
    pub(super) fn new(name: String, key: Arc<SigningKey>, is_served: bool) -> Self {
        Self {
            name,
            is_served,
            settings: Mutex::new(Settings {
                keys: KeyRing::new(key),
                clock: None,
                cache_control: None,
                userinfo: json!({}),
            }),
            faults: watch::Sender::default(),
            requests: watch::Sender::default(),
        }
    }

    pub(in crate::testing) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::testing) fn settings(&self) -> MutexGuard<'_, Settings> {
        // The panic of an unknown `kid` poisons the lock, and a test may catch it and continue.
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::testing) fn count(&self, endpoint: Endpoint) {
        self.requests
            .send_modify(|requests| *requests.entry(endpoint).or_default() += 1);
    }

    /// Returns the fault to inject. Waits while the fault is [`Fault::Hang`].
    pub(in crate::testing) async fn fault(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut faults = self.faults.subscribe();
        let faults = faults
            .wait_for(|faults| faults.get(&endpoint) != Some(&Fault::Hang))
            .await
            .ok()?;
        faults.get(&endpoint).cloned()
    }

    pub(in crate::testing) fn jwks(&self) -> Value {
        let published = &self.settings().keys.published;
        let jwks = published.iter().map(|key| key.jwk());
        json!({"keys": jwks.filter(|jwk| !jwk.is_null()).collect::<Vec<_>>()})
    }

    pub(in crate::testing) fn discovery(&self) -> Value {
        let mut algorithms: Vec<_> = self
            .settings()
            .keys
            .published
            .iter()
            .map(|key| key.algorithm().as_str())
            .collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        let mut document = self.metadata();
        document["id_token_signing_alg_values_supported"] = json!(algorithms);
        document["subject_types_supported"] = json!(["public"]);
        if self.is_served {
            let issuer = self.name.trim_end_matches('/');
            document["authorization_endpoint"] = json!(format!("{issuer}/authorize"));
            document["userinfo_endpoint"] = json!(Endpoint::UserInfo.url(&self.name));
        }
        document
    }

    pub(in crate::testing) fn metadata(&self) -> Value {
        let mut document = json!({
            "issuer": self.name,
            "jwks_uri": Endpoint::Jwks.url(&self.name),
            "token_endpoint": Endpoint::Token.url(&self.name),
            "response_types_supported": ["token"],
        });
        if self.is_served {
            document["grant_types_supported"] = json!(["client_credentials"]);
            document["token_endpoint_auth_methods_supported"] =
                json!(["client_secret_basic", "client_secret_post"]);
        }
        document
    }

    pub(in crate::testing) fn key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.settings().keys.signing)
    }

    pub(in crate::testing) fn token(&self, subject: &str) -> TokenBuilder {
        let settings = self.settings();
        let key = Arc::clone(&settings.keys.signing);
        TokenBuilder::new(key, &self.name, subject, settings.clock.as_ref())
    }
}
