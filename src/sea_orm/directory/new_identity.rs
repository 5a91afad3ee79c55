//! Identities that are assigned to users beforehand.

use sea_orm::{ActiveModelTrait, IntoActiveModel};
use uuid::Uuid;

use super::{
    super::{
        entity::{now, user_identities},
        issuer_key::issuer_key,
    },
    bounds,
};
use crate::principal::{IdentityKey, PrincipalKind};

/// An identity to assign to a user before its first token: an issuer and its subject.
#[must_use]
#[derive(Clone, Debug)]
pub struct NewIdentity {
    issuer: String,
    subject: String,
    kind: PrincipalKind,
}

impl NewIdentity {
    /// Creates the identity of a person. The *canonical* issuer (1 to 512 bytes) and the subject (1
    /// to 255 bytes) must equal [`Principal::issuer`](crate::Principal::issuer) and
    /// [`Principal::subject`](crate::Principal::subject) of its tokens. Nothing is trimmed or
    /// folded.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
            kind: PrincipalKind::Human,
        }
    }

    /// Sets the kind, which registers a service, for example. Tokens of another kind are refused.
    pub fn with_kind(mut self, kind: PrincipalKind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn is_valid(&self) -> bool {
        bounds::is_issuer(&self.issuer) && bounds::is_subject(&self.subject)
    }

    pub(super) fn key(&self, tenant: &str) -> IdentityKey {
        IdentityKey::new(tenant, &self.issuer, &self.subject)
    }

    pub(super) fn row(&self, tenant: &str, user_id: Uuid) -> user_identities::ActiveModel {
        let row = user_identities::Model {
            id: Uuid::now_v7(),
            tenant: tenant.to_owned(),
            user_id,
            identity_key: self.key(tenant).to_string(),
            issuer_key: issuer_key(&self.issuer),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            subject_strategy: String::new(),
            kind: self.kind.as_str().to_owned(),
            roles_issued_at: None,
            profile_issued_at: None,
            profile_digest: None,
            created_at: now(),
        };
        row.into_active_model().reset_all()
    }
}
