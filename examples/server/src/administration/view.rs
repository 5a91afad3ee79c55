//! Users and reports as the administration API returns them.

use std::collections::HashMap;

use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::{
    provisioner::RoleGrant,
    sea_orm::{
        directory::{Effect, Report, UserRecord},
        entity::user_identities,
    },
};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub struct UserView {
    id: Uuid,
    email: Option<String>,
    email_is_verified: bool,
    full_name: Option<String>,
    username: Option<String>,
    status: &'static str,
    /// The source that set the status.
    status_source: Option<String>,
    status_reason: Option<String>,
    roles: Vec<String>,
    has_password: bool,
    /// Attributes that tokens do not overwrite.
    local_attributes: Vec<String>,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    /// Tokens issued at or before this time are rejected.
    #[serde(with = "rfc3339::option")]
    tokens_valid_after: Option<OffsetDateTime>,
    identities: Vec<IdentityView>,
    grants: Vec<GrantView>,
}

/// An identity that signs in as this user. Issuer and subject are empty once the user is erased.
#[derive(Serialize, ToSchema)]
pub struct IdentityView {
    issuer: String,
    subject: String,
    kind: String,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub struct GrantView {
    role: String,
    /// `manual`, or the issuer that grants the role.
    source: String,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
}

impl From<UserRecord> for UserView {
    fn from(record: UserRecord) -> Self {
        let user = record.user;
        let sources: HashMap<String, String> = record
            .identities
            .iter()
            .map(|identity| {
                (
                    RoleGrant::source_of(&identity.issuer),
                    identity.issuer.clone(),
                )
            })
            .collect();
        let grants = record.grants.into_iter().map(|grant| {
            let issuer = sources.get(&grant.source).cloned();
            GrantView {
                role: grant.role,
                source: issuer.unwrap_or(grant.source),
                created_at: grant.created_at.assume_utc(),
            }
        });
        Self {
            id: user.id,
            email: user.email,
            email_is_verified: user.email_is_verified,
            full_name: user.full_name,
            username: user.username,
            status: user.status.as_str(),
            status_source: record.status_source,
            status_reason: record.status_reason,
            roles: user.roles,
            has_password: record.has_password,
            local_attributes: record.local_attributes,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_seen_at: user.last_seen_at,
            tokens_valid_after: record.tokens_valid_after,
            identities: record.identities.into_iter().map(Into::into).collect(),
            grants: grants.collect(),
        }
    }
}

impl From<user_identities::Model> for IdentityView {
    fn from(identity: user_identities::Model) -> Self {
        Self {
            issuer: identity.issuer,
            subject: identity.subject,
            kind: identity.kind,
            created_at: identity.created_at.assume_utc(),
        }
    }
}

/// The result of a change for each user, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct ReportView {
    dry_run: bool,
    changed: usize,
    unchanged: usize,
    refused: usize,
    not_found: usize,
    entries: Vec<EntryView>,
}

#[derive(Serialize, ToSchema)]
pub struct EntryView {
    /// The user's id. Absent for an import that was refused.
    user: Option<Uuid>,
    /// `changed`, `unchanged`, `refused` or `not_found`.
    effect: &'static str,
    /// Why the change was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl ReportView {
    pub fn new(report: &Report, dry_run: bool) -> Self {
        let entries = report.entries().iter().map(|entry| {
            let (effect, reason) = match entry.effect {
                Effect::Changed => ("changed", None),
                Effect::NotFound => ("not_found", None),
                Effect::Refused(refusal) => ("refused", Some(refusal.as_str())),
                Effect::Unchanged => ("unchanged", None),
                _ => ("refused", None),
            };
            EntryView {
                user: entry.user,
                effect,
                reason,
            }
        });
        Self {
            dry_run,
            changed: report.changed(),
            unchanged: report.unchanged(),
            refused: report.refused(),
            not_found: report.not_found(),
            entries: entries.collect(),
        }
    }
}
