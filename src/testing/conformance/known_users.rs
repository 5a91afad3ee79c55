//! The requests after the first.

use super::{
    caller::{Caller, OTHER_ISSUER, person},
    harness::Harness,
    verdict::{Failure, Rule},
};
use crate::{provisioner::outcome::Outcome, testing::identity::TestIdentity};

/// The first request of an identity makes a user, every further one finds it.
pub async fn a_known_user_is_found<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("the first request makes the user, every further one finds it");
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

/// Further requests add no row. Needs [`Harness::users`].
pub async fn a_known_user_is_not_made_again<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a known identity adds no user");
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

/// What one replica made, the others find.
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

/// Names, addresses and roles change, and belong to others before and after: none is a key.
pub async fn a_changed_profile_is_the_same_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a user is found by issuer and subject, whatever else changes");
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

    // Whose address it was before is no matter for the one who is known; a conflict is the store's
    // right, another user is not.
    let other = TestIdentity::new(OTHER_ISSUER, "3").with_vouched_email("dan@example.com");
    caller.provision(&other.build()).await.user(rule)?;
    let moved = person("1").with_vouched_email("dan@example.com");
    let result = caller
        .provision(&moved.with_issued_at(instant + 1_000).build())
        .await;
    let is_ana = result.user(rule).is_ok_and(|id| id == ana);
    Ok(rule.holds(is_ana || result.is_refusal("conflict"), &result)?)
}

/// A token's roles are its own: one that grants fewer has fewer, remembered or not. Needs
/// [`Harness::roles`].
pub async fn roles_are_those_of_the_token<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a token gives the roles it grants, whatever another one of its user gave");
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
            rule.holds(roles == granted, format!("{roles:?}, not {granted:?}"))?;
        }
    }
    Ok(())
}
