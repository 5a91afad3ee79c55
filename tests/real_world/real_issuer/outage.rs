//! An outage of the issuer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::task::JoinSet;
use tower_jit_provisioning::{IssuerPolicy, TrustedIssuer, verifier::KeyRefresh};

use super::{app::App, client::Client, issuer::Issuer, print_figures, seconds, until};

const TASKS: usize = 4;

/// Number of tokens obtained in advance; the application sees half of them before the outage.
const TOKENS: usize = 2_000;

pub(crate) async fn known_keys_serve_while_the_issuer_is_gone() {
    let start = Instant::now();
    let mut issuer = Issuer::start(&["ES256-a"]).await;
    let refresh = KeyRefresh::new().with_interval(Duration::from_secs(1));
    let trusted = TrustedIssuer::discover(&issuer.url, "orders-api")
        .with_key_refresh(refresh)
        .with_policy(IssuerPolicy::new().allow_services());
    let app = Arc::new(App::start(trusted.clone()).await);
    let client = Client::discover(&issuer.url).await;
    let mut tokens = Vec::new();
    for number in 0..TOKENS {
        let token = client.service_token().await;
        if number % 2 == 0 {
            app.admits(&token).await;
        }
        tokens.push(token);
    }
    let before = app.verifier.status()[0].clone();
    assert!(before.last_success.is_some() && before.last_error.is_none());

    issuer.stop().await;
    let gone = Instant::now();
    let has_error = |app: &App| app.verifier.status()[0].last_error.is_some();
    until("the outage is noticed", || async { has_error(&app) }).await;
    // Started during the outage, and so without keys.
    let newcomer = App::start(trusted).await;
    newcomer
        .refuses(&tokens[0], 503, "unavailable", "keys")
        .await;

    let mut tasks = JoinSet::new();
    let tokens: Arc<[String]> = tokens.into();
    for task in 0..TASKS {
        let (app, tokens) = (Arc::clone(&app), Arc::clone(&tokens));
        tasks.spawn(async move {
            let (mut requests, mut refused) = (0, 0);
            // Two passes: in the second one, every token was seen before.
            for token in tokens.iter().chain(tokens.iter()).skip(task).step_by(TASKS) {
                requests += 1;
                refused += usize::from(app.get(token).await.status != StatusCode::OK);
            }
            (requests, refused)
        });
    }
    let (requests, refused) = tasks
        .join_all()
        .await
        .into_iter()
        .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    assert!(has_error(&app), "the issuer was gone all the time");
    assert_eq!(app.verifier.status()[0].keys, 1);
    let outage = gone.elapsed();

    let mut issuer = issuer.restart(&["ES256-a"]).await;
    let recovers = || async {
        let status = &app.verifier.status()[0];
        status.last_error.is_none() && status.last_success > before.last_success
    };
    let recovered = until("the keys are fetched again", recovers).await;
    let serves = || async { newcomer.get(&tokens[0]).await.status == StatusCode::OK };
    until("an application without keys recovers as well", serves).await;
    app.admits(&client.service_token().await).await;
    print_figures(
        "the issuer's process killed, and started again",
        &[
            ("requests while it was gone", requests.to_string()),
            (
                "  of these with a token not seen before",
                (TOKENS / 2).to_string(),
            ),
            ("  refused", refused.to_string()),
            ("seconds it was gone", seconds(outage)),
            ("seconds from its return to fresh keys", seconds(recovered)),
            (
                "fetches after its return",
                issuer.fetches().await.to_string(),
            ),
            ("seconds in all", seconds(start.elapsed())),
        ],
    );
    assert_eq!(refused, 0);
}
