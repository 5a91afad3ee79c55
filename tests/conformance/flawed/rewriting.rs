//! Flaws in the use of an identity: the parts of its key, and the trusted claims.

use tower_jit_provisioning::{
    Identity, IssuerPolicy, Linking, PrincipalKind, RoleClaim, testing::TestIdentity,
};

use super::{Flaw, IMPORT};

/// Returns the same identity under another key.
pub(super) fn keyed(
    identity: &Identity,
    tenant: &str,
    issuer: &str,
    subject: &str,
) -> TestIdentity {
    let mut copy = TestIdentity::new(issuer, subject)
        .with_tenant(tenant)
        .with_kind(identity.kind())
        .with_policy(policy(identity));
    match (identity.email(), identity.vouched_email()) {
        (None, _) => {}
        (Some(email), None) => copy = copy.with_email(email.as_str()),
        (Some(_), Some(email)) => copy = copy.with_vouched_email(email.as_str()),
    }
    if let Some(name) = identity.full_name() {
        copy = copy.with_full_name(name);
    }
    if let Some(name) = identity.username() {
        copy = copy.with_username(name);
    }
    if let RoleClaim::Present(roles) = identity.roles() {
        copy = copy.with_roles(roles);
    }
    match identity.issued_at() {
        None => copy,
        Some(instant) => copy.with_issued_at(instant),
    }
}

/// A policy has no accessors, so this searches its `Debug` output.
fn says(identity: &Identity, word: &str) -> bool {
    format!("{:?}", identity.policy()).contains(word)
}

pub(super) fn links(identity: &Identity) -> bool {
    says(identity, "VerifiedEmail")
}

pub(super) fn is_closed(identity: &Identity) -> bool {
    says(identity, "Closed")
}

pub(super) fn is_limited(identity: &Identity) -> bool {
    says(identity, "Some(2)")
}

/// Returns the same identity, of an issuer without a policy.
pub(super) fn unruled(identity: &Identity) -> Identity {
    let (tenant, issuer) = (identity.tenant(), identity.issuer());
    keyed(identity, tenant, issuer, identity.subject())
        .with_policy(IssuerPolicy::new())
        .build()
}

/// A policy that trusts imports trusts the issuer that represents them.
fn policy(identity: &Identity) -> IssuerPolicy {
    let policy = IssuerPolicy::clone(identity.policy());
    match links(identity) && says(identity, "\"import\"") {
        true => policy.with_trusted_email_sources([format!("issuer:{IMPORT}")]),
        false => policy,
    }
}

pub(super) fn rewritten(flaw: Flaw, identity: &Identity, kind: PrincipalKind) -> Identity {
    let (tenant, issuer) = (identity.tenant(), identity.issuer());
    let subject = identity.subject();
    let email = identity.email().map(|email| email.as_str());
    let same = keyed(identity, tenant, issuer, subject);
    let under = |subject: &str| keyed(identity, tenant, issuer, subject);
    let rewritten = match flaw {
        Flaw::AdmitsAnybodysKind => same.with_kind(kind),
        Flaw::AdmitsTheClosedOut if is_closed(identity) => same.with_policy(IssuerPolicy::new()),
        Flaw::AdmitsPending if says(identity, "PendingApproval") => {
            same.with_policy(IssuerPolicy::new())
        }
        Flaw::CutsSubjects => under(&subject.chars().take(191).collect::<String>()),
        Flaw::FoldsAccents => under(&subject.replace('\u{301}', "").replace('\u{e9}', "e")),
        Flaw::FoldsCase => keyed(
            identity,
            &tenant.to_lowercase(),
            &issuer.to_lowercase(),
            &subject.to_lowercase(),
        ),
        Flaw::FoldsNumbers => match subject.parse::<f64>() {
            Ok(number) => under(&number.to_string()),
            Err(_) => same,
        },
        Flaw::ForgetsAddresses => same.with_email(email.unwrap_or_default()),
        Flaw::JoinsKeys => keyed(identity, "", "", &format!("{tenant}:{issuer}:{subject}")),
        Flaw::KeysByEmail => match email {
            Some(email) => keyed(identity, "", "", email),
            None => same,
        },
        Flaw::KeysBySubject => keyed(identity, tenant, "", subject),
        Flaw::KeysByUsername => under(identity.username().unwrap_or(subject)),
        Flaw::KeysWithoutTenant => keyed(identity, "", issuer, subject),
        Flaw::LetsAnonymousIn if identity.kind() == PrincipalKind::Anonymous => {
            same.with_kind(PrincipalKind::Human)
        }
        Flaw::LetsServicesIn => same.with_policy(policy(identity).allow_services()),
        Flaw::LinksAcrossTenants if links(identity) => keyed(identity, "", issuer, subject),
        Flaw::LinksAnySource if links(identity) => {
            let any = ["https://id.example.com", IMPORT].map(|issuer| format!("issuer:{issuer}"));
            same.with_policy(policy(identity).with_trusted_email_sources(any))
        }
        Flaw::LinksNobody => same.with_policy(policy(identity).with_linking(Linking::Never)),
        Flaw::LinksServices if links(identity) => same.with_kind(PrincipalKind::Human),
        Flaw::LinksUnverified => match email.filter(|_| links(identity)) {
            Some(email) => same.with_vouched_email(email),
            None => same,
        },
        Flaw::ReplacesEmoji => {
            let three_bytes = |it: char| if it.len_utf8() > 3 { '?' } else { it };
            under(&subject.chars().map(three_bytes).collect::<String>())
        }
        Flaw::RevokesNothing => same.with_issued_at(i64::MAX),
        Flaw::TrimsSpaces => keyed(identity, tenant.trim(), issuer.trim(), subject.trim()),
        _ => same,
    };
    rewritten.build()
}
