//! Key rotation under load.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::time::sleep;
use tower_jit_provisioning::{IssuerPolicy, TrustedIssuer, verifier::KeyRefresh};

use super::{
    app::App,
    client::{Client, kid},
    issuer::Issuer,
    load::Load,
    print_figures, seconds, until,
};

const INTERVAL: Duration = Duration::from_secs(1);
const COOL_DOWN: Duration = Duration::from_millis(250);

/// Upper limit until a withdrawn key is rejected: the interval, and the fetch on a busy machine.
const BOUND: Duration = Duration::from_secs(2);

/// Number of requests in every phase.
const REQUESTS: usize = 500;

/// The first change of keys is announced: the new key is published before it signs. The others are
/// not, as after a leak: verifiers first see the new key with its first token.
const CHANGES: [(&str, &str); 4] = [
    ("RS256-a", "ES256-b"),
    ("ES256-b", "EdDSA-c"),
    ("EdDSA-c", "RS256-d"),
    ("RS256-d", "ES256-e"),
];

pub(crate) async fn no_valid_request_is_refused_while_keys_rotate() {
    let start = Instant::now();
    let mut issuer = Issuer::start(&[CHANGES[0].0]).await;
    let refresh = KeyRefresh::new()
        .with_interval(INTERVAL)
        .with_cool_down(COOL_DOWN);
    let trusted = TrustedIssuer::discover(&issuer.url, "orders-api")
        .with_key_refresh(refresh)
        .with_policy(IssuerPolicy::new().allow_services());
    let app = Arc::new(App::start(trusted).await);
    let client = Client::discover(&issuer.url).await;
    let load = Load::start(&app, &client);
    load.serves(REQUESTS).await;

    let mut counted_for = Vec::new();
    for (number, (old, new)) in CHANGES.into_iter().enumerate() {
        let (seen, unseen) = (client.service_token().await, client.service_token().await);
        assert_eq!((&*kid(&seen), &*kid(&unseen)), (old, old));
        app.admits(&seen).await;
        if number == 0 {
            issuer.publish(&[old, new]).await;
            let has_both = || async { app.verifier.status()[0].keys == 2 };
            until("the announced key is seen", has_both).await;
            load.serves(REQUESTS).await;
        }
        issuer.publish(&[new, old]).await;
        load.serves(REQUESTS).await;
        app.admits(&seen).await;

        let held_back = load.withdraw(old).await;
        issuer.publish(&[new]).await;
        drop(held_back);
        let refuses = || async { app.get(&seen).await.status != StatusCode::OK };
        counted_for.push(until("the withdrawn key's tokens are refused", refuses).await);
        app.refuses(&seen, 401, "invalid_token", "key").await;
        app.refuses(&unseen, 401, "invalid_token", "key").await;
        load.serves(REQUESTS).await;
        // An unknown key is looked up once per cool-down, and the last lookup was for the withdrawn
        // key.
        sleep(COOL_DOWN).await;
    }

    let counts = load.end().await;
    let slowest = counted_for.into_iter().max().unwrap();
    print_figures(
        "rotation under load, 4 changes of keys, 3 unannounced",
        &[
            ("requests with a valid token", counts.requests.to_string()),
            ("  of these with a fresh one", counts.minted.to_string()),
            ("  refused", counts.refusals.len().to_string()),
            ("longest a withdrawn key counted", seconds(slowest)),
            ("  bound (interval 1 s)", seconds(BOUND)),
            ("fetches of the key set", issuer.fetches().await.to_string()),
            ("seconds in all", seconds(start.elapsed())),
        ],
    );
    assert!(counts.refusals.is_empty(), "{:?}", counts.refusals);
    assert!(counts.requests >= 4_000, "{}", counts.requests);
    assert!(slowest <= BOUND, "{slowest:?}");
}
