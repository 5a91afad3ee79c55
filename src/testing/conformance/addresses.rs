//! E-mail addresses while linking is off: nobody becomes somebody else by one.

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

fn stranger(subject: &str) -> TestIdentity {
    TestIdentity::new(OTHER_ISSUER, subject)
}

/// An address that nobody vouches for leads to no user, whatever linking says (CVE-2023-3128).
pub async fn an_unverified_address_links_nobody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an unverified address links nobody");
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let owner = result.user(rule)?;
    let linking = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .with_trusted_email_sources([format!("issuer:{}", person("ana").build().issuer())]);
    let claimants = [
        person("eve"),
        stranger("ana"),
        stranger("mallory").with_policy(linking),
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

/// An address that somebody merely claims keeps its owner neither out nor away from it.
pub async fn an_unverified_address_blocks_nobody<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an unverified address blocks nobody");
    let caller = Caller::new(harness).await;
    let mut ids = Vec::new();
    for squatter in [person("eve"), person("mallory"), stranger("ana")] {
        let result = caller
            .provision(&squatter.with_email(ADDRESS).build())
            .await;
        ids.push(result.expect(rule, Outcome::Created)?.to_owned());
    }
    let result = caller.provision(&owner()).await;
    let id = result.expect(rule, Outcome::Created)?;
    Ok(rule.holds(!ids.iter().any(|it| it == id), &result)?)
}

/// An address that an issuer vouches for leads to no user of another one unless linking is on: a
/// conflict is right, and another user where addresses need not be unique.
pub async fn a_vouched_address_links_nobody_while_linking_is_off<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a vouched address links nobody while linking is off");
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let owner = result.user(rule)?;
    for claimant in [stranger("ana"), stranger("eve"), person("ana2")] {
        let identity = claimant.with_vouched_email(ADDRESS).build();
        for _ in 0..2 {
            let result = caller.provision(&identity).await;
            let another = result.user(rule).is_ok_and(|id| id != owner);
            rule.holds(another || result.is_refusal("conflict"), &result)?;
        }
    }
    Ok(())
}

/// A vouched address that is somebody else's is a conflict, which keeps out nobody but the one who
/// came with it. Needs [`Ability::UniqueAddresses`].
pub async fn a_collision_on_a_vouched_address_is_a_conflict<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a collision on a vouched address is a conflict");
    Ability::UniqueAddresses.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let result = caller.provision(&owner()).await;
    let id = result.expect(rule, Outcome::Created)?;
    for address in [ADDRESS, "Ana@Example.COM"] {
        let claimant = stranger("ana").with_vouched_email(address).build();
        let refused = caller.provision(&claimant).await;
        refused.expect_refusal(rule, "conflict")?;
    }
    let again = caller.provision(&owner()).await;
    again.expect_known(rule, id)?;
    // Nothing of the refused was written.
    let without = caller.provision(&stranger("ana").build()).await;
    without.expect(rule, Outcome::Created)?;
    // Tenants do not share addresses.
    let elsewhere = stranger("bo")
        .with_tenant("acme")
        .with_vouched_email(ADDRESS);
    let elsewhere = caller.provision(&elsewhere.build()).await;
    elsewhere.expect(rule, Outcome::Created)?;
    Ok(())
}

/// Two issuers vouch for one new address at the same time: one identity becomes its user, the other
/// is a conflict. Needs [`Ability::UniqueAddresses`].
pub async fn two_issuers_vouching_at_once_make_one_user<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("two issuers vouching for one address at once make one user");
    Ability::UniqueAddresses.needed_by(harness)?;
    let callers = Caller::several(harness).await;
    for round in 0..8 {
        let (subject, address) = (format!("ana{round}"), format!("ana{round}@example.com"));
        let identities = [person(&subject), stranger(&subject)]
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

/// The address of a user who was there before is taken. Needs [`Harness::import_user`].
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
