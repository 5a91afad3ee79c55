//! Checks that the settings of an issuer fit together.

use super::{build_error::Faults, build_fault_kind::BuildFaultKind, trusted_issuer::TrustedIssuer};

/// Adds a fault for each combination of valid settings that is not valid as a whole.
pub(super) fn check(trusted: &TrustedIssuer, faults: &mut Faults) {
    let (name, claims, policy) = (trusted.name(), &trusted.claims, &trusted.policy);
    if let Some(claim) = claims.mutable_subject() {
        let detail = format!("`{claim}` can pass to another person, and cannot be the subject");
        faults.add(BuildFaultKind::MutableSubject, name, detail);
    }
    if policy.links_by_email() && !claims.vouches_for_email() {
        faults.add(
            BuildFaultKind::LinkingWithoutVoucher,
            name,
            "linking by e-mail is on, and the claim map can never vouch for an address",
        );
    }
    if trusted.tenancy.needs_claim() && !claims.names_tenants() {
        let detail = "tenants come from a claim, and the claim map names none";
        faults.add(BuildFaultKind::NoTenantClaim, name, detail);
    }
    for spelling in trusted.spellings() {
        if policy.opens_to_any_service() && claims.is_public(spelling) {
            let detail = format!(
                "anybody can get a token from `{spelling}`, and services may sign up: close \
                 sign-up, or allow public sign-up by name"
            );
            faults.add(BuildFaultKind::PublicSignUp, name, detail);
        }
        if !claims.is_checkable(spelling) {
            let detail =
                format!("only Okta can verify tokens of the org authorization server `{spelling}`");
            faults.add(BuildFaultKind::OrgAuthorizationServer, name, detail);
        }
    }
}
