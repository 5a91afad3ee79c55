//! The bundled server's binary over HTTP, with its own database and development issuer.

#![expect(unreachable_pub, reason = "a test has no public API")]

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
