//! Edits of a user's profile by the user or an operator.

use std::fmt;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr, sea_query::Expr};
use uuid::Uuid;

use super::{
    super::entity::users,
    bounds,
    change::Change,
    error::DirectoryError,
    locked::{LockedUser, update},
    report::{Effect, Refusal, Report},
    user_directory::UserDirectory,
};
use crate::email::Email;

/// Attributes of a profile to set or to clear.
///
/// ```
/// use tower_jit_provisioning::sea_orm::directory::ProfileEdit;
///
/// let edit = ProfileEdit::new().with_full_name("Ana Lind").without_username();
/// # let _ = edit;
/// ```
#[must_use]
#[derive(Clone, Default)]
pub struct ProfileEdit {
    email: Option<Option<Email>>,
    full_name: Option<Option<String>>,
    username: Option<Option<String>>,
}

impl ProfileEdit {
    /// Creates an edit of no attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the address. A different mailbox is unverified from then on.
    pub fn with_email(mut self, email: Email) -> Self {
        self.email = Some(Some(email));
        self
    }

    /// Clears the address.
    pub fn without_email(mut self) -> Self {
        self.email = Some(None);
        self
    }

    /// Sets the display name: 1 to 1,024 bytes, no control characters.
    pub fn with_full_name(mut self, name: impl Into<String>) -> Self {
        self.full_name = Some(Some(name.into()));
        self
    }

    /// Clears the display name.
    pub fn without_full_name(mut self) -> Self {
        self.full_name = Some(None);
        self
    }

    /// Sets the user name: 1 to 1,024 bytes, no control characters.
    pub fn with_username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(Some(name.into()));
        self
    }

    /// Clears the user name.
    pub fn without_username(mut self) -> Self {
        self.username = Some(None);
        self
    }

    fn is_valid(&self) -> bool {
        let names = [&self.full_name, &self.username];
        let mut names = names.into_iter().filter_map(|name| name.as_ref()?.as_ref());
        names.all(|name| bounds::is_text(name, bounds::MAX_NAME))
    }

    /// Returns the names of the edited attributes, as `users.local_attributes` stores them.
    fn attributes(&self) -> impl Iterator<Item = &'static str> {
        let edited = [
            ("email", self.email.is_some()),
            ("full_name", self.full_name.is_some()),
            ("username", self.username.is_some()),
        ];
        edited
            .into_iter()
            .filter_map(|(name, is_edited)| is_edited.then_some(name))
    }

    fn is_in(&self, row: &users::Model) -> bool {
        let email = self
            .email
            .as_ref()
            .map(|email| email.as_ref().map(Email::as_str));
        email.is_none_or(|email| row.email.as_deref() == email)
            && self
                .full_name
                .as_ref()
                .is_none_or(|name| row.full_name == *name)
            && self
                .username
                .as_ref()
                .is_none_or(|name| row.username == *name)
    }
}

/// Shows the names of the edited attributes; their values are personal data.
impl fmt::Debug for ProfileEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.attributes()).finish()
    }
}

impl UserDirectory {
    /// Edits attributes of a user's profile. From then on they belong to the user, and no token
    /// overwrites them.
    ///
    /// # Errors
    ///
    /// If a name is empty, too long or has control characters, or the database fails.
    pub async fn edit_profile(
        &self,
        user: Uuid,
        edit: ProfileEdit,
    ) -> Result<Report, DirectoryError> {
        if !edit.is_valid() {
            let message = "a name has 1 to 1,024 bytes and no control characters";
            return Err(DirectoryError::invalid(message));
        }
        let attributes: Vec<&str> = edit.attributes().collect();
        let detail = attributes.join(",");
        self.change(&[user], Edit { edit, detail }).await
    }
}

struct Edit {
    edit: ProfileEdit,
    detail: String,
}

#[async_trait]
impl Change for Edit {
    fn event(&self) -> &'static str {
        "profile_edited"
    }

    /// Returns the attributes' names; their values are personal data.
    fn detail(&self) -> Option<&str> {
        Some(&self.detail)
    }

    fn decide(&self, user: &LockedUser) -> Effect {
        let local: Vec<&str> = user.row.locally_edited().collect();
        let is_marked = self.edit.attributes().all(|name| local.contains(&name));
        match user.is_deleted() {
            true => Effect::Refused(Refusal::Deleted),
            false if is_marked && self.edit.is_in(&user.row) => Effect::Unchanged,
            false => Effect::Changed,
        }
    }

    async fn write(
        &self,
        _: &UserDirectory,
        transaction: &DatabaseTransaction,
        users: &[&LockedUser],
    ) -> Result<(), DbErr> {
        use users::Column;

        for user in users {
            let mut change = update(&[*user]);
            if let Some(email) = &self.edit.email {
                let address = email.as_ref().map(|email| email.as_str().to_owned());
                change = change.col_expr(Column::Email, Expr::value(address));
                if !is_same_mailbox(&user.row, email.as_ref()) {
                    let nothing = || Expr::value(None::<String>);
                    change = change
                        .col_expr(Column::EmailKey, nothing())
                        .col_expr(Column::EmailVerifiedBy, nothing());
                }
            }
            if let Some(name) = &self.edit.full_name {
                change = change.col_expr(Column::FullName, Expr::value(name.clone()));
            }
            if let Some(name) = &self.edit.username {
                change = change.col_expr(Column::Username, Expr::value(name.clone()));
            }
            let edited = user.row.locally_edited().map(str::to_owned);
            let mut local: Vec<_> = edited
                .chain(self.edit.attributes().map(str::to_owned))
                .collect();
            local.sort_unstable();
            local.dedup();
            change
                .col_expr(Column::LocalAttributes, Expr::value(local.join(",")))
                .exec(transaction)
                .await?;
        }
        Ok(())
    }
}

fn is_same_mailbox(row: &users::Model, email: Option<&Email>) -> bool {
    let key = email.map(|email| email.key(&row.tenant));
    row.email_key.is_some() && row.email_key == key
}
