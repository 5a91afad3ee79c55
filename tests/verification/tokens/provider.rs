//! The process-wide crypto provider of jsonwebtoken.

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use tower_jit_provisioning::{Algorithm, KeySource, TrustedIssuer, testing::SigningKey};

use super::lab::{AUDIENCE, ISSUER, Lab};

/// A provider that another crate may have installed.
static OTHERS: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("another crate's provider was used"),
    verifier_factory: |_, _| panic!("another crate's provider was used"),
    key_utils: KeyUtils::new_unimplemented(),
};

#[test]
fn the_process_wide_provider_of_jsonwebtoken_is_never_used() {
    OTHERS.install_default().expect("the first one installed");
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::Ps512,
        Algorithm::Rs256,
    ] {
        let lab = Lab::with_key(
            SigningKey::generate("key-1", algorithm),
            |issuer| issuer.trusted(AUDIENCE),
            |trusted| trusted,
        );
        lab.passes(&lab.token().sign());
    }
    let secret = vec![42; 64];
    let lab = Lab::with_key(
        SigningKey::hmac("key-1", Algorithm::Hs512, &secret),
        |_| {
            TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(secret.clone()))
                .with_algorithms([Algorithm::Hs512])
        },
        |trusted| trusted,
    );
    lab.passes(&lab.token().sign());
}
