//! `provisioner::cached`: loads, and concurrent invalidations.

use real_std::sync::Arc;

use async_trait::async_trait;
use loom::{
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    thread::{self, JoinHandle},
};

use super::in_every_interleaving;
use crate::{
    block_on,
    error::{DenialReason, ProvisionError},
    identity::Identity,
    provisioner::{
        cached::{BusEvent, CachedProvisioner, InvalidationBus},
        outcome::Outcome,
        provisioned::Provisioned,
        provisioner::Provisioner,
    },
    sync::watch,
};

const DEACTIVATED: u64 = u64::MAX;

/// One user in a store without ordering guarantees, so that only the cache can make a change
/// visible.
#[derive(Clone)]
struct Users(Arc<AtomicU64>);

impl Users {
    fn new(user: u64) -> Self {
        Self(Arc::new(AtomicU64::new(user)))
    }

    fn change(&self, user: u64) {
        self.0.store(user, Relaxed);
    }
}

#[async_trait]
impl Provisioner for Users {
    type User = u64;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<u64>, ProvisionError> {
        match self.0.load(Relaxed) {
            DEACTIVATED => Err(ProvisionError::Denied(DenialReason::Deactivated)),
            user => Ok(Provisioned::new(user, Outcome::Found)),
        }
    }

    fn cached(&self, _: &Identity) -> Option<Provisioned<u64>> {
        None
    }
}

fn ana() -> Identity {
    Identity::new(1, 1)
}

fn user(cache: &CachedProvisioner<Users>) -> u64 {
    let provisioned = block_on(cache.provision(&ana()));
    **provisioned.expect("no request is refused").user()
}

/// Changes the user during another request, and returns that request.
fn change_during_a_load(before: u64) -> (CachedProvisioner<Users>, JoinHandle<()>) {
    let users = Users::new(before);
    let cache = CachedProvisioner::new(users.clone());
    let load = thread::spawn({
        let cache = cache.clone();
        move || drop(block_on(cache.provision(&ana())))
    });
    users.change(2);
    cache.invalidate(ana().key());
    (cache, load)
}

#[test]
fn no_request_gets_the_old_user_after_an_invalidation() {
    in_every_interleaving(3, || {
        let (cache, load) = change_during_a_load(1);
        assert_eq!(user(&cache), 2);
        load.join().unwrap();
    });
}

#[test]
fn a_load_overtaken_by_an_invalidation_is_not_cached() {
    in_every_interleaving(4, || {
        let (cache, load) = change_during_a_load(1);
        load.join().unwrap();
        assert!(cache.cached(&ana()).is_none_or(|user| **user.user() == 2));
    });
}

#[test]
fn a_refusal_lifted_meanwhile_is_not_cached() {
    in_every_interleaving(4, || {
        let (cache, load) = change_during_a_load(DEACTIVATED);
        load.join().unwrap();
        assert_eq!(user(&cache), 2);
    });
}

/// Fails if two calls overlap.
#[derive(Default)]
struct Alone(AtomicBool);

#[async_trait]
impl Provisioner for Alone {
    type User = u64;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<u64>, ProvisionError> {
        assert!(!self.0.swap(true, SeqCst), "two loads at a time");
        self.0.store(false, SeqCst);
        Ok(Provisioned::new(1, Outcome::Found))
    }

    fn cached(&self, _: &Identity) -> Option<Provisioned<u64>> {
        None
    }
}

#[test]
fn concurrent_requests_share_one_load() {
    in_every_interleaving(3, || {
        let cache = CachedProvisioner::new(Alone::default());
        let other = thread::spawn({
            let cache = cache.clone();
            move || drop(block_on(cache.provision(&ana())))
        });
        block_on(cache.provision(&ana())).unwrap();
        other.join().unwrap();
    });
}

/// Loses messages on request, and counts the calls to it.
struct Bus {
    losses: watch::Receiver<u8>,
    calls: watch::Sender<u8>,
    heard: AtomicU64,
}

#[async_trait]
impl InvalidationBus for Bus {
    async fn next(&self) -> BusEvent {
        let next = self.heard.fetch_add(1, Relaxed) as u8 + 1;
        let _ = self.calls.send(next);
        let _ = self.losses.clone().wait_for(|losses| *losses >= next).await;
        BusEvent::Lost
    }
}

#[test]
fn no_request_gets_an_old_user_after_lost_messages() {
    in_every_interleaving(2, || {
        let users = Users::new(1);
        let cache = CachedProvisioner::new(users.clone());
        let (lose, losses) = watch::channel(0);
        let (calls, mut received) = watch::channel(0);
        let heard = AtomicU64::new(0);
        cache.listen(Bus {
            losses,
            calls,
            heard,
        });
        let load = thread::spawn({
            let cache = cache.clone();
            move || drop(block_on(cache.provision(&ana())))
        });

        users.change(2);
        lose.send(1).unwrap();
        // The bus is polled again when the cache has processed the loss.
        drop(block_on(received.wait_for(|calls| *calls == 2)).unwrap());
        assert_eq!(user(&cache), 2);

        load.join().unwrap();
        assert!(cache.cached(&ana()).is_none_or(|user| **user.user() == 2));
        drop(cache);
        lose.send(2).unwrap();
    });
}
