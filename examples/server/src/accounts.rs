//! Password users: public sign-up, proof of the mailbox, login.
//!
//! An unproved address does not block an issuer's users: it is in `sign_ups`, not in
//! `users.email_key`. The proof writes it there, unless another user holds it. A second sign-up
//! with the address is refused until the first one's user is deleted.

use axum::{Json, extract::State, http::StatusCode};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, SqlErr, TransactionTrait,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tower_jit_provisioning::{
    Email, Outcome, UserStatus,
    sea_orm::{
        User,
        entity::{now, users},
    },
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::Shared,
    json::Body,
    local_issuer,
    migrations::sign_ups,
    problem::Problem,
    profile::{Profile, checked_name},
    proof, registration,
};

/// Lifetime of the mailed token.
const PROOF_LIFETIME: Duration = Duration::hours(24);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    email: String,
    password: String,
    full_name: String,
}

/// Signs up a password user and mails a token that proves the mailbox.
#[utoipa::path(
    post,
    path = "/api/v1/users/",
    tag = "accounts",
    request_body = SignUp,
    responses((status = 201, body = Profile, description = "The new user"))
)]
pub async fn sign_up(
    State(app): State<Shared>,
    Body(request): Body<SignUp>,
) -> Result<(StatusCode, Json<Profile>), Problem> {
    if !app.password_sign_up {
        let detail = "people sign up at their identity provider";
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "sign_up_closed",
            detail,
        ));
    }
    let email = checked_address(&request.email)?;
    let full_name = checked_name(&request.full_name)?;
    let password = checked_password(request.password)?;
    let address_key = email.key("");
    // Checked before the expensive hash. The primary key is the final check.
    let before = sign_ups::Entity::find_by_id(&address_key);
    if let Some(before) = before.one(&app.db).await? {
        let holder = users::Entity::find_by_id(before.user_id)
            .one(&app.db)
            .await?;
        if holder.is_some_and(|holder| holder.status != UserStatus::Deleted.as_str()) {
            return Err(address_taken());
        }
        app.forget_sign_ups(&[before.user_id]).await?;
    }
    app.passwords.count()?;
    let hashed_password = app.passwords.hash(password).await?;

    let user = users::Model {
        email: Some(email.as_str().to_owned()),
        full_name: Some(full_name),
        hashed_password: Some(hashed_password),
        ..users::Model::new("")
    };
    let proof = proof::random();
    insert(&app, &user, address_key, &proof)
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => address_taken(),
            _ => error.into(),
        })?;
    // This server has no mail relay, so the mail is written to the log.
    tracing::info!(
        to = email.as_str(),
        token = proof,
        "mail: prove your address"
    );
    let profile = Profile::new(User::new(user, []), Some(Outcome::Created));
    Ok((StatusCode::CREATED, Json(profile)))
}

/// Inserts the user, its identity at the local issuer, and the sign-up, in one transaction.
async fn insert(
    app: &Shared,
    user: &users::Model,
    address_key: String,
    proof: &str,
) -> Result<(), DbErr> {
    let expires_at = OffsetDateTime::now_utc() + PROOF_LIFETIME;
    let transaction = app.db.begin().await?;
    let subject = user.id.to_string();
    registration::insert(&transaction, user, local_issuer::ISSUER, &subject).await?;
    sign_ups::Entity::insert(sign_ups::ActiveModel {
        address_key: Set(address_key),
        user_id: Set(user.id),
        proof_hash: Set(Some(proof::hash_of(proof))),
        proof_expires_at: Set(Some(expires_at.unix_timestamp())),
    })
    .exec_without_returning(&transaction)
    .await?;
    transaction.commit().await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxProof {
    token: String,
}

#[derive(Serialize, ToSchema)]
pub struct ProvedMailbox {
    email_verified: bool,
}

/// Verifies an address by the mailed token.
#[utoipa::path(
    post,
    path = "/api/v1/users/verify-email",
    tag = "accounts",
    request_body = MailboxProof,
    responses((status = 200, body = ProvedMailbox, description = "Proved"))
)]
pub async fn verify_email(
    State(app): State<Shared>,
    Body(mailed): Body<MailboxProof>,
) -> Result<Json<ProvedMailbox>, Problem> {
    let invalid = || {
        let detail = "the token is unknown, used or expired";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_proof", detail)
    };
    let sign_up = sign_ups::Entity::find()
        .filter(sign_ups::Column::ProofHash.eq(proof::hash_of(&mailed.token)))
        .filter(sign_ups::Column::ProofExpiresAt.gt(OffsetDateTime::now_utc().unix_timestamp()))
        .one(&app.db)
        .await?
        .ok_or_else(invalid)?;
    let user = users::Entity::find_by_id(sign_up.user_id)
        .one(&app.db)
        .await?;
    let user = user.filter(|user| user.status == UserStatus::Active.as_str());
    let user = user.ok_or_else(invalid)?;
    // An administrator may have changed the user's address.
    let address = user.email.as_deref().and_then(Email::parse);
    if address.map(|address| address.key("")) != Some(sign_up.address_key.clone()) {
        return Err(invalid());
    }
    let verified = users::ActiveModel {
        email_key: Set(Some(sign_up.address_key)),
        email_verified_by: Set(Some("mailbox".to_owned())),
        updated_at: Set(now()),
        ..Default::default()
    };
    let write = async {
        let transaction = app.db.begin().await?;
        // Only if the user was not deactivated, deleted or given another address since the read.
        let verified = users::Entity::update_many()
            .set(verified)
            .filter(users::Column::Id.eq(user.id))
            .filter(users::Column::Status.eq(UserStatus::Active.as_str()))
            .filter(users::Column::Email.eq(user.email.clone()))
            .exec(&transaction)
            .await?;
        registration::record(&transaction, &user, None, "email_verified").await?;
        // Of two concurrent requests with one token, only the first updates a row.
        let used = sign_ups::Entity::update_many()
            .col_expr(sign_ups::Column::ProofHash, Expr::value(None::<String>))
            .col_expr(sign_ups::Column::ProofExpiresAt, Expr::value(None::<i64>))
            .filter(sign_ups::Column::ProofHash.eq(proof::hash_of(&mailed.token)))
            .exec(&transaction)
            .await?;
        match (verified.rows_affected, used.rows_affected) {
            (1, 1) => transaction.commit().await.map(|()| true),
            _ => transaction.rollback().await.map(|()| false),
        }
    };
    let is_proved = write.await.map_err(|error: DbErr| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "the address belongs to another user",
        ),
        _ => error.into(),
    })?;
    if !is_proved {
        return Err(invalid());
    }
    app.forget(sign_up.user_id).await?;
    Ok(Json(ProvedMailbox {
        email_verified: true,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct LocalToken {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

/// Logs a password user in with an access token of the local issuer.
#[utoipa::path(
    post,
    path = "/api/v1/login",
    tag = "accounts",
    request_body = Login,
    responses((status = 200, body = LocalToken, description = "A token for a quarter of an hour"))
)]
pub async fn login(
    State(app): State<Shared>,
    Body(login): Body<Login>,
) -> Result<Json<LocalToken>, Problem> {
    let address_key = checked_address(&login.email)?.key("");
    let password = checked_password(login.password)?;
    app.passwords.count_attempt(&address_key)?;

    let sign_up = sign_ups::Entity::find_by_id(address_key)
        .one(&app.db)
        .await?;
    let user_id = sign_up.map_or(Uuid::nil(), |sign_up| sign_up.user_id);
    let user = users::Entity::find_by_id(user_id)
        .filter(users::Column::Status.eq(UserStatus::Active.as_str()))
        .one(&app.db)
        .await?;
    let hash = user.and_then(|user| user.hashed_password);
    if !app.passwords.verify(password, hash).await? {
        let detail = "the address or the password is wrong";
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            detail,
        ));
    }
    let (access_token, expires_in) = app.local_issuer.token(user_id).map_err(|error| {
        tracing::error!(%error, "a local token could not be signed");
        Problem::unavailable("the token could not be signed")
    })?;
    Ok(Json(LocalToken {
        access_token,
        token_type: "Bearer",
        expires_in,
    }))
}

fn address_taken() -> Problem {
    let detail = "somebody signed up with this address";
    Problem::new(StatusCode::CONFLICT, "address_taken", detail)
}

fn checked_address(address: &str) -> Result<Email, Problem> {
    Email::parse(address).ok_or_else(|| Problem::invalid("`email` is no e-mail address"))
}

/// Validates a password. The maximum length bounds the cost of hashing.
fn checked_password(password: String) -> Result<String, Problem> {
    match (8..=256).contains(&password.len()) {
        true => Ok(password),
        false => Err(Problem::invalid("`password` must have 8 to 256 bytes")),
    }
}
