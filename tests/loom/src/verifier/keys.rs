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
