//! E-mail addresses while linking is off.

use super::{
    caller::{Caller, OTHER_ISSUER, concurrently, person},
    harness::{Ability, Harness},
    verdict::{Failure, Rule},
};
use crate::{
    identity::Identity,
    policy::{IssuerPolicy, Linking},
    provisioner::outcome::Outcome,
    testing::identity::TestIdentity,
};

const ADDRESS: &str = "ana@example.com";

fn owner() -> Identity {
    person("ana").with_vouched_email(ADDRESS).build()
}

fn other_issuer(subject: &str) -> TestIdentity {
    TestIdentity::new(OTHER_ISSUER, subject)
}

/// An unverified address never links an identity, even with linking enabled (CVE-2023-3128).
pub async fn an_unverified_address_links_nobody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an unverified address never links an identity");
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let owner = result.user(rule)?;
    let linking = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .with_trusted_email_sources([format!("issuer:{}", person("ana").build().issuer())]);
    let claimants = [
        person("eve"),
        other_issuer("ana"),
        other_issuer("mallory").with_policy(linking),
    ];
    for claimant in claimants {
        let result = caller
            .provision(&claimant.with_email(ADDRESS).build())
            .await;
        let another = result.expect(rule, Outcome::Created)? != owner;
        rule.holds(another, &result)?;
    }
    Ok(())
}

/// An unverified address of another user neither blocks the owner of the address nor keeps the
/// address from the owner.
pub async fn an_unverified_address_blocks_nobody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an unverified address never blocks a user");
    let caller = Caller::new(harness).await;
    let mut ids = Vec::new();
    for claimant in [person("eve"), person("mallory"), other_issuer("ana")] {
        let result = caller
            .provision(&claimant.with_email(ADDRESS).build())
            .await;
        ids.push(result.expect(rule, Outcome::Created)?.to_owned());
    }
    let result = caller.provision(&owner()).await;
    let id = result.expect(rule, Outcome::Created)?;
    Ok(rule.holds(!ids.iter().any(|it| it == id), &result)?)
}

/// While linking is off, an address that an issuer vouches for never leads to a user of another
/// issuer. The result is a conflict, or another user if addresses need not be unique.
pub async fn a_vouched_address_links_nobody_while_linking_is_off<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a vouched address never links an identity while linking is off");
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let owner = result.user(rule)?;
    for claimant in [other_issuer("ana"), other_issuer("eve"), person("ana2")] {
        let identity = claimant.with_vouched_email(ADDRESS).build();
        for _ in 0..2 {
            let result = caller.provision(&identity).await;
            let another = result.user(rule).is_ok_and(|id| id != owner);
            rule.holds(another || result.is_refusal("conflict"), &result)?;
        }
    }
    Ok(())
}

/// A vouched address of another user is a conflict, and only the identity with that address is
/// refused. Needs [`Ability::UniqueAddresses`].
pub async fn a_collision_on_a_vouched_address_is_a_conflict<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a collision on a vouched address is a conflict");
    Ability::UniqueAddresses.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let id = result.expect(rule, Outcome::Created)?;
    for address in [ADDRESS, "Ana@Example.COM"] {
        let claimant = other_issuer("ana").with_vouched_email(address).build();
        let refused = caller.provision(&claimant).await;
        refused.expect_refusal(rule, "conflict")?;
    }
    let again = caller.provision(&owner()).await;
    again.expect_known(rule, id)?;
    // The refused requests wrote nothing.
    let without = caller.provision(&other_issuer("ana").build()).await;
    without.expect(rule, Outcome::Created)?;
    // Addresses are unique only within a tenant.
    let elsewhere = other_issuer("bo")
        .with_tenant("acme")
        .with_vouched_email(ADDRESS);
    let elsewhere = caller.provision(&elsewhere.build()).await;
    elsewhere.expect(rule, Outcome::Created)?;
    Ok(())
}

/// Two issuers vouch for one new address concurrently: one identity creates the user, and the other
/// is a conflict. Needs [`Ability::UniqueAddresses`].
pub async fn two_issuers_vouching_at_once_make_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("two issuers that vouch for one address concurrently create one user");
    Ability::UniqueAddresses.needed_by(harness)?;
    let callers = Caller::several(harness).await;
    for round in 0..8 {
        let (subject, address) = (format!("ana{round}"), format!("ana{round}@example.com"));
        let identities = [person(&subject), other_issuer(&subject)]
            .map(|identity| identity.with_vouched_email(&address).build());
        let results = concurrently(&callers, &identities).await;
        let created = |index: usize| results[index].outcome() == Some(Outcome::Created);
        let conflict = |index: usize| results[index].is_refusal("conflict");
        rule.holds(
            created(0) && conflict(1) || created(1) && conflict(0),
            format!("{}, {}", results[0], results[1]),
        )?;
    }
    Ok(())
}

/// The address of an imported user is a conflict. Needs [`Harness::import_user`].
pub async fn an_imported_address_is_a_conflict<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("the address of an existing user is a conflict while linking is off");
    let imported = harness.import_user(ADDRESS).await?;
    let caller = Caller::new(harness).await;
    let refused = caller.provision(&owner()).await;
    refused.expect_refusal(rule, "conflict")?;
    let unverified = person("ana").with_email(ADDRESS);
    let created = caller.provision(&unverified.build()).await;
    let id = created.expect(rule, Outcome::Created)?;
    Ok(rule.holds(id != imported, &created)?)
}
