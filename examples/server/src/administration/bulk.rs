//! `POST /api/v1/users/bulk`: applies one change to up to a thousand users, and reports each
//! result.

use axum::{Json, extract::State};
use serde::Deserialize;
use tower_jit_provisioning::{
    Email,
    sea_orm::directory::{Effect, ImportedUser, NewIdentity, Report, UserDirectory},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, view::ReportView};
use crate::{app::Shared, json::Body, problem::Problem};

const MAX_USERS: usize = 1_000;

/// The change and its users. With `dry_run`, everything is validated and nothing is changed.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Bulk {
    Approve {
        users: Vec<Uuid>,
        #[serde(default)]
        dry_run: bool,
    },
    Deactivate {
        users: Vec<Uuid>,
        #[serde(default)]
        reason: String,
        #[serde(default)]
        dry_run: bool,
    },
    Delete {
        users: Vec<Uuid>,
        #[serde(default)]
        reason: String,
        #[serde(default)]
        erase: bool,
        #[serde(default)]
        dry_run: bool,
    },
    Import {
        records: Vec<Record>,
        #[serde(default)]
        dry_run: bool,
    },
    Reactivate {
        users: Vec<Uuid>,
        #[serde(default)]
        reason: String,
        #[serde(default)]
        dry_run: bool,
    },
}

/// A user of another system, by an address that counts as verified, an identity, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    email: Option<String>,
    full_name: Option<String>,
    username: Option<String>,
    /// The exact `iss` of the user's tokens.
    issuer: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// Changes or imports many users.
#[utoipa::path(
    post,
    path = "/api/v1/users/bulk",
    tag = "administration",
    request_body = Bulk,
    responses((status = 200, body = ReportView, description = "What became of each"))
)]
pub async fn bulk(
    State(app): State<Shared>,
    Directory(directory): Directory,
    Body(bulk): Body<Bulk>,
) -> Result<Json<ReportView>, Problem> {
    let (count, dry_run) = bulk.extent();
    if !(1..=MAX_USERS).contains(&count) {
        return Err(Problem::invalid("1 to 1,000 users at once"));
    }
    let directory = match dry_run {
        false => directory,
        true => directory.dry_run(),
    };
    let is_deletion = matches!(bulk, Bulk::Delete { .. });
    let report = bulk.run(&directory).await?;
    if is_deletion && !dry_run {
        let entries = report.entries().iter();
        let deleted = entries
            .filter(|entry| matches!(entry.effect, Effect::Changed | Effect::Unchanged))
            .filter_map(|entry| entry.user);
        app.forget_sign_ups(&deleted.collect::<Vec<_>>()).await?;
    }
    Ok(Json(ReportView::new(&report, dry_run)))
}

impl Bulk {
    /// Returns the number of users and whether this is a dry run.
    fn extent(&self) -> (usize, bool) {
        match self {
            Self::Approve { users, dry_run }
            | Self::Deactivate { users, dry_run, .. }
            | Self::Delete { users, dry_run, .. }
            | Self::Reactivate { users, dry_run, .. } => (users.len(), *dry_run),
            Self::Import { records, dry_run } => (records.len(), *dry_run),
        }
    }

    async fn run(self, directory: &UserDirectory) -> Result<Report, Problem> {
        let report = match self {
            Self::Approve { users, .. } => directory.approve(&users).await,
            Self::Deactivate { users, reason, .. } => directory.deactivate(&users, &reason).await,
            Self::Delete {
                users,
                reason,
                erase: false,
                ..
            } => directory.delete(&users, &reason).await,
            Self::Delete { users, reason, .. } => directory.erase(&users, &reason).await,
            Self::Import { records, .. } => {
                let records = records.into_iter().enumerate();
                let records: Result<Vec<_>, _> =
                    records.map(|(index, record)| record.parse(index)).collect();
                directory.import(&records?).await
            }
            Self::Reactivate { users, reason, .. } => directory.reactivate(&users, &reason).await,
        };
        Ok(report?)
    }
}

impl Record {
    fn parse(self, index: usize) -> Result<ImportedUser, Problem> {
        let mut user = ImportedUser::new();
        if let Some(address) = self.email {
            let email = Email::parse(&address).ok_or_else(|| {
                Problem::invalid(format!("`records[{index}].email` is no e-mail address"))
            })?;
            user = user.with_email(email);
        }
        if let Some(name) = self.full_name {
            user = user.with_full_name(name);
        }
        if let Some(name) = self.username {
            user = user.with_username(name);
        }
        user = match (self.issuer, self.subject) {
            (None, None) => user,
            (Some(issuer), Some(subject)) => user.with_identity(NewIdentity::new(issuer, subject)),
            (None, Some(_)) | (Some(_), None) => {
                let detail = format!("`records[{index}]`: an identity is an issuer and a subject");
                return Err(Problem::invalid(detail));
            }
        };
        Ok(self.roles.into_iter().fold(user, ImportedUser::with_role))
    }
}
