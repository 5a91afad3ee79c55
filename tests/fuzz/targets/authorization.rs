//! The `Authorization` headers of a request, one per line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_jit_provisioning::{ErrorKind, fuzzing};

fuzz_target!(|data: &[u8]| {
    let values: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    match fuzzing::authorization(&values) {
        None => {}
        Some(Ok(token)) => {
            assert_eq!(values.len(), 1, "one of several credentials is picked");
            assert!(!token.is_empty());
            assert!(!token.contains([' ', '\t', ',']));
            assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
            let value = str::from_utf8(values[0]).unwrap();
            let (scheme, rest) = value.split_at("bearer ".len());
            assert!(scheme.eq_ignore_ascii_case("bearer "));
            assert_eq!(rest.trim_matches(' '), token);
        }
        Some(Err(ErrorKind::MissingToken)) => assert_eq!(values.len(), 1),
        Some(Err(kind)) => assert_eq!(kind, ErrorKind::InvalidRequest),
    }
});
