//! An issuer's metadata document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jit_provisioning::fuzzing;
use url::{Host, Url};

const ISSUER: &str = "https://id.example.com";

fuzz_target!(|data: &[u8]| {
    let Ok(uri) = fuzzing::discovery(data, ISSUER) else {
        return;
    };
    let document: Value = serde_json::from_slice(data).expect("accepted input is JSON");
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["jwks_uri"], *uri);

    // The HTTP client's own parser decides the destination, so it must not see another host.
    let Ok(url) = Url::parse(&uri) else {
        return;
    };
    match url.scheme() {
        "https" => assert!(url.has_host()),
        "http" => assert!(
            match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            },
            "`{uri}` is not on loopback"
        ),
        scheme => panic!("`{scheme}` is accepted"),
    }
});
