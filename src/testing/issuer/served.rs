//! Control of an issuer that is served over HTTP.

use std::time::Duration;

use http::HeaderValue;
use serde_json::Value;

use super::test_issuer::TestIssuer;
use crate::testing::server::{Server, endpoint::Endpoint, fault::Fault};

impl TestIssuer {
    /// Injects a fault at an endpoint from now on. It replaces the previous fault.
    ///
    /// # Panics
    ///
    /// Panics if this issuer is not [served](Self::serve), or if the fault does not apply to the
    /// endpoint.
    pub fn set_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.server();
        fault.assert_applies_to(endpoint);
        self.state.faults.send_modify(|faults| {
            faults.insert(endpoint, fault);
        });
    }

    /// Removes the faults of all endpoints. Requests that [hang](Fault::Hang) get their response.
    pub fn clear_faults(&self) {
        self.state.faults.send_modify(|faults| faults.clear());
    }

    /// Returns the number of requests to an endpoint, including those with a fault.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> usize {
        let requests = self.state.requests.borrow();
        requests.get(&endpoint).copied().unwrap_or_default()
    }

    /// Waits until an endpoint has had this many requests in total.
    ///
    /// A request counts when its head arrives, so a test can wait for a request that hangs.
    pub async fn wait_for_requests(&self, endpoint: Endpoint, count: usize) {
        let mut requests = self.state.requests.subscribe();
        let enough = requests
            .wait_for(|requests| requests.get(&endpoint).copied().unwrap_or_default() >= count);
        // The sender is in `self`, so this cannot fail.
        drop(enough.await);
    }

    /// Sets `max-age` for the key set and the discovery documents.
    ///
    /// By default they have no `Cache-Control`. They always have an `ETag`.
    pub fn set_max_age(&self, max_age: Duration) {
        self.set_cache_control(&format!("public, max-age={}", max_age.as_secs()));
    }

    /// Sets `Cache-Control` for the key set and the discovery documents.
    ///
    /// # Panics
    ///
    /// Panics if this is not a valid header value.
    pub fn set_cache_control(&self, value: &str) {
        let value = HeaderValue::from_str(value).expect("a valid header value");
        self.state.settings().cache_control = Some(value);
    }

    /// Sets the response of the UserInfo endpoint. It is the same for every bearer token.
    pub fn set_userinfo(&self, userinfo: impl Into<Value>) {
        self.state.settings().userinfo = userinfo.into();
    }

    /// Stops the server: closes all connections and refuses new ones. The port stays reserved.
    ///
    /// Does nothing if the server is stopped.
    ///
    /// # Panics
    ///
    /// Panics if this issuer is not [served](Self::serve).
    pub fn stop(&self) {
        self.server().stop();
    }

    /// Restarts the server on the same port, with the same keys, faults and counts.
    ///
    /// Does nothing if the server is running.
    ///
    /// # Panics
    ///
    /// Panics if this issuer is not [served](Self::serve).
    pub fn restart(&self) {
        self.server().start(&self.state);
    }

    fn server(&self) -> &Server {
        let server = self.server.as_deref();
        server.expect("the issuer must be created by `TestIssuer::serve`")
    }
}
