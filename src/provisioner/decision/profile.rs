//! What a token changes of its user's profile.
//!
//! Nothing an owner changed here is overwritten, nothing verified is replaced by something that is
//! not, and no older token undoes what a newer one changed. A token that changes nothing leaves no
//! mark, because that would be a write a token: one that is older than it and younger than the last
//! change may still change something, until the next one.

use super::linking::linking_address;
use crate::{
    digest::{digest, hex},
    email::Email,
    identity::Identity,
    policy::{Attribute, ProfileSync},
    provisioner::enricher::Enrichment,
};

/// The longest name kept, in bytes.
const MAX_TEXT: usize = 255;

/// What is known of a user: from a token, or in a store.
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The address as written, verified or not.
    pub email: Option<String>,
    /// [`Email::key`](crate::Email::key) of the address, only if it is verified.
    pub email_key: Option<String>,
    /// Who verified it: `mailbox`, `import`, `issuer:…`.
    pub email_verified_by: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The user name, for display.
    pub username: Option<String>,
}

impl Profile {
    /// What a new user of this identity starts with: everything the policy does not leave out.
    #[must_use]
    pub fn of_newcomer(identity: &Identity) -> Self {
        let mut profile = Self::stated(identity);
        for attribute in Attribute::ALL {
            if identity.policy().sync(attribute) == ProfileSync::Never {
                profile.clear(attribute);
            }
        }
        profile
    }

    /// Adds what an enricher found where the token says nothing and the policy takes it. Its address
    /// is nobody's proof.
    #[cfg_attr(
        not(feature = "sea-orm"),
        expect(dead_code, reason = "only a database asks")
    )]
    pub(crate) fn enriched(mut self, identity: &Identity, found: Enrichment) -> Self {
        let takes = |attribute| identity.policy().sync(attribute) != ProfileSync::Never;
        let plain = |text: Option<String>| {
            text.filter(|text| text.len() <= MAX_TEXT && !text.chars().any(char::is_control))
        };
        if self.email.is_none() && takes(Attribute::Email) {
            let address = found.email.as_deref().and_then(Email::parse);
            self.email = address.map(|email| email.as_str().to_owned());
        }
        if self.full_name.is_none() && takes(Attribute::FullName) {
            self.full_name = plain(found.full_name);
        }
        if self.username.is_none() && takes(Attribute::Username) {
            self.username = plain(found.username);
        }
        self
    }

    /// What the token states. An address is verified only if its issuer vouches for it and a person
    /// owns it.
    fn stated(identity: &Identity) -> Self {
        let vouched = linking_address(identity);
        Self {
            email: identity.email().map(|email| email.as_str().to_owned()),
            email_key: vouched.map(|email| email.key(identity.tenant())),
            email_verified_by: vouched.map(|_| format!("issuer:{}", identity.issuer())),
            full_name: identity.full_name().map(str::to_owned),
            username: identity.username().map(str::to_owned),
        }
    }

    /// A digest of everything a profile takes from a token, and of the policy that decides what: equal
    /// means that there is nothing to write. 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint(identity: &Identity) -> String {
        let profile = Self::stated(identity);
        let present = |text: &Option<String>| match text {
            None => String::from("-"),
            Some(text) => format!("+{text}"),
        };
        let sync = |attribute| identity.policy().sync(attribute).as_str();
        hex(&digest([
            sync(Attribute::Email),
            sync(Attribute::FullName),
            sync(Attribute::Username),
            &present(&profile.email),
            &present(&profile.email_key),
            &present(&profile.full_name),
            &present(&profile.username),
        ]))
    }

    /// Forgets an attribute.
    pub fn clear(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Email => {
                self.email = None;
                self.email_key = None;
                self.email_verified_by = None;
            }
            Attribute::FullName => self.full_name = None,
            Attribute::Username => self.username = None,
        }
    }

    fn has(&self, attribute: Attribute) -> bool {
        match attribute {
            Attribute::Email => self.email.is_some(),
            Attribute::FullName => self.full_name.is_some(),
            Attribute::Username => self.username.is_some(),
        }
    }

    fn take(&mut self, attribute: Attribute, from: &Self) {
        match attribute {
            // The same mailbox in another spelling was proved already, and by whom stays.
            Attribute::Email if from.email_key.is_some() && from.email_key == self.email_key => {
                self.email.clone_from(&from.email);
            }
            Attribute::Email => {
                self.email.clone_from(&from.email);
                self.email_key.clone_from(&from.email_key);
                self.email_verified_by.clone_from(&from.email_verified_by);
            }
            Attribute::FullName => self.full_name.clone_from(&from.full_name),
            Attribute::Username => self.username.clone_from(&from.username),
        }
    }

    /// The profile after a token of the identity that owns it. `local` is what the user edited
    /// here.
    #[must_use]
    pub fn after(&self, identity: &Identity, local: &[Attribute]) -> Self {
        let stated = Self::stated(identity);
        let mut after = self.clone();
        for attribute in Attribute::ALL {
            let is_taken = match identity.policy().sync(attribute) {
                ProfileSync::Always => true,
                ProfileSync::CreateOnly | ProfileSync::Never => false,
                ProfileSync::WhenPresent => stated.has(attribute),
            };
            let is_kept = local.contains(&attribute)
                || attribute == Attribute::Email && self.keeps_address_from(&stated);
            if is_taken && !is_kept {
                after.take(attribute, &stated);
            }
        }
        after
    }

    /// An address that its owner proved here stays, and so does any verified one against one that
    /// nobody vouches for.
    fn keeps_address_from(&self, stated: &Self) -> bool {
        if self.email_key.is_none() {
            return false;
        }
        self.email_verified_by.as_deref() == Some("mailbox")
            || stated.email.is_some() && stated.email_key.is_none()
    }
}

/// Hides everything: it is personal data.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::IssuerPolicy, testing::TestIdentity};

    const ISSUER: &str = "https://id.example.com";

    fn ana() -> TestIdentity {
        TestIdentity::new(ISSUER, "ana").with_issued_at(2_000)
    }

    fn stored() -> Profile {
        let known = ana()
            .with_vouched_email("ana@example.com")
            .with_full_name("Ana")
            .with_username("ana");
        Profile::of_newcomer(&known.build())
    }

    fn verified_by(source: &str) -> Profile {
        Profile {
            email_verified_by: Some(source.to_owned()),
            ..stored()
        }
    }

    #[test]
    fn a_newcomer_starts_with_what_the_policy_does_not_leave_out() {
        let policy = IssuerPolicy::new().with_profile_sync(Attribute::Email, ProfileSync::Never);
        let identity = ana()
            .with_vouched_email("ana@example.com")
            .with_full_name("Ana")
            .with_policy(policy)
            .build();
        let profile = Profile::of_newcomer(&identity);
        assert_eq!((profile.email, profile.email_key), (None, None));
        assert_eq!(profile.full_name.as_deref(), Some("Ana"));
    }

    #[test]
    fn each_way_of_synchronising_does_what_it_says() {
        let renamed = |sync| {
            let policy = IssuerPolicy::new().with_profile_sync(Attribute::FullName, sync);
            let token = ana().with_full_name("Bo").with_policy(policy.clone());
            let silent = ana().with_policy(policy);
            let name = |token: TestIdentity| stored().after(&token.build(), &[]).full_name;
            (name(token), name(silent))
        };
        let (old, new) = (|| Some("Ana".to_owned()), || Some("Bo".to_owned()));
        assert_eq!(renamed(ProfileSync::WhenPresent), (new(), old()));
        assert_eq!(renamed(ProfileSync::Always), (new(), None));
        assert_eq!(renamed(ProfileSync::CreateOnly), (old(), old()));
        assert_eq!(renamed(ProfileSync::Never), (old(), old()));
    }

    #[test]
    fn what_the_user_edited_here_is_his() {
        let token = ana().with_full_name("Bo").with_username("bo").build();
        let after = stored().after(&token, &[Attribute::FullName]);
        assert_eq!(after.full_name.as_deref(), Some("Ana"));
        assert_eq!(after.username.as_deref(), Some("bo"));
    }

    #[test]
    fn a_vouched_address_replaces_the_issuers_and_brings_its_proof() {
        let token = ana().with_vouched_email("bo@example.com").build();
        for before in [stored(), verified_by("import")] {
            let after = before.after(&token, &[]);
            assert_eq!(after.email.as_deref(), Some("bo@example.com"));
            assert_ne!(after.email_key, before.email_key);
            assert_eq!(
                after.email_verified_by.as_deref(),
                Some("issuer:https://id.example.com")
            );
        }
    }

    #[test]
    fn another_spelling_of_the_same_address_keeps_who_verified_it() {
        let token = ana().with_vouched_email("ANA@example.com").build();
        let after = verified_by("import").after(&token, &[]);
        assert_eq!(after.email.as_deref(), Some("ANA@example.com"));
        assert_eq!(after.email_verified_by.as_deref(), Some("import"));
    }

    #[test]
    fn an_address_proved_here_stays() {
        let before = verified_by("mailbox");
        let token = ana().with_vouched_email("bo@example.com").build();
        assert_eq!(before.after(&token, &[]).email, before.email);
        let policy = IssuerPolicy::new().with_profile_sync(Attribute::Email, ProfileSync::Always);
        let silent = ana().with_policy(policy).build();
        assert_eq!(before.after(&silent, &[]).email, before.email);
    }

    #[test]
    fn an_unvouched_address_replaces_no_verified_one() {
        let token = ana().with_email("bo@example.com").build();
        assert!(stored().after(&token, &[]) == stored());
        let unverified = Profile {
            email_key: None,
            email_verified_by: None,
            ..stored()
        };
        let after = unverified.after(&token, &[]);
        assert_eq!(after.email.as_deref(), Some("bo@example.com"));
        assert_eq!((after.email_key, after.email_verified_by), (None, None));
    }
}
