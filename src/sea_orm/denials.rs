//! A limited number of denials as rows of `user_events`.
//!
//! A client with a token can cause any number of denials and must not be able to fill the table. An
//! identity therefore leaves one row an hour per reason, and all identities together leave at most
//! the configured number a minute. The metrics count every denial.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use quick_cache::unsync::Cache;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::entity::{now, user_events, user_identities};
use crate::{identity::Identity, principal::IdentityKey};

/// The interval between two rows of one identity and reason.
const PAUSE: Duration = Duration::from_secs(60 * 60);

/// The window of the limit on all denials.
const MINUTE: Duration = Duration::from_secs(60);

/// The number of remembered pairs of identity and reason. A client that exceeds it still meets the
/// limit on all denials.
const REMEMBERED: usize = 10_000;

/// The limits on recorded denials.
pub(super) struct Denials {
    per_minute: u32,
    sampling: Mutex<Sampling>,
}

struct Sampling {
    recorded: Cache<(IdentityKey, &'static str), Instant>,
    minute: Instant,
    in_minute: u32,
}

impl Denials {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            sampling: Mutex::new(Sampling {
                recorded: Cache::new(REMEMBERED),
                minute: Instant::now(),
                in_minute: 0,
            }),
        }
    }

    pub(super) fn admit(&self, key: IdentityKey, reason: &'static str) -> bool {
        let now = Instant::now();
        let mut sampling = self.sampling.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = sampling.recorded.get(&(key, reason));
        if recorded.is_some_and(|recorded| now.duration_since(*recorded) < PAUSE) {
            return false;
        }
        if now.duration_since(sampling.minute) >= MINUTE {
            (sampling.minute, sampling.in_minute) = (now, 0);
        }
        if sampling.in_minute >= self.per_minute {
            return false;
        }
        sampling.in_minute += 1;
        sampling.recorded.insert((key, reason), now);
        true
    }
}

pub(super) async fn record(
    db: &DatabaseConnection,
    identity: &Identity,
    reason: &'static str,
) -> Result<(), DbErr> {
    let key = identity.key().to_string();
    let user: Option<Uuid> = user_identities::Entity::find()
        .select_only()
        .column(user_identities::Column::UserId)
        .filter(user_identities::Column::IdentityKey.eq(&key))
        .into_tuple()
        .one(db)
        .await?;
    let event = user_events::Model {
        id: Uuid::now_v7(),
        tenant: identity.tenant().to_owned(),
        user_id: user.unwrap_or_default(),
        identity_key: Some(key),
        event: "denied".to_owned(),
        actor: None,
        detail: Some(reason.to_owned()),
        created_at: now(),
    };
    user_events::Entity::insert(event.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: usize) -> IdentityKey {
        IdentityKey::new("", "https://id.example.com", &subject.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn one_identity_is_recorded_once_an_hour_per_reason() {
        let denials = Denials::new(60);
        assert!(denials.admit(key(0), "deactivated"));
        assert!(denials.admit(key(0), "deleted"));
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(35)).await;
            assert!(!denials.admit(key(0), "deactivated"));
        }
        tokio::time::advance(Duration::from_secs(101)).await;
        assert!(denials.admit(key(0), "deactivated"));
    }

    #[tokio::test(start_paused = true)]
    async fn all_identities_share_the_limit_a_minute() {
        let denials = Denials::new(60);
        let admitted = |keys: std::ops::Range<usize>| {
            let recorded = keys.filter(|subject| denials.admit(key(*subject), "sign_up_closed"));
            recorded.count()
        };
        assert_eq!(admitted(0..50_000), 60);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(admitted(50_000..51_000), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(admitted(51_000..52_000), 60);
    }
}
