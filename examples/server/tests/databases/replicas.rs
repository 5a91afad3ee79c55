//! Three server processes on one PostgreSQL database, with requests spread over all of them.
//!
//! By default it takes some seconds. With `RELIABILITY=long` it uses the number of users that the
//! README quotes.

use std::{
    collections::HashSet,
    env, fs,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use tempfile::TempDir;
use tokio::task::{JoinSet, spawn_blocking};
use tower_jit_provisioning::{
    sea_orm::entity::{user_identities, users},
    testing::TestIssuer,
};

use super::database::Database;
use crate::common::Server;

const AUDIENCE: &str = "orders-api";

const REPLICAS: usize = 3;

const ME: &str = "/api/v1/users/me";

/// Maximum delay, in 99 of 100 cases, until a deactivated user is refused by every server.
const PROPAGATION: Duration = Duration::from_millis(250);

pub(crate) async fn three_servers_act_as_one(database: &Database) {
    let is_long = env::var("RELIABILITY").is_ok_and(|form| form == "long");
    let (people, leavers) = if is_long { (1_000, 100) } else { (60, 8) };
    let issuer = TestIssuer::new("https://id.example.com");
    let folder = TempDir::new().expect("a folder");
    let keys = folder.path().join("jwks.json");
    fs::write(&keys, issuer.jwks().to_string()).expect("a key set");
    let settings = Arc::new([
        ("DATABASE_URL", database.url()),
        ("ISSUER_URL", issuer.name().to_owned()),
        ("AUDIENCE", AUDIENCE.to_owned()),
        ("JWKS_FILE", keys.display().to_string()),
    ]);
    let start = || {
        let settings = Arc::clone(&settings);
        spawn_blocking(move || {
            let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
            Arc::new(Server::start_with(&settings.collect::<Vec<_>>()))
        })
    };
    // All start at once, on an empty database.
    let starting: Vec<_> = (0..REPLICAS).map(|_| start()).collect();
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await.expect("a server"));
    }

    let mint = |person: usize| {
        let subject = format!("person-{person}");
        issuer.token(&subject).audience(AUDIENCE).sign()
    };
    let (users, wrong) = first_logins(&servers, people, &mint).await;
    assert_eq!(wrong, 0, "any answer but the user");
    let distinct: HashSet<_> = users.iter().collect();
    assert_eq!(distinct.len(), people, "users, one for each person");

    let admin = issuer.token("root").audience(AUDIENCE);
    let admin = admin.claim("roles", vec!["admin"]).sign();
    let mut spans = Vec::new();
    for person in 0..leavers {
        let server = &servers[person % REPLICAS];
        let path = format!("/api/v1/users/{}/deactivate", users[person]);
        spans.extend(deactivate(&servers, server, &admin, &path, &mint(person)).await);
    }
    spans.sort_unstable();
    let p99 = spans[(spans.len() * 99).div_ceil(100) - 1];
    assert!(p99 < PROPAGATION, "p99 until refused: {p99:?}");

    let killed = servers.remove(0);
    drop(Arc::into_inner(killed).expect("no other reference is left"));
    let mut failed = 0;
    for person in leavers..people {
        let server = &servers[person % servers.len()];
        let answer = server.get(ME, Some(&mint(person))).await;
        failed += usize::from(answer.status != 200);
    }
    let began = Instant::now();
    servers.push(start().await.expect("a server"));
    let restarted = began.elapsed();
    for person in 0..people {
        let expected = if person < leavers {
            [401, 403]
        } else {
            [200; 2]
        };
        let answer = servers[person % REPLICAS]
            .get(ME, Some(&mint(person)))
            .await;
        failed += usize::from(!expected.contains(&answer.status));
    }
    assert_eq!(
        failed, 0,
        "wrong answers after one was killed and restarted"
    );
    drop(servers);
    let db = database.connect().await.expect("a connection");
    let rows = [
        users::Entity::find().count(&db).await.expect("a count"),
        user_identities::Entity::find()
            .count(&db)
            .await
            .expect("a count"),
    ];
    db.close().await.expect("a connection to close");
    // Includes the administrator.
    assert_eq!(rows, [people as u64 + 1; 2], "users and identities");
    println!(
        "{people} first logins, each three times at once: {people} users; {leavers} deactivations, \
         p99 until refused {p99:?}; one killed and restarted: serves after {restarted:?}"
    );
}

/// Sends every user's first requests to all servers at once. Returns the id that each user got and
/// the number of wrong responses.
async fn first_logins(
    servers: &[Arc<Server>],
    people: usize,
    mint: &(impl Fn(usize) -> String + Sync),
) -> (Vec<String>, usize) {
    let mut users = Vec::new();
    let mut wrong = 0;
    for person in 0..people {
        let mut callers = JoinSet::new();
        for server in servers {
            let (server, token) = (Arc::clone(server), mint(person));
            callers.spawn(async move { server.get(ME, Some(&token)).await });
        }
        let answers = callers.join_all().await;
        let ids = answers.iter().map(|answer| answer.body["id"].as_str());
        let ids: HashSet<_> = ids.flatten().map(ToOwned::to_owned).collect();
        wrong += answers.iter().filter(|answer| answer.status != 200).count();
        wrong += ids.len().saturating_sub(1);
        users.extend(ids.into_iter().next());
    }
    (users, wrong)
}

/// Deactivates a user while every server is serving them. Returns, for each server, the delay
/// between the deactivation and the start of the last request that was still served.
async fn deactivate(
    servers: &[Arc<Server>],
    server: &Server,
    admin: &str,
    path: &str,
    token: &str,
) -> Vec<Duration> {
    let done = Arc::new(OnceLock::<Instant>::new());
    let served = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for server in servers {
        let (server, token) = (Arc::clone(server), token.to_owned());
        let (done, served) = (Arc::clone(&done), Arc::clone(&served));
        callers.spawn(async move {
            let mut longest = Duration::ZERO;
            loop {
                let began = Instant::now();
                match server.get(ME, Some(&token)).await.status {
                    200 => {
                        served.fetch_add(1, Ordering::Relaxed);
                        let since = done
                            .get()
                            .map(|done| began.saturating_duration_since(*done));
                        longest = longest.max(since.unwrap_or_default());
                    }
                    401 | 403 => return longest,
                    other => panic!("{other} for a user who is deactivated"),
                }
            }
        });
    }
    while served.load(Ordering::Relaxed) < 10 * REPLICAS {
        tokio::task::yield_now().await;
    }
    let why = br#"{"reason": "left"}"#.to_vec();
    let answer = server
        .send(Method::POST, path, Some(admin), Some(why))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    done.set(Instant::now()).expect("it is set once");
    callers.join_all().await
}
