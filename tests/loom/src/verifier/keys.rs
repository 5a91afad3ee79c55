//! The keys of an issuer: the files under test, and a parser of the models' documents.

#[path = "../../../../src/verifier/keys/flight.rs"]
mod flight;
#[path = "../../../../src/verifier/keys/key_refresh.rs"]
mod key_refresh;
#[path = "../../../../src/verifier/keys/key_set.rs"]
mod key_set;
#[path = "../../../../src/verifier/keys/key_status.rs"]
mod key_status;
#[path = "../../../../src/verifier/keys/load.rs"]
mod load;
#[path = "../../../../src/verifier/keys/location.rs"]
mod location;
mod models;
#[path = "../../../../src/verifier/keys/progress.rs"]
mod progress;
#[path = "../../../../src/verifier/keys/remote_keys.rs"]
mod remote_keys;
#[path = "../../../../src/verifier/keys/shared.rs"]
mod shared;
#[path = "../../../../src/verifier/keys/trusted_key.rs"]
mod trusted_key;

mod jwk {
    use super::{key_set::KeySet, trusted_key::TrustedKey};
    use crate::verifier::signature::VerifyingKey;

    /// Parses a document: one byte, the number and `kid` of the newest key. Every document but the
    /// first also has a key without `kid`, with the number 0.
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
