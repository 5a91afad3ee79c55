//! The policy of an issuer in a configuration.

use super::{
    issuer_config::IssuerConfig,
    values::{number, switch},
};
use crate::{
    policy::{Attribute, IssuerPolicy, Linking, ProfileSync, Rule, SignUp},
    verifier::{build_error::Faults, build_fault_kind::BuildFaultKind},
};

impl IssuerConfig {
    pub(super) fn policy(&self, name: &str, faults: &mut Faults) -> IssuerPolicy {
        let mut policy = IssuerPolicy::new()
            .with_sign_up(self.sign_up(name, faults))
            .with_linking(self.linking(name, faults));
        if let Some(roles) = self.access_roles.clone() {
            let roles = roles.into_vec().into_iter().map(Rule::role);
            policy = policy.add_access_rule(Rule::any(roles));
        }
        if let Some(sources) = self.trusted_email_sources.clone() {
            policy = policy.with_trusted_email_sources(sources.into_vec());
        }
        if switch(name, "allow_services", self.allow_services.as_ref(), faults) {
            policy = policy.allow_services();
        }
        let public = self.allow_public_sign_up.as_ref();
        if switch(name, "allow_public_sign_up", public, faults) {
            policy = policy.allow_public_sign_up();
        }
        let anonymous = self.allow_anonymous_users.as_ref();
        if switch(name, "allow_anonymous_users", anonymous, faults) {
            policy = policy.allow_anonymous_users();
        }
        if switch(name, "require_role", self.require_role.as_ref(), faults) {
            policy = policy.require_role();
        }
        let max_users = self.max_users.as_ref();
        if let Some(users) = max_users.and_then(|max| number(name, "max_users", max, faults)) {
            policy = policy.with_max_users(users);
        }
        let key = "max_sign_ups_per_minute";
        let per_minute = self.max_sign_ups_per_minute.as_ref();
        if let Some(users) = per_minute.and_then(|max| number(name, key, max, faults)) {
            policy = policy.with_max_sign_ups_per_minute(users);
        }
        for (attribute, sync) in &self.sync {
            match Attribute::parse(attribute).zip(ProfileSync::parse(sync)) {
                Some((attribute, sync)) => policy = policy.with_profile_sync(attribute, sync),
                None => {
                    let detail = format!(
                        "`sync`: `{attribute} = {sync}` does not map an attribute (`email`, `full_name`, \
                         `username`) to `always`, `create_only`, `never` or `when_present`"
                    );
                    faults.add(BuildFaultKind::UnknownValue, name, detail);
                }
            }
        }
        let roles = self.roles.iter();
        roles.fold(policy, |policy, (theirs, ours)| {
            policy.map_role(theirs, ours)
        })
    }

    fn sign_up(&self, name: &str, faults: &mut Faults) -> SignUp {
        match (self.sign_up.as_deref(), self.sign_up_email_domains.clone()) {
            (None, None) => SignUp::default(),
            (None, Some(domains)) => SignUp::When(Rule::email_domain(domains.into_vec())),
            (Some("closed"), None) => SignUp::Closed,
            (Some("open"), None) => SignUp::Open,
            (Some("pending_approval"), None) => SignUp::PendingApproval,
            (Some(other), None) => {
                let detail =
                    format!("`sign_up`: `{other}` is not `open`, `closed` or `pending_approval`");
                faults.add(BuildFaultKind::UnknownValue, name, detail);
                SignUp::Closed
            }
            (Some(_), Some(_)) => {
                let detail = "`sign_up` and `sign_up_email_domains` exclude each other".to_owned();
                faults.add(BuildFaultKind::UnknownValue, name, detail);
                SignUp::Closed
            }
        }
    }

    fn linking(&self, name: &str, faults: &mut Faults) -> Linking {
        match self.linking.as_deref() {
            None | Some("never") => Linking::Never,
            Some("verified_email") => Linking::VerifiedEmail,
            Some(other) => {
                let detail = format!("`linking`: `{other}` is not `never` or `verified_email`");
                faults.add(BuildFaultKind::UnknownValue, name, detail);
                Linking::Never
            }
        }
    }
}
