//! Linking by verified address.

use super::{
    caller::{Caller, ISSUER, OTHER_ISSUER, concurrently, person},
    harness::{Ability, Harness},
    verdict::{Failure, Rule},
};
use crate::{
    policy::{IssuerPolicy, Linking},
    principal::PrincipalKind,
    provisioner::{decision::UserStatus, outcome::Outcome},
    testing::identity::TestIdentity,
};

const ADDRESS: &str = "ana@example.com";

/// Returns an identity of another issuer, with a policy that trusts addresses verified by this
/// source.
fn linking(subject: &str, source: &str) -> TestIdentity {
    let policy = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .with_trusted_email_sources([source])
        .allow_services();
    TestIdentity::new(OTHER_ISSUER, subject)
        .with_vouched_email(ADDRESS)
        .with_policy(policy)
}

fn by_issuer(subject: &str) -> TestIdentity {
    linking(subject, &format!("issuer:{ISSUER}"))
}

/// Creates the user with the address, and returns the ID.
async fn create_owner<H: Harness>(caller: &Caller<'_, H>, rule: Rule) -> Result<String, Failure> {
    let identity = person("ana").with_vouched_email(ADDRESS).build();
    let created = caller.provision(&identity).await;
    Ok(created.expect(rule, Outcome::Created)?.to_owned())
}

/// An identity is linked if a trusted source verified the user's address and the issuer vouches for
/// that of the token. Needs [`Ability::Linking`] and [`Ability::SeveralIdentities`].
pub async fn a_trusted_address_links<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an address that is verified on both sides links the identity");
    Ability::Linking.needed_by(harness)?;
    Ability::SeveralIdentities.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let owner = create_owner(&caller, rule).await?;
    let linked = caller.provision(&by_issuer("a").build()).await;
    rule.holds(linked.expect(rule, Outcome::Linked)? == owner, &linked)?;
    for identity in [
        by_issuer("a"),
        person("ana"),
        TestIdentity::new(OTHER_ISSUER, "a"),
    ] {
        let found = caller.provision(&identity.build()).await;
        found.expect_known(rule, &owner)?;
    }
    Ok(())
}

/// An identity is linked to an imported user. Needs [`Ability::Linking`] and
/// [`Harness::import_user`].
pub async fn an_imported_user_is_linked<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an imported user with a vouched address is linked");
    Ability::Linking.needed_by(harness)?;
    let imported = harness.import_user(ADDRESS).await?;
    let caller = Caller::new(harness).await;
    let linked = caller.provision(&linking("ana", "import").build()).await;
    rule.holds(linked.expect(rule, Outcome::Linked)? == imported, &linked)?;
    let found = caller.provision(&linking("ana", "import").build()).await;
    Ok(found.expect_known(rule, &imported)?)
}

/// Concurrent requests of one identity link it once. Needs [`Ability::Linking`] and
/// [`Ability::SeveralIdentities`].
pub async fn concurrent_links_are_one_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("concurrent requests of one identity link it once");
    Ability::Linking.needed_by(harness)?;
    Ability::SeveralIdentities.needed_by(harness)?;
    let callers = Caller::several(harness).await;
    let owner = create_owner(&callers[0], rule).await?;
    let mut linked = 0;
    for result in concurrently(&callers, &vec![by_issuer("a").build(); 32]).await {
        rule.holds(result.user(rule)? == owner, &result)?;
        linked += usize::from(result.outcome() == Some(Outcome::Linked));
    }
    Ok(rule.holds(linked == 1, format!("{linked} × linked"))?)
}

/// An address verified by a source that is not on the policy's list is a conflict. Needs
/// [`Ability::Linking`].
pub async fn an_untrusted_address_is_a_conflict<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an address verified by a source that the policy does not trust is a conflict");
    Ability::Linking.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    create_owner(&caller, rule).await?;
    for source in ["mailbox", "import", "issuer:", OTHER_ISSUER] {
        let refused = caller.provision(&linking("ana", source).build()).await;
        refused.expect_refusal(rule, "conflict")?;
    }
    Ok(())
}

/// A second subject of the same issuer is a conflict, because a provider may reassign an address.
/// Needs [`Ability::Linking`] and [`Ability::SeveralIdentities`].
pub async fn a_second_subject_of_one_issuer_is_not_linked<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("a user has at most one identity of an issuer");
    Ability::Linking.needed_by(harness)?;
    Ability::SeveralIdentities.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    create_owner(&caller, rule).await?;
    let linked = caller.provision(&by_issuer("a").build()).await;
    linked.expect(rule, Outcome::Linked)?;
    let second = caller.provision(&by_issuer("b").build()).await;
    second.expect_refusal(rule, "conflict")?;
    Ok(())
}

/// Linking does not reactivate a user. Needs [`Ability::Linking`] and [`Harness::set_status`].
pub async fn an_inactive_user_is_not_linked<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("only an active user is linked");
    Ability::Linking.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    create_owner(&caller, rule).await?;
    let key = person("ana").build().key();
    harness.set_status(key, UserStatus::Deactivated).await?;
    let refused = caller.provision(&by_issuer("ana").build()).await;
    refused.expect_refusal(rule, "conflict")?;
    let still = caller.provision(&person("ana").build()).await;
    still.expect_refusal(rule, "deactivated")?;
    Ok(())
}

/// An identity is not linked to a user of another tenant. Needs [`Ability::Linking`].
pub async fn another_tenants_user_is_not_linked<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("linking stays within a tenant");
    Ability::Linking.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let owner = create_owner(&caller, rule).await?;
    for tenant in ["acme", "umbrella"] {
        let created = caller
            .provision(&by_issuer("ana").with_tenant(tenant).build())
            .await;
        let another = created.expect(rule, Outcome::Created)? != owner;
        rule.holds(another, &created)?;
    }
    Ok(())
}

/// A service is not linked, because it does not own an address. Needs [`Ability::Linking`] and
/// [`Ability::Policy`].
pub async fn a_service_is_not_linked<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a service is not linked by address");
    Ability::Linking.needed_by(harness)?;
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let owner = create_owner(&caller, rule).await?;
    let service = by_issuer("robot").with_kind(PrincipalKind::Service);
    let created = caller.provision(&service.build()).await;
    let another = created.expect(rule, Outcome::Created)? != owner;
    Ok(rule.holds(another, &created)?)
}
