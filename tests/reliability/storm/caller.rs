//! One caller, which may hang up at any time.

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

/// The longest that a caller waits before it hangs up.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a caller saw.
pub(crate) enum Call {
    Answered(Outcome),
    Failed(String),
    HungUp,
}

/// Calls once. A caller that hangs up drops the call after a random time.
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

/// Between microseconds and a second, every order of magnitude equally likely: a first request is in
/// different hands after a hundred microseconds and after a hundred milliseconds.
fn patience() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 11) as f64 / (1_u64 << 53) as f64;
    PATIENCE.mul_f64(1e-5_f64.powf(share))
}
