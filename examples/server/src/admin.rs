//! `server grant-admin <issuer> <subject>`: makes the first administrator of an external issuer.

use tower_jit_provisioning::sea_orm::{
    SeaOrmProvisioner,
    directory::{DirectoryError, Effect, ImportedUser, NewIdentity},
};

use crate::administration::ROLE;

/// Grants the role, and registers the identity if it is unknown. Idempotent.
pub async fn grant(
    users: &SeaOrmProvisioner,
    issuer: &str,
    subject: &str,
) -> Result<String, DirectoryError> {
    let directory = users.directory().acting_as("grant-admin");
    let registered = ImportedUser::new().with_identity(NewIdentity::new(issuer, subject));
    let registered = directory.import(&[registered]).await?.into_result()?;
    let how = match registered.changed() {
        0 => "known",
        _ => "registered",
    };
    let ids = registered.entries().iter().filter_map(|entry| entry.user);
    let ids: Vec<_> = ids.collect();
    let granted = directory.grant_role(&ids, ROLE).await?.into_result()?;
    let what = match granted.entries().first().map(|entry| entry.effect) {
        Some(Effect::Changed) => "is an administrator now",
        _ => "was an administrator before",
    };
    let id = ids.first().copied().unwrap_or_default();
    Ok(format!("user {id} ({how}) {what}"))
}
