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

/// The channel of this crate's messages. Operators may `NOTIFY` it, so it is documented at
/// [`PostgresBus`].
const CHANNEL: &str = "tower_jit_provisioning";

/// The silence after which the connection is checked.
const CHECK_AFTER: Duration = Duration::from_secs(5);

/// The deadline of connecting, and of the check.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause between two attempts to connect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// The number of keys per message: PostgreSQL limits a payload to 8000 bytes.
const KEYS_A_MESSAGE: usize = 100;

/// Bus that receives the invalidations of other replicas, which [`PostgresPublisher`] publishes.
///
/// PostgreSQL delivers a notification when its transaction commits, and never if it does not. That
/// is exactly when the other replicas must stop serving the user's previous state.
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
/// The bus uses one connection of its own, beside the application's pool. A pooler in transaction
/// mode (PgBouncer) does not support `LISTEN`: connect to the database directly. Messages carry
/// keys, which are hashes, and no personal data.
///
/// After users were changed by SQL, `NOTIFY tower_jit_provisioning, '*'` invalidates all of them: a
/// payload that is not a list of keys is received as [`BusEvent::InvalidateAll`].
pub struct PostgresBus(Mutex<Listening>);

struct Listening {
    url: String,
    listener: Option<PgListener>,
    /// Events of a received message that `next` has not returned yet.
    pending: Vec<BusEvent>,
}

impl PostgresBus {
    /// Connects to a database and listens.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached within two seconds.
    pub async fn connect(url: impl Into<String>) -> Result<Self, DbErr> {
        let url = url.into();
        let listener = listen(&url)
            .await
            .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
        Ok(Self(Mutex::new(Listening {
            url,
            listener: Some(listener),
            pending: Vec::new(),
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
    timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

#[async_trait]
impl InvalidationBus for PostgresBus {
    async fn next(&self) -> BusEvent {
        let mut listening = self.0.lock().await;
        loop {
            if let Some(event) = listening.pending.pop() {
                return event;
            }
            let Some(listener) = &mut listening.listener else {
                sleep(RECONNECT_PAUSE).await;
                listening.listener = listen(&listening.url).await.ok();
                match listening.listener {
                    None => continue,
                    // Messages published meanwhile are lost.
                    Some(_) => return BusEvent::Lost,
                }
            };
            // `try_recv`, because `recv` reconnects silently.
            let is_alive = match timeout(CHECK_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(message))) => {
                    listening.pending.extend(parse(message.payload()));
                    continue;
                }
                Ok(Ok(None) | Err(_)) => false,
                // A lost peer sends nothing, and TCP takes long to notice.
                Err(_) => {
                    let check = sqlx::query("SELECT 1").execute(&mut *listener);
                    matches!(timeout(CONNECT_TIMEOUT, check).await, Ok(Ok(_)))
                }
            };
            if !is_alive {
                tracing::warn!(
                    "the connection of the invalidation bus is lost; users are read again"
                );
                listening.listener = None;
                return BusEvent::Lost;
            }
        }
    }
}

/// Parses a payload. An unknown payload means that users were invalidated, but not which ones.
fn parse(payload: &str) -> Vec<BusEvent> {
    let keys = payload.split(',').map(IdentityKey::parse);
    match keys.collect::<Option<Vec<_>>>() {
        Some(keys) => keys.into_iter().map(BusEvent::Invalidate).collect(),
        None => vec![BusEvent::InvalidateAll],
    }
}

/// Publisher to every [`PostgresBus`] on the same database; delivers when the transaction commits.
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

/// Omits the URL, which contains a password.
impl fmt::Debug for PostgresBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBus").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_of_keys_invalidates_them_and_any_other_invalidates_all() {
        let (ana, bo) = (
            IdentityKey::new("", "i", "ana"),
            IdentityKey::new("", "i", "bo"),
        );
        let named = |key| BusEvent::Invalidate(key);
        assert_eq!(parse(&ana.to_string()), [named(ana)]);
        assert_eq!(parse(&format!("{ana},{bo}")), [named(ana), named(bo)]);
        for unknown in ["*", "", "x", &ana.to_string()[1..], &format!("{ana},"), "é"] {
            assert_eq!(parse(unknown), [BusEvent::InvalidateAll], "{unknown}");
        }
    }
}
