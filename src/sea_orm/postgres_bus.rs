//! Invalidations over PostgreSQL's `LISTEN` and `NOTIFY`.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, Statement,
    sqlx::{
        self,
        postgres::{PgListener, PgPoolOptions},
    },
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::publisher::Publisher;
use crate::{
    principal::IdentityKey,
    provisioner::cached::{BusEvent, InvalidationBus},
};

/// The channel of this crate's messages.
const CHANNEL: &str = "tower_jit_provisioning";

/// How long the bus may be silent before the connection is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a connection may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two tries to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// How many keys one message names: PostgreSQL takes up to 8000 bytes.
const KEYS_A_MESSAGE: usize = 100;

/// Listens to what other replicas [publish](PostgresPublisher).
///
/// What is published in a transaction is delivered when it commits, and never if it does not:
/// exactly the moment from which the other replicas must not serve the user as he was.
///
/// ```no_run
/// use sea_orm::Database;
/// use tower_jit_provisioning::{
///     CachedProvisioner,
///     bus::{PostgresBus, PostgresPublisher},
///     sea_orm::SeaOrmProvisioner,
/// };
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "postgres://app@db.example.com/app";
/// let users = SeaOrmProvisioner::new(Database::connect(url).await?);
/// # #[cfg(feature = "directory")]
/// let users = users.with_publisher(PostgresPublisher::default());
/// let users = CachedProvisioner::new(users);
/// users.listen(PostgresBus::connect(url).await?);
/// # Ok(())
/// # }
/// ```
///
/// The bus has a connection of its own, beside the application's pool. A pooler in transaction mode
/// (PgBouncer) cannot `LISTEN`: connect to the database itself. Messages carry keys, which are
/// hashes, and nothing about anybody.
pub struct PostgresBus(Mutex<Listening>);

struct Listening {
    url: String,
    listener: Option<PgListener>,
    /// Keys that came in one message and were not handed on yet.
    waiting: Vec<BusEvent>,
}

impl PostgresBus {
    /// Connects to a database and listens.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn connect(url: impl Into<String>) -> Result<Self, DbErr> {
        let url = url.into();
        let listener = listen(&url)
            .await
            .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
        Ok(Self(Mutex::new(Listening {
            url,
            listener: Some(listener),
            waiting: Vec::new(),
        })))
    }
}

async fn listen(url: &str) -> Result<PgListener, sqlx::Error> {
    let connecting = async {
        let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    };
    timeout(PATIENCE, connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

#[async_trait]
impl InvalidationBus for PostgresBus {
    async fn next(&self) -> BusEvent {
        let mut listening = self.0.lock().await;
        loop {
            if let Some(event) = listening.waiting.pop() {
                return event;
            }
            let Some(listener) = &mut listening.listener else {
                sleep(PAUSE).await;
                listening.listener = listen(&listening.url).await.ok();
                match listening.listener {
                    None => continue,
                    // What was published meanwhile went past.
                    Some(_) => return BusEvent::Lost,
                }
            };
            // `try_recv`, because `recv` reconnects without a word.
            let is_alive = match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(message))) => {
                    listening.waiting.extend(read(message.payload()));
                    continue;
                }
                Ok(Ok(None) | Err(_)) => false,
                // A peer that vanished says nothing, for as long as TCP believes in it.
                Err(_) => {
                    let asking = sqlx::query("SELECT 1").execute(&mut *listener);
                    matches!(timeout(PATIENCE, asking).await, Ok(Ok(_)))
                }
            };
            if !is_alive {
                tracing::warn!("the invalidation bus is lost; users are read again");
                listening.listener = None;
                return BusEvent::Lost;
            }
        }
    }
}

/// A message that is none of ours says that somebody was invalidated, but not who.
fn read(payload: &str) -> Vec<BusEvent> {
    let keys = payload.split(',').map(IdentityKey::parse);
    match keys.collect::<Option<Vec<_>>>() {
        Some(keys) => keys.into_iter().map(BusEvent::Invalidate).collect(),
        None => vec![BusEvent::InvalidateAll],
    }
}

/// Publishes to every [`PostgresBus`] on the same database, when the transaction commits.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PostgresPublisher;

#[async_trait]
impl Publisher for PostgresPublisher {
    async fn publish(
        &self,
        transaction: &DatabaseTransaction,
        keys: &[IdentityKey],
    ) -> Result<(), DbErr> {
        for keys in keys.chunks(KEYS_A_MESSAGE) {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            notify(transaction, keys.join(",")).await?;
        }
        Ok(())
    }
}

async fn notify(transaction: &DatabaseTransaction, payload: String) -> Result<(), DbErr> {
    let values = [CHANNEL.into(), payload.into()];
    let sql = "SELECT pg_notify($1, $2)";
    let notify = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    transaction.execute_raw(notify).await.map(drop)
}

/// Hides the URL: there is a password in it.
impl fmt::Debug for PostgresBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBus").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_keys_or_everybody() {
        let (ana, bo) = (
            IdentityKey::new("", "i", "ana"),
            IdentityKey::new("", "i", "bo"),
        );
        let named = |key| BusEvent::Invalidate(key);
        assert_eq!(read(&ana.to_string()), [named(ana)]);
        assert_eq!(read(&format!("{ana},{bo}")), [named(ana), named(bo)]);
        for nonsense in ["*", "", "x", &ana.to_string()[1..], &format!("{ana},"), "é"] {
            assert_eq!(read(nonsense), [BusEvent::InvalidateAll], "{nonsense}");
        }
    }
}
