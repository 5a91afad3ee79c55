//! A provisioner over a small store that can fail, with one configurable flaw.

mod provisioner;
mod rewriting;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::watch, task::yield_now};
use tower_jit_provisioning::{
    Identity, IdentityKey, MemoryProvisioner, MemoryUser, ProvisionError, Provisioner, UserStatus,
    testing::{
        TestIdentity,
        conformance::{Ability, Harness, NotApplicable, RecordedIdentity, StoreFault},
    },
};

pub(crate) use self::provisioner::Flawed;

/// Imported users have an identity of this issuer, because the store has no other way to add them.
const IMPORT: &str = "import";

/// The flaw of a provisioner.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Flaw {
    AdmitsAnybodysKind,
    AdmitsPending,
    AdmitsTheClosedOut,
    BlocksByAnyAddress,
    BlocksByOwnAddress,
    CachesBySubject,
    CachesCreations,
    CachesForever,
    CachesLateLoads,
    CachesRevoked,
    CachesRoles,
    CutsSubjects,
    DeniesOnErrors,
    FoldsAccents,
    FoldsCase,
    FoldsNumbers,
    FoldsRecords,
    ForgetsAddresses,
    HasNoDeadline,
    IgnoresLimits,
    IgnoresRules,
    ImportsUnverified,
    InsertsInSteps,
    InsertsTwoEvents,
    JoinsKeys,
    KeepsKnownOut,
    KeysByEmail,
    KeysBySubject,
    KeysByUsername,
    KeysWithoutTenant,
    LeavesFailedHalves,
    LeavesStalledHalves,
    LetsAnonymousIn,
    LetsServicesIn,
    LinksAcrossTenants,
    LinksAnyConflict,
    LinksAnySource,
    LinksNobody,
    LinksServices,
    LinksUnverified,
    LinksVouched,
    LocksInTheProcess,
    MakesRowsAlways,
    MarksBusy,
    None,
    Reactivates,
    ReadsThenInserts,
    RefusesForever,
    RemakesDeleted,
    RemembersFailures,
    ReplacesEmoji,
    RevokesNothing,
    StoresInTheProcess,
    TellsAllCreated,
    TellsAllLinked,
    TrimsSpaces,
    UpdatesAlways,
    WritesAlways,
    WritesBeforeRefusing,
    WritesEventsLater,
}

/// The store, with all operations that a check may use.
#[derive(Clone)]
pub(crate) struct Ledger {
    flaw: Flaw,
    users: MemoryProvisioner,
    fault: watch::Sender<Option<StoreFault>>,
    facts: Arc<Mutex<Facts>>,
    handles: Arc<Mutex<Vec<Flawed>>>,
}

#[derive(Default)]
struct Facts {
    events: u64,
    /// Rows of users without an identity.
    strays: u64,
    recorded: HashMap<IdentityKey, RecordedIdentity>,
    known: HashSet<IdentityKey>,
    /// The key under which an identity is stored; its own unless a flaw changes it.
    keys: HashMap<IdentityKey, IdentityKey>,
    /// Identities that are stored as another one.
    aliases: HashMap<IdentityKey, Identity>,
    /// The identity that holds each address.
    holders: HashMap<String, Identity>,
    /// Identities that are busy, or cached as rejected.
    marked: HashSet<IdentityKey>,
}

impl Ledger {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            users: MemoryProvisioner::new(),
            fault: watch::Sender::new(None),
            facts: Arc::default(),
            handles: Arc::default(),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    fn fault(&self) -> Option<StoreFault> {
        *self.fault.borrow()
    }

    /// Takes a short time, as stores do, or never completes.
    async fn io(&self, is_write: bool) -> Result<(), ProvisionError> {
        for _ in 0..3 {
            yield_now().await;
        }
        let mut fault = self.fault.subscribe();
        let lets_through = |fault: &Option<StoreFault>| match fault {
            Some(StoreFault::Stalls) => false,
            Some(StoreFault::StallsWrites) => !is_write,
            _ => true,
        };
        let fault = fault.wait_for(lets_through).await;
        match *fault.map_err(ProvisionError::unavailable)? {
            Some(StoreFault::Fails) => Err(ProvisionError::unavailable("the store is down")),
            _ => Ok(()),
        }
    }

    /// Returns the key and all stores under which the user of an identity is stored.
    fn stored(&self, key: IdentityKey) -> (IdentityKey, Vec<MemoryProvisioner>) {
        let key = self.facts().keys.get(&key).copied().unwrap_or(key);
        let handles = self.handles.lock().unwrap();
        let stores = handles.iter().map(|handle| handle.users.clone());
        (key, stores.chain([self.users.clone()]).collect())
    }

    fn invalidate(&self) {
        if self.flaw != Flaw::CachesForever {
            for handle in &*self.handles.lock().unwrap() {
                handle.forget();
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Harness for Ledger {
    type Provisioner = Flawed;

    async fn provisioner(&self, deadline: Duration) -> Flawed {
        let users = match self.flaw {
            Flaw::StoresInTheProcess => MemoryProvisioner::new(),
            _ => self.users.clone(),
        };
        let handle = Flawed::new(self.clone(), users, deadline);
        self.handles.lock().unwrap().push(handle.clone());
        handle
    }

    fn user_id(&self, user: &MemoryUser) -> String {
        user.id.to_string()
    }

    fn roles(&self, user: &MemoryUser) -> Result<Vec<String>, NotApplicable> {
        Ok(user.roles.clone())
    }

    fn supports(&self, _: Ability) -> bool {
        true
    }

    async fn users(&self) -> Result<u64, NotApplicable> {
        Ok(self.users.len() as u64 + self.facts().strays)
    }

    async fn created_events(&self) -> Result<u64, NotApplicable> {
        Ok(self.facts().events)
    }

    async fn recorded(&self, key: IdentityKey) -> Result<RecordedIdentity, NotApplicable> {
        Ok(self.facts().recorded[&key].clone())
    }

    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        let (key, stores) = self.stored(key);
        for store in stores {
            store.set_status(key, status);
        }
        self.invalidate();
        Ok(())
    }

    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        let (key, stores) = self.stored(key);
        for store in stores {
            store.revoke_tokens(key, instant);
        }
        self.invalidate();
        Ok(())
    }

    async fn import_user(&self, address: &str) -> Result<String, NotApplicable> {
        let user = TestIdentity::new(IMPORT, address);
        let user = match self.flaw {
            Flaw::ImportsUnverified => user.with_email(address).build(),
            _ => user.with_vouched_email(address).build(),
        };
        let imported = self.users.provision(&user).await.unwrap();
        Ok(imported.user().id.to_string())
    }

    async fn fail(&self, fault: StoreFault) -> Result<(), NotApplicable> {
        self.fault.send_replace(Some(fault));
        Ok(())
    }

    async fn recover(&self) -> Result<(), NotApplicable> {
        self.fault.send_replace(None);
        Ok(())
    }

    async fn close(&self) {
        self.handles.lock().unwrap().clear();
    }
}
