//! Requests of known users.

use super::{
    caller::{Caller, OTHER_ISSUER, person},
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{provisioner::outcome::Outcome, testing::identity::TestIdentity};

/// The first request of an identity creates a user, and every further request finds it.
pub async fn a_known_user_is_found<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("the first request creates the user, and every further request finds it");
    let caller = Caller::new(harness).await;
    let identity = || person("ana").with_vouched_email("ana@example.com");
    let first = caller
        .provision(&identity().with_issued_at(1_000).build())
        .await;
    let id = first.expect(rule, Outcome::Created)?;
    for issued_at in [1_000, 1_000, 2_000, 3_000] {
        let token = identity().with_issued_at(issued_at).build();
        let again = caller.provision(&token).await;
        rule.holds(again.expect(rule, Outcome::Found)? == id, &again)?;
    }
    Ok(())
}

/// Further requests create no user. Needs [`Harness::users`].
pub async fn a_known_user_is_not_made_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a known identity creates no user");
    let before = harness.users().await?;
    let caller = Caller::new(harness).await;
    for subject in ["ana", "bo", "ana", "bo", "ana"] {
        caller
            .provision(&person(subject).build())
            .await
            .user(rule)?;
    }
    let users = harness.users().await? - before;
    Ok(rule.holds(users == 2, format!("{users} users of 2 identities"))?)
}

/// A user created by one replica is found by the others.
pub async fn the_same_identity_is_the_same_user_everywhere<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("an identity is the same user through every handle");
    let callers = Caller::several(harness).await;
    for (number, first) in callers.iter().enumerate() {
        let identity = person(&format!("user{number}")).build();
        let made = first.provision(&identity).await;
        let id = made.expect(rule, Outcome::Created)?;
        for caller in &callers {
            let again = caller.provision(&identity).await;
            again.expect_known(rule, id)?;
        }
    }
    Ok(())
}

/// Names, addresses and roles are not keys: they change, and other users may have had the same
/// ones.
pub async fn a_changed_profile_is_the_same_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a user is found by issuer and subject, even if all other claims change");
    let caller = Caller::new(harness).await;
    let described = |subject: &str, name: &str| {
        person(subject)
            .with_username(name)
            .with_full_name(name)
            .with_email(&format!("{name}@example.com"))
    };
    let ana = caller.provision(&described("1", "ana").build()).await;
    let bo = caller.provision(&described("2", "bo").build()).await;
    let (ana, bo) = (ana.user(rule)?, bo.user(rule)?);
    rule.holds(ana != bo, "one user for two subjects")?;

    let mut instant = 1_000;
    let changed = [
        person("1"),
        described("1", "bo"),
        described("1", "cy").with_roles(["admin"]),
        person("1").with_vouched_email("ana.lind@example.com"),
    ];
    for identity in changed {
        instant += 1_000;
        let result = caller
            .provision(&identity.with_issued_at(instant).build())
            .await;
        result.expect_known(rule, ana)?;
    }
    let again = caller.provision(&described("2", "ana").build()).await;
    again.expect_known(rule, bo)?;

    // A known user may get an address that another user has. The store may return a conflict, but
    // not another user.
    let other = TestIdentity::new(OTHER_ISSUER, "3").with_vouched_email("dan@example.com");
    caller.provision(&other.build()).await.user(rule)?;
    let moved = person("1").with_vouched_email("dan@example.com");
    let result = caller
        .provision(&moved.with_issued_at(instant + 1_000).build())
        .await;
    let is_ana = result.user(rule).is_ok_and(|id| id == ana);
    Ok(rule.holds(is_ana || result.is_refusal("conflict"), &result)?)
}

/// The user has the roles of the token, cached or not, and not those of another token. Needs
/// [`Harness::roles`].
pub async fn roles_are_those_of_the_token<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("the user has the roles of the token, and not those of another token");
    let caller = Caller::new(harness).await;
    let tokens: [(&[&str], _); 5] = [
        (
            &["admin", "editor"],
            person("ana").with_roles(["editor", "admin"]),
        ),
        (&["editor"], person("ana").with_roles(["editor"])),
        (&[], person("ana").with_roles([""; 0])),
        (&[], person("ana")),
        (&["admin"], person("ana").with_roles(["admin"])),
    ];
    for (instant, (granted, token)) in (1_000..).zip(tokens) {
        let token = token.with_issued_at(instant).build();
        for mut roles in caller.roles(rule, &token).await? {
            roles.sort_unstable();
            rule.holds(
                roles == granted,
                format!("{roles:?} instead of {granted:?}"),
            )?;
        }
    }
    Ok(())
}
