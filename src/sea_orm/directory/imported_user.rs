//! The record of an imported user.

use std::fmt;

use super::{super::entity::users, bounds, new_identity::NewIdentity};
use crate::email::Email;

/// The source that verified an imported address.
const SOURCE: &str = "import";

/// The maximum length of a password hash, in bytes.
const MAX_HASH: usize = 512;

/// User of another system to import, with an address or an identity at least.
#[must_use]
#[derive(Clone, Default)]
pub struct ImportedUser {
    pub(super) email: Option<Email>,
    full_name: Option<String>,
    username: Option<String>,
    password_hash: Option<String>,
    pub(super) identity: Option<NewIdentity>,
    pub(super) roles: Vec<String>,
}

impl ImportedUser {
    /// Creates an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the address and **vouches for it**: it counts as verified, by `import`. Where the
    /// policy links by e-mail, an identity whose issuer vouches for the address too is linked to
    /// this user.
    pub fn with_email(mut self, email: Email) -> Self {
        self.email = Some(email);
        self
    }

    /// Sets the display name: 1 to 1,024 bytes, no control characters.
    pub fn with_full_name(mut self, name: impl Into<String>) -> Self {
        self.full_name = Some(name.into());
        self
    }

    /// Sets the user name: 1 to 1,024 bytes, no control characters.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// Sets the password's hash, which the application verifies: at most 512 bytes.
    pub fn with_password_hash(mut self, hash: impl Into<String>) -> Self {
        self.password_hash = Some(hash.into());
        self
    }

    /// Sets the identity of the user's future tokens.
    pub fn with_identity(mut self, identity: NewIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Adds a role, as an operator's grant.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    pub(super) fn is_valid(&self) -> bool {
        let names = [&self.full_name, &self.username];
        let mut names = names.into_iter().flatten();
        (self.email.is_some() || self.identity.is_some())
            && names.all(|name| bounds::is_text(name, bounds::MAX_NAME))
            && self.identity.as_ref().is_none_or(NewIdentity::is_valid)
            && self.roles.iter().all(|role| bounds::is_role(role))
            && self
                .password_hash
                .as_ref()
                .is_none_or(|hash| bounds::is_text(hash, MAX_HASH))
    }

    pub(super) fn row(&self, tenant: &str) -> users::Model {
        let email = self.email.as_ref();
        let key = self
            .identity
            .as_ref()
            .map(|identity| identity.key(tenant).to_string());
        users::Model {
            email: email.map(|email| email.as_str().to_owned()),
            email_key: email.map(|email| email.key(tenant)),
            email_verified_by: email.map(|_| SOURCE.to_owned()),
            full_name: self.full_name.clone(),
            username: self.username.clone(),
            // The profile of a user with a password is this application's.
            profile_key: key.filter(|_| self.password_hash.is_none()),
            hashed_password: self.password_hash.clone(),
            ..users::Model::new(tenant)
        }
    }
}

/// Shows no field: all are personal data or a hash.
impl fmt::Debug for ImportedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedUser").finish_non_exhaustive()
    }
}
