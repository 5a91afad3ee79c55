//! The bundled server over real HTTP: its binary, its database, its development issuer.

#![expect(unreachable_pub, reason = "nothing lies outside of a test's modules")]

mod accounts;
mod administration;
mod configuration;
mod connections;
mod documentation;
mod fixture;
mod https;
mod operator;
mod outage;
mod reload;
mod settings;
mod telemetry;
mod users;
