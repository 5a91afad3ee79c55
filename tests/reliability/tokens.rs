//! More tokens and people than the caches can hold: memory stays within the configured limits.

use async_trait::async_trait;
use tower_jit_provisioning::{
    CachedProvisioner, Identity, ProvisionError, Provisioned, Provisioner, UserStatus,
    provisioner::Standing,
};

use crate::{
    app::App,
    figures::Figures,
    memory::{self, Watch},
    people::{self, mint, subject},
};

/// The size of the verified-token cache.
const TOKEN_BYTES: u64 = 8 * 1024 * 1024;

/// The size of the user cache.
const USERS: usize = 10_000;

/// Memory that one cached user may take.
const USER_BYTES: u64 = 1024;

/// Number of tokens that are verified again, right after they passed and at the end.
const RECENT: usize = 1000;

/// A provisioner that knows every user and stores none, so that only the caches grow.
struct AnyUser;

#[async_trait]
impl Provisioner for AnyUser {
    type User = String;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<String>, ProvisionError> {
        let entry = identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])?;
        Ok(Provisioned::found(identity.subject().to_owned(), entry))
    }
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let half = if is_long { 1_000_000 } else { 20_000 };
    let (issuer, verifier) = people::issuer();
    let verifier = verifier.with_cache_capacity(TOKEN_BYTES);
    let users = CachedProvisioner::new(AnyUser).with_capacity(USERS);
    let app = App::before(verifier.clone(), users);

    let watch = Watch::start();
    let mut wrong = 0;
    let mut hits = 0;
    let mut recent: Vec<String> = vec![String::new(); RECENT];
    let mut resident = Vec::new();
    for turn in 0..2 {
        for number in turn * half..(turn + 1) * half {
            let token = mint(&issuer, number);
            wrong += usize::from(!is_right(&app, &token, number).await);
            // Five hundred tokens later the cache holds the earlier token or has evicted it: the
            // response is the same.
            let earlier = number.saturating_sub(RECENT / 2);
            if earlier < number {
                let token = &recent[earlier % RECENT];
                hits += usize::from(verifier.cached(token).is_some());
                wrong += usize::from(!is_right(&app, token, earlier).await);
            }
            recent[number % RECENT] = token;
        }
        resident.push(memory::resident());
    }
    let last = 2 * half;
    for number in last - RECENT..last {
        wrong += usize::from(!is_right(&app, &recent[number % RECENT], number).await);
    }
    let growth = watch.growth();

    let allowed = TOKEN_BYTES + TOKEN_BYTES / 2 + USERS as u64 * USER_BYTES;
    let second_half = resident[1].saturating_sub(resident[0]);
    let mut figures = Figures::default();
    figures.add("distinct valid tokens", last);
    figures.must("wrong answers", wrong, wrong == 0);
    figures.must("answers from memory", hits, hits > 0);
    figures.add("configured for tokens, MiB", mebibytes(TOKEN_BYTES));
    figures.add("configured for users", USERS);
    let name = "highest growth of resident memory, MiB";
    figures.must(name, mebibytes(growth), growth <= allowed);
    let name = "of this in the second half, MiB";
    figures.must(name, mebibytes(second_half), second_half <= TOKEN_BYTES / 4);
    figures
}

/// Returns whether the handler and the user's name both match the token's subject.
async fn is_right(app: &App<CachedProvisioner<AnyUser>>, token: &str, number: usize) -> bool {
    let (answer, subject) = (app.call(token).await, subject(number));
    answer.is_for(&subject) && answer.user == Some(subject)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}
