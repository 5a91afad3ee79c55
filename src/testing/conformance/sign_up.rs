//! Sign-up according to the issuer's policy.

use super::{
    caller::{Caller, person},
    harness::{Ability, Harness},
    verdict::{Failure, Rule},
};
use crate::{
    policy::{IssuerPolicy, SignUp},
    principal::PrincipalKind,
    provisioner::outcome::Outcome,
    testing::identity::TestIdentity,
};

fn closed(identity: TestIdentity) -> TestIdentity {
    identity.with_policy(IssuerPolicy::new().with_sign_up(SignUp::Closed))
}

fn newcomers() -> [TestIdentity; 3] {
    [
        person("ana"),
        person("bo").with_email("bo@example.com"),
        person("cy").with_vouched_email("cy@example.com"),
    ]
}

/// Closed sign-up refuses new users without a write. Needs [`Ability::Policy`].
pub async fn closed_sign_up_writes_nothing<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("closed sign-up refuses new users and writes nothing");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    for newcomer in newcomers() {
        for _ in 0..2 {
            let refused = caller.provision(&closed(newcomer.clone()).build()).await;
            refused.expect_refusal(rule, "sign_up_closed")?;
        }
        // If a refused request had written anything, this request would not create the user.
        let opened = caller.provision(&newcomer.build()).await;
        opened.expect(rule, Outcome::Created)?;
    }
    Ok(())
}

/// Closed sign-up leaves no row. Needs [`Ability::Policy`] and [`Harness::users`].
pub async fn closed_sign_up_leaves_no_row<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("closed sign-up leaves no row");
    Ability::Policy.needed_by(harness)?;
    let before = harness.users().await?;
    let caller = Caller::new(harness).await;
    for newcomer in newcomers() {
        caller.provision(&closed(newcomer).build()).await;
    }
    let after = harness.users().await?;
    Ok(rule.holds(after == before, format!("{before} users, then {after}"))?)
}

/// Closed sign-up does not affect known users. Needs [`Ability::Policy`].
pub async fn a_known_user_is_found_though_sign_up_is_closed<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("closed sign-up does not refuse known users");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let created = caller.provision(&person("ana").build()).await;
    let id = created.expect(rule, Outcome::Created)?;
    let found = caller.provision(&closed(person("ana")).build()).await;
    Ok(found.expect_known(rule, id)?)
}

/// A service has to be registered in advance, unless the policy allows services to sign up. Needs
/// [`Ability::Policy`].
pub async fn services_sign_up_where_allowed_by_name<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("services do not sign up unless they are allowed by name");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let service = person("robot").with_kind(PrincipalKind::Service);
    let refused = caller.provision(&service.clone().build()).await;
    refused.expect_refusal(rule, "sign_up_closed")?;
    let allowed = service.with_policy(IssuerPolicy::new().allow_services());
    let created = caller.provision(&allowed.build()).await;
    created.expect(rule, Outcome::Created)?;
    Ok(())
}

/// An anonymous user cannot sign up. Needs [`Ability::Policy`].
pub async fn anonymous_visitors_do_not_sign_up<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("anonymous users do not sign up");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    for policy in [IssuerPolicy::new(), IssuerPolicy::new().allow_services()] {
        let visitor = person("visitor").with_kind(PrincipalKind::Anonymous);
        let refused = caller.provision(&visitor.with_policy(policy).build()).await;
        refused.expect_refusal(rule, "sign_up_closed")?;
    }
    Ok(())
}

/// A client cannot impersonate a person, nor a person a client (RFC 9700 section 4.15). Needs
/// [`Ability::Policy`].
pub async fn a_changed_kind_is_refused<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("an identity keeps its kind");
    Ability::Policy.needed_by(harness)?;
    let caller = Caller::new(harness).await;
    let kinds = [PrincipalKind::Human, PrincipalKind::Service];
    for kind in kinds {
        let subject = person(kind.as_str()).with_policy(IssuerPolicy::new().allow_services());
        let created = caller
            .provision(&subject.clone().with_kind(kind).build())
            .await;
        created.expect(rule, Outcome::Created)?;
        let others = [PrincipalKind::Anonymous]
            .into_iter()
            .chain(kinds)
            .filter(|it| *it != kind);
        for other in others {
            let changed = caller
                .provision(&subject.clone().with_kind(other).build())
                .await;
            changed.expect_refusal(rule, "kind_mismatch")?;
        }
    }
    Ok(())
}
