//! What a test does to an issuer that answers over HTTP.

use std::time::Duration;

use http::HeaderValue;
use serde_json::Value;

use super::test_issuer::TestIssuer;
use crate::testing::server::{Endpoint, Fault, Server};

impl TestIssuer {
    /// Plays a fault at an endpoint from now on, in place of the one before.
    ///
    /// # Panics
    ///
    /// If this issuer is not [served](Self::serve), or the endpoint cannot play the fault: a test
    /// of a fault that never happens proves nothing.
    pub fn set_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.server();
        fault.assert_plays_at(endpoint);
        self.state.faults.send_modify(|faults| {
            faults.insert(endpoint, fault);
        });
    }

    /// Answers properly again, everywhere. Requests that hang are answered now.
    pub fn clear_faults(&self) {
        self.state.faults.send_modify(|faults| faults.clear());
    }

    /// Returns how many requests an endpoint had, those under a fault too.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> usize {
        let requests = self.state.requests.borrow();
        requests.get(&endpoint).copied().unwrap_or_default()
    }

    /// Waits until an endpoint had this many requests in all.
    ///
    /// A request counts when its head arrives, so a test can wait for one that hangs.
    pub async fn wait_for_requests(&self, endpoint: Endpoint, count: usize) {
        let mut requests = self.state.requests.subscribe();
        let enough = requests
            .wait_for(|requests| requests.get(&endpoint).copied().unwrap_or_default() >= count);
        // An error would mean that the sender is gone, and it is in `self`.
        drop(enough.await);
    }

    /// Lets the key set and the discovery documents be cached for a time.
    ///
    /// Without it they carry no `Cache-Control`; they always carry an `ETag`.
    pub fn set_max_age(&self, max_age: Duration) {
        self.set_cache_control(&format!("public, max-age={}", max_age.as_secs()));
    }

    /// Sends a `Cache-Control` of any kind with the key set and the discovery documents.
    ///
    /// # Panics
    ///
    /// If no header can have this value.
    pub fn set_cache_control(&self, value: &str) {
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.state.settings().cache_control = Some(value);
    }

    /// Answers this at the UserInfo endpoint, to any bearer token.
    pub fn set_userinfo(&self, userinfo: impl Into<Value>) {
        self.state.settings().userinfo = userinfo.into();
    }

    /// Goes down: connections break, new ones are refused. The port stays reserved.
    ///
    /// Nothing happens if it is down already.
    ///
    /// # Panics
    ///
    /// If this issuer is not [served](Self::serve).
    pub fn stop(&self) {
        self.server().stop();
    }

    /// Comes back on the same port, with keys, faults and counts as they were.
    ///
    /// Nothing happens if it is up.
    ///
    /// # Panics
    ///
    /// If this issuer is not [served](Self::serve).
    pub fn restart(&self) {
        self.server().start(&self.state);
    }

    fn server(&self) -> &Server {
        let server = self.server.as_deref();
        server.expect("this takes an issuer made by `TestIssuer::serve`")
    }
}
