//! The bundled server over real HTTP: its binary, its database, its development issuer.

#![expect(unreachable_pub, reason = "nothing lies outside of a test's modules")]

mod common;

mod server {
    mod accounts;
    mod administration;
    mod configuration;
    mod connections;
    mod documentation;
    mod https;
    mod operator;
    mod outage;
    mod reload;
    mod settings;
    mod telemetry;
    mod users;
}
