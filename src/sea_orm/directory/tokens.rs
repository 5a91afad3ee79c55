//! Revocation of tokens before they expire.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::{
    super::entity::now,
    bounds,
    change::Change,
    error::DirectoryError,
    locked::{LockedUser, void_tokens},
    report::{Effect, Refusal, Report},
    user_directory::UserDirectory,
};

impl UserDirectory {
    /// Voids every token of these users issued so far, by any issuer: after a device was stolen or
    /// a token leaked. The users themselves are unchanged and need new tokens.
    ///
    /// Most issuers state `iat` in whole seconds, so a token issued later within this second is
    /// void too.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn revoke_tokens(
        &self,
        users: &[Uuid],
        reason: &str,
    ) -> Result<Report, DirectoryError> {
        let reason = bounds::reason(reason);
        self.change(users, RevokeTokens { reason }).await
    }
}

struct RevokeTokens {
    reason: Option<String>,
}

#[async_trait]
impl Change for RevokeTokens {
    fn event(&self) -> &'static str {
        "tokens_revoked"
    }

    fn detail(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        match user.is_deleted() {
            true => Effect::Refused(Refusal::Deleted),
            false => Effect::Changed,
        }
    }

    async fn write(
        &self,
        _: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        void_tokens(transaction, users, now()).await
    }
}
