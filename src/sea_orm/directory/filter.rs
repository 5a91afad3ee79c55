//! The filter of lists of users.

use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{BinOper, Expr, ExprTrait, Func, Query, SelectStatement},
};

use super::{
    super::{
        entity::{role_grants, user_identities, users},
        issuer_key::issuer_key,
    },
    bounds,
    error::DirectoryError,
};
use crate::{email::Email, provisioner::decision::UserStatus};

/// The maximum length of a search text, in bytes.
const MAX_TEXT: usize = 254;

/// Escapes `%` and `_` in a pattern. A backslash would not do: PostgreSQL and MySQL parse the
/// literal after `ESCAPE` differently.
const ESCAPE: char = '!';

/// Filter of users; every condition must hold.
///
/// ```
/// use tower_jit_provisioning::{UserStatus, sea_orm::directory::UserFilter};
///
/// let filter = UserFilter::new().with_status(UserStatus::Active).containing("lind");
/// # let _ = filter;
/// ```
#[must_use]
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    status: Option<UserStatus>,
    role: Option<String>,
    issuer: Option<String>,
    email: Option<Email>,
    text: Option<String>,
    is_without_identity: bool,
}

impl UserFilter {
    /// Matches every user of the tenant, deleted users included.
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches users with a status.
    pub fn with_status(mut self, status: UserStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Matches users with a stored role, whichever source granted it.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Matches users with an identity of an issuer, by its canonical name.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer_key(issuer));
        self
    }

    /// Matches the user with a verified address; at most one.
    pub fn with_email(mut self, email: Email) -> Self {
        self.email = Some(email);
        self
    }

    /// Matches users without identities: users with a password, or imported and not yet linked.
    /// Reads every user of the tenant.
    pub fn without_identity(mut self) -> Self {
        self.is_without_identity = true;
        self
    }

    /// Matches users whose address, display name or user name contains a text of at most 254 bytes.
    /// `%` and `_` are literal. Case is ignored as far as the database folds it; SQLite folds
    /// ASCII. Reads every user of the tenant.
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Returns the condition on users of a tenant. Conditions on other tables name the tenant too,
    /// because their indexes start with it.
    pub(super) fn condition(&self, tenant: &str) -> Result<Condition, DirectoryError> {
        let mut condition = Condition::all();
        if let Some(status) = self.status {
            condition = condition.add(users::Column::Status.eq(status.as_str()));
        }
        if let Some(role) = &self.role {
            bounds::check_role(role)?;
            condition = condition.add(Expr::exists(of_user(
                role_grants::Entity,
                role_grants::Column::UserId,
                Condition::all()
                    .add(role_grants::Column::Tenant.eq(tenant))
                    .add(role_grants::Column::Role.eq(role)),
            )));
        }
        if let Some(issuer_key) = &self.issuer {
            condition = condition.add(Expr::exists(of_user(
                user_identities::Entity,
                user_identities::Column::UserId,
                Condition::all()
                    .add(user_identities::Column::Tenant.eq(tenant))
                    .add(user_identities::Column::IssuerKey.eq(issuer_key)),
            )));
        }
        if let Some(email) = &self.email {
            condition = condition.add(users::Column::EmailKey.eq(email.key(tenant)));
        }
        if self.is_without_identity {
            condition = condition.add(Expr::not_exists(of_user(
                user_identities::Entity,
                user_identities::Column::UserId,
                Condition::all(),
            )));
        }
        match &self.text {
            None => Ok(condition),
            Some(text) => Ok(condition.add(contains(text)?)),
        }
    }
}

fn contains(text: &str) -> Result<Condition, DirectoryError> {
    if !bounds::is_text(text, MAX_TEXT) {
        let message = "a text to search has 1 to 254 bytes and no control characters";
        return Err(DirectoryError::invalid(message));
    }
    let mut pattern = "%".to_owned();
    for character in text.chars() {
        if matches!(character, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(character);
    }
    pattern.push('%');
    let columns = [
        users::Column::Email,
        users::Column::FullName,
        users::Column::Username,
    ];
    // The database folds both sides, so its rules for letters beyond ASCII apply to both.
    let pattern = Expr::expr(Func::lower(Expr::value(pattern)));
    let pattern = pattern.binary(BinOper::Escape, Expr::Constant(ESCAPE.to_string().into()));
    let matches = columns.map(|column| {
        let folded = Expr::expr(Func::lower(Expr::col((users::Entity, column))));
        folded.binary(BinOper::Like, pattern.clone())
    });
    Ok(matches.into_iter().fold(Condition::any(), Condition::add))
}

/// Selects the user's rows in another table.
fn of_user<E, C>(table: E, user_id: C, filter: Condition) -> SelectStatement
where
    E: sea_orm::EntityTrait,
    C: ColumnTrait,
{
    Query::select()
        .expr(Expr::value(1))
        .from(table)
        .and_where(Expr::col((table, user_id)).equals((users::Entity, users::Column::Id)))
        .cond_where(filter)
        .take()
}
