//! Inactive users and revoked tokens.

use super::{
    caller::{Caller, concurrently, person},
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{
    identity::Identity,
    provisioner::{decision::UserStatus, outcome::Outcome},
    testing::identity::TestIdentity,
};

/// The time of the revocation, in milliseconds: 2025-06-15, 15:06:40 UTC.
pub(super) const REVOCATION: i64 = 1_750_000_000_000;

/// A time after any deactivation, in milliseconds: the year 2100.
const FUTURE: i64 = 4_102_444_800_000;

/// Tokens of a refused user: the same one, a newer one, and ones with more claims.
fn tokens() -> Vec<Identity> {
    [
        person("ana"),
        person("ana").with_issued_at(FUTURE),
        person("ana").with_vouched_email("ana@example.com"),
        person("ana")
            .with_full_name("Ana Lind")
            .with_roles(["admin"]),
    ]
    .map(TestIdentity::build)
    .into()
}

async fn assert_refused<H: Harness>(
    harness: &H,
    rule: Rule,
    status: UserStatus,
    reason: &str,
) -> Result<(), Failure> {
    let callers = Caller::several(harness).await;
    let key = person("ana").build().key();
    callers[0]
        .provision(&person("ana").build())
        .await
        .user(rule)?;
    harness.set_status(key, status).await?;
    for identity in tokens() {
        for caller in &callers {
            let result = caller.provision(&identity).await;
            result.expect_refusal(rule, reason)?;
        }
    }
    let other = callers[0].provision(&person("bo").build()).await;
    other.expect(Rule("a status applies to one user"), Outcome::Created)?;
    Ok(())
}

/// A deactivated user is refused with any token. Needs [`Harness::set_status`].
pub async fn a_deactivated_user_is_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a deactivated user is refused");
    assert_refused(harness, rule, UserStatus::Deactivated, "deactivated").await
}

/// A deleted user is refused, and the next request does not create the user again. Needs
/// [`Harness::set_status`].
pub async fn a_deleted_user_is_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a deleted user is refused");
    assert_refused(harness, rule, UserStatus::Deleted, "deleted").await
}

/// A user that waits for approval is refused. Needs [`Harness::set_status`].
pub async fn a_pending_user_is_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a pending user is refused");
    assert_refused(harness, rule, UserStatus::Pending, "pending_approval").await
}

/// Repeated and concurrent requests do not reactivate a user. Needs [`Harness::set_status`].
pub async fn a_refused_user_stays_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("provisioning never reactivates a user");
    let callers = Caller::several(harness).await;
    callers[0]
        .provision(&person("ana").build())
        .await
        .user(rule)?;
    let key = person("ana").build().key();
    harness.set_status(key, UserStatus::Deactivated).await?;
    let identities: Vec<_> = std::iter::repeat_with(tokens).take(6).flatten().collect();
    for _ in 0..3 {
        for result in concurrently(&callers, &identities).await {
            result.expect_refusal(rule, "deactivated")?;
        }
    }
    Ok(())
}

/// The identity of a deleted user does not create another user. Needs [`Harness::set_status`] and
/// [`Harness::users`].
pub async fn a_deleted_user_is_not_made_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a deleted user is not created again");
    harness.users().await?;
    let caller = Caller::new(harness).await;
    caller.provision(&person("ana").build()).await.user(rule)?;
    let key = person("ana").build().key();
    harness.set_status(key, UserStatus::Deleted).await?;
    let before = harness.users().await?;
    for identity in tokens() {
        caller.provision(&identity).await;
    }
    let after = harness.users().await?;
    Ok(rule.holds(after == before, format!("{before} users, then {after}"))?)
}

/// A user that an operator reactivates is admitted at once, with tokens that are newer than the
/// deactivation, which may have revoked older tokens. Needs [`Harness::set_status`].
pub async fn a_reactivated_user_is_found<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a reactivated user is found");
    let callers = Caller::several(harness).await;
    let ana = person("ana").with_issued_at(FUTURE).build();
    let created = callers[0].provision(&ana).await;
    let id = created.user(rule)?;
    for _ in 0..2 {
        harness
            .set_status(ana.key(), UserStatus::Deactivated)
            .await?;
        for caller in &callers {
            let refused = caller.provision(&ana).await;
            refused.expect_refusal(rule, "deactivated")?;
        }
        harness.set_status(ana.key(), UserStatus::Active).await?;
        for caller in &callers {
            let found = caller.provision(&ana).await;
            found.expect_known(rule, id)?;
        }
    }
    Ok(())
}

/// A token issued until the revocation is refused, and so is a token without an issue time. Needs
/// [`Harness::revoke_tokens`].
pub async fn revoked_tokens_are_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a token that is not newer than the revocation is refused");
    let callers = Caller::several(harness).await;
    let issued = |at| person("ana").with_issued_at(at).build();
    let created = callers[0].provision(&issued(REVOCATION - 1)).await;
    let id = created.user(rule)?;
    callers[0]
        .provision(&issued(REVOCATION + 1))
        .await
        .user(rule)?;
    let key = person("ana").build().key();
    harness.revoke_tokens(key, REVOCATION).await?;
    for caller in &callers {
        let old = [0, REVOCATION - 1, REVOCATION].map(issued);
        for token in old.into_iter().chain([person("ana").build()]) {
            let result = caller.provision(&token).await;
            result.expect_refusal(rule, "revoked")?;
        }
        for at in [REVOCATION + 1, REVOCATION + 1_000] {
            let found = caller.provision(&issued(at)).await;
            found.expect_known(rule, id)?;
        }
    }
    Ok(())
}
