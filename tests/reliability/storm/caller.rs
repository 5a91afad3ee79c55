//! One caller, which may drop its call at any time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use tokio::time::timeout;
use tower_jit_provisioning::{
    Identity, Outcome, Provisioner,
    sea_orm::{SeaOrmProvisioner, User},
};

/// The longest time before a caller drops its call.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of a call.
pub(crate) enum Call {
    Answered(Outcome),
    Failed(String),
    HungUp,
}

/// Makes one call. A caller that hangs up drops the call after a random time.
pub(crate) async fn call(
    provisioner: SeaOrmProvisioner,
    identity: Identity,
    hangs_up: bool,
) -> Call {
    let call = provisioner.provision(&identity);
    let answer = match hangs_up {
        true => match timeout(patience(), call).await {
            Ok(answer) => answer,
            Err(_) => return Call::HungUp,
        },
        false => call.await,
    };
    match answer {
        Ok(provisioned) => {
            let user: &User = provisioned.user();
            assert!(user.full_name.is_some(), "a half user");
            Call::Answered(provisioned.outcome())
        }
        Err(error) => Call::Failed(format!("{error:?}")),
    }
}

/// Returns a time between microseconds and a second, with every order of magnitude equally likely:
/// a first request is in different phases after a hundred microseconds and after a hundred
/// milliseconds.
fn patience() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    PATIENCE.mul_f64(1e-5_f64.powf(share))
}
