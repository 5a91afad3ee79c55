//! The steps of a provisioning decision.
//!
//! The verdict comes from the same functions that provisioning calls. The steps only describe their
//! input.

use super::step::{Step, StepResult};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    policy::SignUp,
    principal::{PrincipalKind, RoleClaim},
    provisioner::{
        decision::{
            RoleGrant, SignUpCounts, Standing, UserStatus, admission,
            linking::{Candidate, linking_address},
            newcomer::{Newcomer, decide},
            roles,
            sign_up::within_limits,
        },
        outcome::Outcome,
    },
};

/// The state of an identity in a store.
pub(crate) enum Facts {
    /// The identity belongs to a user.
    Known {
        /// `None` means that the identity was recorded with an unknown kind.
        snapshot: Option<Standing>,
        grants: Vec<RoleGrant>,
        /// `None` if the store keeps no grants; otherwise the `iat` of the token that they came
        /// from.
        stored_at: Option<Option<i64>>,
        /// Whether the token's profile would change the stored one.
        changes_profile: bool,
    },
    /// The identity belongs to no user.
    Unknown {
        candidate: Option<Candidate>,
        /// `None` if the policy sets no limits.
        sign_up_counts: Option<SignUpCounts>,
    },
}

impl Facts {
    pub(crate) fn explain(
        self,
        identity: &Identity,
    ) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        match self {
            Self::Known {
                snapshot,
                grants,
                stored_at,
                changes_profile,
            } => known(identity, snapshot, &grants, stored_at, changes_profile),
            Self::Unknown {
                candidate,
                sign_up_counts,
            } => newcomer(identity, candidate.as_ref(), sign_up_counts),
        }
    }
}

/// Returns a step for the principal and one for each access rule.
pub(crate) fn rules(identity: &Identity) -> Vec<Step> {
    let mut steps = vec![Step::note(
        "principal",
        format!(
            "{} {:?} of {:?}, tenant {:?}, key {}",
            identity.kind().as_str(),
            identity.subject(),
            identity.issuer(),
            identity.tenant(),
            identity.key(),
        ),
    )];
    let rules = identity.policy().access_rules();
    if rules.is_empty() {
        let detail = "the policy has none";
        steps.push(Step::new("access rule", StepResult::Skipped, detail));
    }
    steps.extend(
        rules
            .iter()
            .map(|rule| Step::check("access rule", rule.holds(identity), format!("{rule:?}"))),
    );
    steps
}

fn known(
    identity: &Identity,
    snapshot: Option<Standing>,
    grants: &[RoleGrant],
    stored_at: Option<Option<i64>>,
    changes_profile: bool,
) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
    let mut steps = vec![Step::note("look-up", "a user has this identity")];
    let Some(user) = snapshot else {
        let detail = "the identity was recorded with an unknown kind";
        steps.push(Step::check("kind", false, detail));
        return (steps, Err(DenialReason::KindMismatch.into()));
    };
    let status = user.status();
    let is_active = status == UserStatus::Active;
    steps.push(Step::check("status", is_active, status.as_str()));
    let kinds = format!(
        "recorded as {}, the token is {}'s",
        user.kind().as_str(),
        identity.kind().as_str()
    );
    steps.push(Step::check("kind", user.kind() == identity.kind(), kinds));
    let is_revoked = admission::is_revoked(identity, user.tokens_valid_after());
    let detail = match (user.tokens_valid_after(), identity.issued_at()) {
        (None, _) => "no tokens were revoked".to_owned(),
        (Some(after), None) => {
            format!("tokens issued until {after} ms are revoked, and this one has no issue time")
        }
        (Some(after), Some(issued)) => {
            format!(
                "tokens issued until {after} ms are revoked, this one was issued at {issued} ms"
            )
        }
    };
    steps.push(Step::check("revocation", !is_revoked, detail));
    steps.push(role_step(identity, grants));
    let are_roles_due = stored_at.is_some_and(|at| roles::are_due(identity, grants, at));
    let detail = match (are_roles_due, changes_profile) {
        (false, false) => "the token changes nothing",
        (false, true) => "the profile would be updated",
        (true, false) => "the issuer's grants would be replaced by the token's roles",
        (true, true) => "grants and profile would be updated",
    };
    steps.push(Step::note("synchronisation", detail));
    let verdict = admission::admit(identity, user)
        .and_then(|()| roles::suffice(identity, grants))
        .map(|()| match are_roles_due || changes_profile {
            true => Outcome::Updated,
            false => Outcome::Found,
        });
    (steps, verdict)
}

fn role_step(identity: &Identity, grants: &[RoleGrant]) -> Step {
    let counted = roles::counted(identity, grants).join(", ");
    let stated = match identity.roles() {
        RoleClaim::Absent => "the token states none, so only grants by an operator count",
        RoleClaim::Present(_) => "grants by an operator and the roles of the token",
        RoleClaim::Truncated => "the issuer truncated the token's list, so the stored roles count",
    };
    let suffices = roles::suffice(identity, grants).is_ok();
    Step::check("roles", suffices, format!("[{counted}]: {stated}"))
}

fn newcomer(
    identity: &Identity,
    candidate: Option<&Candidate>,
    sign_up_counts: Option<SignUpCounts>,
) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
    let mut steps = vec![Step::note("look-up", "no user has this identity")];
    steps.push(match (linking_address(identity), identity.email()) {
        (Some(_), _) => Step::note("address", "the issuer vouches for the address"),
        (None, Some(_)) => {
            let detail =
                "the issuer does not vouch for the address: it neither links nor blocks a user";
            Step::note("address", detail)
        }
        (None, None) => Step::note("address", "the token has none"),
    });
    let decision = decide(identity, candidate);
    match candidate {
        Some(candidate) => steps.extend(linking(identity, candidate)),
        None => steps.extend(sign_up(identity)),
    }
    let creates = matches!(decision, Ok(Newcomer::Create(_)));
    let limited = match sign_up_counts.filter(|_| creates) {
        None => Ok(()),
        Some(sign_up_counts) => {
            let limited = within_limits(identity, sign_up_counts);
            let policy = identity.policy();
            let counts = [
                (policy.max_users(), sign_up_counts.all, "in all"),
                (
                    policy.max_sign_ups_per_minute(),
                    sign_up_counts.last_minute,
                    "in the last minute",
                ),
            ];
            let counts = counts.into_iter().filter_map(|(max, count, when)| {
                Some(format!("{count} of {} identities {when}", max?))
            });
            let detail = counts.collect::<Vec<_>>().join(", ");
            steps.push(Step::check("limits", limited.is_ok(), detail));
            limited
        }
    };
    let verdict = decision.and_then(|decision| match decision {
        Newcomer::Link => Ok(Outcome::Linked),
        Newcomer::Create(status) => {
            limited?;
            match status {
                UserStatus::Pending => {
                    let detail = "a user would be created, and refused until approved";
                    steps.push(Step::check("approval", false, detail));
                    Err(DenialReason::PendingApproval.into())
                }
                _ => Ok(Outcome::Created),
            }
        }
    });
    (steps, verdict)
}

/// Returns a step for each condition of linking, also when an operator pre-linked the user.
fn linking(identity: &Identity, candidate: &Candidate) -> Vec<Step> {
    let policy = identity.policy();
    let mut steps = vec![Step::note(
        "holder",
        "a user has the vouched address, or is pre-linked to it",
    )];
    let is_trusted = policy.trusts_source(&candidate.verified_by);
    let proof = match candidate.is_pre_linked {
        true => Step::check(
            "linking",
            true,
            "an operator pre-linked this user to the address",
        ),
        false => Step::check(
            "linking",
            policy.links_by_email() && is_trusted,
            format!(
                "linking by e-mail is {}; the user's address was verified by {:?}, which is {}",
                match policy.links_by_email() {
                    true => "on",
                    false => "off",
                },
                candidate.verified_by,
                match is_trusted {
                    true => "trusted",
                    false => "not trusted",
                },
            ),
        ),
    };
    steps.push(proof);
    let is_active = candidate.status == UserStatus::Active;
    steps.push(Step::check(
        "holder status",
        is_active,
        candidate.status.as_str(),
    ));
    steps.push(Step::check(
        "holder kind",
        candidate.is_human,
        "only people are linked",
    ));
    steps.push(Step::check(
        "holder identity",
        !candidate.has_identity_of_issuer,
        "a user has one identity of an issuer",
    ));
    let is_revoked = admission::is_revoked(identity, candidate.tokens_valid_after);
    steps.push(Step::check(
        "revocation",
        !is_revoked,
        "revoked tokens are not linked",
    ));
    steps.push(role_step(identity, &candidate.grants));
    steps
}

fn sign_up(identity: &Identity) -> Vec<Step> {
    let policy = identity.policy();
    let detail = format!("{:?}", policy.sign_up());
    let is_open = !matches!(policy.sign_up(), SignUp::Closed) && identity.passes_sign_up_rule();
    let mut steps = vec![Step::check("sign-up", is_open, detail)];
    let (may_sign_up, kind) = match identity.kind() {
        PrincipalKind::Anonymous => (policy.takes_anonymous_users(), "anonymous users"),
        PrincipalKind::Human => (true, "people"),
        PrincipalKind::Service => (policy.takes_services(), "services"),
    };
    let detail = match may_sign_up {
        true => format!("{kind} may sign up"),
        false => format!("{kind} may not sign up"),
    };
    steps.push(Step::check("kind", may_sign_up, detail));
    steps.push(role_step(identity, &[]));
    steps
}
