//! Linking of users to identities beforehand, by subject or by e-mail address.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, sea_query::Expr,
};
use uuid::{Builder, Uuid};

use super::{
    super::{
        entity::{link_tickets, now, user_identities, users},
        issuer_key::issuer_key,
    },
    bounds,
    error::DirectoryError,
    events,
    locked::{LockedUser, lock, update},
    new_identity::NewIdentity,
    report::{Effect, Refusal, Report},
    transaction::{Done, Work},
    user_directory::UserDirectory,
};
use crate::{digest::digest, email::Email, provisioner::decision::UserStatus};

/// The maximum validity of a ticket.
const MAX_TICKET: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl UserDirectory {
    /// Assigns an identity to a user before its first token: the subject then finds this user,
    /// whatever the policy states about linking. If the user has no password, the identity also
    /// owns the profile.
    ///
    /// Refused ([`Taken`](Refusal::Taken)) if the identity belongs to another user, or the user has
    /// another identity of that issuer.
    ///
    /// # Errors
    ///
    /// If the issuer or the subject is empty, too long or has control characters, or the database
    /// fails.
    pub async fn link(&self, user: Uuid, identity: NewIdentity) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        if !identity.is_valid() {
            let message = "an issuer has 1 to 512 bytes, a subject 1 to 255, no control characters";
            return Err(DirectoryError::invalid(message));
        }
        self.transact(Link { user, identity }).await
    }

    /// Links the next identity of an issuer with this vouched address to the user, once, within the
    /// given time (at most 90 days). The address need not be the user's own. A ticket that the user
    /// holds already is renewed.
    ///
    /// Refused ([`Taken`](Refusal::Taken)) while another user has a ticket for the address at that
    /// issuer, or if the user has an identity of that issuer. Also refused unless the user is
    /// active.
    ///
    /// # Errors
    ///
    /// If the issuer is invalid, the time is zero or too long, or the database fails.
    pub async fn link_by_email(
        &self,
        user: Uuid,
        issuer: &str,
        email: &Email,
        valid_for: Duration,
    ) -> Result<Report, DirectoryError> {
        self.check_tenant()?;
        if !bounds::is_issuer(issuer) {
            let message = "an issuer has 1 to 512 bytes and no control characters";
            return Err(DirectoryError::invalid(message));
        }
        if valid_for.is_zero() || valid_for > MAX_TICKET {
            let message = "a ticket is valid for 90 days at most";
            return Err(DirectoryError::invalid(message));
        }
        let work = IssueTicket {
            user,
            issuer_key: issuer_key(issuer),
            email_key: email.key(&self.tenant),
            valid_for,
        };
        self.transact(work).await
    }
}

struct Link {
    user: Uuid,
    identity: NewIdentity,
}

#[async_trait]
impl Work for Link {
    type Output = Report;

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        _: &[Uuid],
    ) -> Result<Done<Report>, DbErr> {
        let tenant = &directory.tenant;
        let locked = lock(transaction, tenant, [self.user]).await?;
        let Some(user) = locked.get(&self.user) else {
            return Ok(Done::of_one(self.user, Effect::NotFound));
        };
        let key = self.identity.key(tenant).to_string();
        let known =
            user_identities::Entity::find().filter(user_identities::Column::IdentityKey.eq(&key));
        let owner = known.one(transaction).await?.map(|known| known.user_id);
        let effect = match owner {
            _ if user.is_deleted() => Effect::Refused(Refusal::Deleted),
            Some(owner) if owner == self.user => Effect::Unchanged,
            Some(_) => Effect::Refused(Refusal::Taken),
            None if has_identity_of(user, &issuer_key(self.identity.issuer())) => {
                Effect::Refused(Refusal::Taken)
            }
            None => Effect::Changed,
        };
        if effect != Effect::Changed {
            return Ok(Done::of_one(self.user, effect));
        }
        user_identities::Entity::insert(self.identity.row(tenant, self.user))
            .exec_without_returning(transaction)
            .await?;
        let row = &user.row;
        if row.profile_key.is_none() && row.hashed_password.is_none() {
            update(&[user])
                .col_expr(users::Column::ProfileKey, Expr::value(key.as_str()))
                .exec(transaction)
                .await?;
        }
        let event = directory.event(self.user, "pre_linked", Some(key), None);
        events::record(transaction, vec![event]).await?;
        let mut done = Done::of_one(self.user, effect);
        // A cache may hold a refusal of the unknown subject.
        done.stale.push(self.identity.key(tenant));
        Ok(done)
    }
}

struct IssueTicket {
    user: Uuid,
    issuer_key: String,
    email_key: String,
    valid_for: Duration,
}

impl IssueTicket {
    /// Derives the id from the address and the issuer, so that two concurrent operators cannot
    /// assign the address to two users: the database refuses the second row.
    fn id(&self) -> Uuid {
        let digest = digest([&self.issuer_key, &self.email_key]);
        let id = std::array::from_fn(|index| digest[index]);
        Builder::from_custom_bytes(id).into_uuid()
    }
}

#[async_trait]
impl Work for IssueTicket {
    type Output = Report;

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        _: &[Uuid],
    ) -> Result<Done<Report>, DbErr> {
        let locked = lock(transaction, &directory.tenant, [self.user]).await?;
        let Some(user) = locked.get(&self.user) else {
            return Ok(Done::of_one(self.user, Effect::NotFound));
        };
        let now = now();
        // Under lock: MySQL and MariaDB may return an old snapshot otherwise, and the code below
        // would overwrite a ticket that it does not see.
        let found = link_tickets::Entity::find_by_id(self.id())
            .lock_exclusive()
            .one(transaction)
            .await?;
        let is_taken = found.as_ref().is_some_and(|ticket| {
            ticket.user_id != self.user && ticket.consumed_at.is_none() && ticket.expires_at > now
        });
        let effect = match user.status() {
            Some(UserStatus::Active) if is_taken || has_identity_of(user, &self.issuer_key) => {
                Effect::Refused(Refusal::Taken)
            }
            Some(UserStatus::Active) => Effect::Changed,
            Some(UserStatus::Deleted) => Effect::Refused(Refusal::Deleted),
            Some(UserStatus::Deactivated | UserStatus::Pending) | None => {
                Effect::Refused(Refusal::WrongStatus)
            }
        };
        if effect != Effect::Changed {
            return Ok(Done::of_one(self.user, effect));
        }
        if let Some(replaced) = found {
            link_tickets::Entity::delete_by_id(replaced.id)
                .exec(transaction)
                .await?;
        }
        let ticket = link_tickets::Model {
            id: self.id(),
            tenant: user.row.tenant.clone(),
            user_id: self.user,
            issuer_key: self.issuer_key.clone(),
            email_key: self.email_key.clone(),
            expires_at: now + self.valid_for,
            consumed_at: None,
            created_at: now,
        };
        link_tickets::Entity::insert(ticket.into_active_model().reset_all())
            .exec_without_returning(transaction)
            .await?;
        let event = directory.event(self.user, "link_ticket_issued", None, None);
        events::record(transaction, vec![event]).await?;
        Ok(Done::of_one(self.user, effect))
    }
}

fn has_identity_of(user: &LockedUser, issuer_key: &str) -> bool {
    let mut identities = user.identities.iter();
    identities.any(|identity| identity.issuer_key == issuer_key)
}
