//! Accepted and rejected tokens of the issuer.

use std::time::Instant;

use tower_jit_provisioning::{IssuerPolicy, TrustedIssuer};

use super::{
    app::App,
    client::{Client, SCOPE, part},
    issuer::Issuer,
    print_figures, seconds,
};

pub(crate) async fn a_person_who_signs_in_is_created_once_and_found_again() {
    let start = Instant::now();
    let mut issuer = Issuer::start(&["RS256-a"]).await;
    let app = App::start(TrustedIssuer::discover(&issuer.url, "orders-api")).await;
    let client = Client::discover(&issuer.url).await;
    let signing_in = Instant::now();
    let tokens = client.sign_in("ana").await;
    let signed_in = signing_in.elapsed();

    let created = app.admits(&tokens.access).await;
    assert_eq!(created["outcome"], "created");
    assert_eq!(created["kind"], "human");
    assert_eq!(created["email"], "ana@example.com");
    assert_eq!(created["email_is_verified"], true);
    assert_eq!(created["full_name"], "Ana Pérez");

    let refreshed = client.refresh(&tokens).await;
    let again = client.sign_in("ana").await;
    for token in [&tokens.access, &refreshed.access, &again.access] {
        let found = app.admits(token).await;
        assert_eq!(found["outcome"], "found");
        assert_eq!(found["id"], created["id"]);
    }
    assert_eq!(app.users().await, 1);
    let fetches = issuer.fetches().await;
    assert_eq!(fetches, 1);
    print_figures(
        "sign-in by authorization code with PKCE",
        &[
            ("sign-ins and refreshes", "3".into()),
            ("requests", "4".into()),
            ("users", "1".into()),
            ("fetches of the key set", fetches.to_string()),
            ("seconds for the first sign-in", seconds(signed_in)),
            ("seconds in all", seconds(start.elapsed())),
        ],
    );
}

pub(crate) async fn a_service_signs_up_only_where_allowed() {
    let start = Instant::now();
    let mut issuer = Issuer::start(&["ES256-a"]).await;
    let trusted = TrustedIssuer::discover(&issuer.url, "orders-api");
    let app = App::start(trusted.clone()).await;
    let client = Client::discover(&issuer.url).await;
    let token = client.service_token().await;

    app.refuses(&token, 403, "sign_up_closed", "sign_up_closed")
        .await;
    assert_eq!(app.users().await, 0);

    let policy = IssuerPolicy::new().allow_services();
    app.verifier.reload([trusted.with_policy(policy)]).unwrap();
    let created = app.admits(&token).await;
    assert_eq!(created["outcome"], "created");
    assert_eq!(created["kind"], "service");
    assert_eq!(created["email"], serde_json::Value::Null);
    let found = app.admits(&client.service_token().await).await;
    assert_eq!(found["outcome"], "found");
    assert_eq!(found["id"], created["id"]);
    assert_eq!(app.users().await, 1);
    let fetches = issuer.fetches().await;
    assert_eq!(fetches, 1, "a reload keeps the keys");
    print_figures(
        "client credentials",
        &[
            ("requests", "3".into()),
            ("refused, before services were allowed", "1".into()),
            ("fetches of the key set", fetches.to_string()),
            ("seconds in all", seconds(start.elapsed())),
        ],
    );
}

pub(crate) async fn what_is_no_access_token_is_refused() {
    let start = Instant::now();
    let issuer = Issuer::start(&["EdDSA-a"]).await;
    let tokens = Client::discover(&issuer.url).await.sign_in("ana").await;
    assert_eq!(part(&tokens.id, 1)["email"], "ana@example.com");

    let app = App::start(TrustedIssuer::discover(&issuer.url, "orders-api")).await;
    app.refuses(&tokens.id, 401, "invalid_token", "audience")
        .await;
    app.refuses(&tokens.refresh, 401, "invalid_token", "malformed")
        .await;
    assert_eq!(app.users().await, 0);

    // This issuer's ID tokens have neither `typ` nor `at_hash`. An API with the same audience as
    // its client distinguishes them by the scope, which only access tokens carry.
    let trusted = TrustedIssuer::discover(&issuer.url, "orders-web").require_scope(SCOPE);
    let shared = App::start(trusted).await;
    let code = "insufficient_scope";
    shared.refuses(&tokens.id, 403, code, code).await;
    assert_eq!(shared.users().await, 0);
    print_figures(
        "tokens that are no access tokens",
        &[
            ("refused", "3".into()),
            ("seconds in all", seconds(start.elapsed())),
        ],
    );
}
