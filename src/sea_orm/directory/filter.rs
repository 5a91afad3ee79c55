//! Which users a list is about.

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

/// The longest text searched for, in bytes.
const MAX_TEXT: usize = 254;

/// Escapes `%` and `_` in a pattern. Not a backslash, which PostgreSQL and MySQL read differently in
/// the literal after `ESCAPE`.
const ESCAPE: char = '!';

/// Which users a list is about; all conditions hold at once.
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
    /// Every user of the tenant, deleted ones included.
    pub fn new() -> Self {
        Self::default()
    }

    /// Users of one status.
    pub fn with_status(mut self, status: UserStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Users who hold a stored role, whoever granted it.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Users with an identity of an issuer, by its canonical name.
    pub fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer_key(issuer));
        self
    }

    /// The user who holds an address verified: one at most.
    pub fn with_email(mut self, email: Email) -> Self {
        self.email = Some(email);
        self
    }

    /// Users without any identity: with a password, or imported and not yet linked. Reads every user
    /// of the tenant.
    pub fn without_identity(mut self) -> Self {
        self.is_without_identity = true;
        self
    }

    /// Users whose address, display name or user name contains a text: literally (`%` and `_` are
    /// themselves), without regard to case as far as the database folds it: ASCII on SQLite. At most
    /// 254 bytes. Reads every user of the tenant.
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The condition on users of a tenant. What is asked of other tables names the tenant too: their
    /// indexes start with it.
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
