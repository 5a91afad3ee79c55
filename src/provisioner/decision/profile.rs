//! The changes that a token makes to the profile of its user.
//!
//! A token never overwrites an attribute that the user edited locally, never replaces a verified
//! address by an unverified one, and never reverts a change by a newer token.
//!
//! A token that changes nothing is not recorded, because that would cost one write for each token.
//! A token issued between the last change and such a token can therefore still change the profile,
//! until the next newer token.

use super::linking::linking_address;
use crate::{
    digest::{digest, hex},
    email::Email,
    identity::Identity,
    policy::{Attribute, ProfileSync},
    provisioner::enricher::Enrichment,
};

/// The maximum length of a name, in bytes.
const MAX_TEXT: usize = 255;

/// The attributes of a user, from a token or from the store.
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The address as written, verified or not.
    pub email: Option<String>,
    /// [`Email::key`](crate::Email::key) of the address. `None` means that it is not verified.
    pub email_key: Option<String>,
    /// The source that verified the address: `mailbox`, `import`, `issuer:…`.
    pub email_verified_by: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The user name, for display.
    pub username: Option<String>,
}

impl Profile {
    /// Returns the profile of a new user: every attribute of the token, except those that the
    /// policy never synchronises.
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

    /// Adds the attributes from an enricher that the profile lacks and the policy synchronises. The
    /// address stays unverified.
    #[cfg_attr(
        not(feature = "sea-orm"),
        expect(dead_code, reason = "used by database stores only")
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

    /// Returns the attributes of the token. The address is verified only if the issuer vouches for
    /// it and the principal is a person.
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

    /// Returns a digest of the token's attributes and of the policy's synchronisation settings, as
    /// 64 lower-case hexadecimal digits. Equal fingerprints mean that there is nothing to write.
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

    /// Removes an attribute.
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
            // The same address in another spelling keeps the source that verified it.
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

    /// Returns the profile after a token of the identity that owns it. `local` lists the attributes
    /// that the user edited locally.
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

    /// Returns whether the stored address stays: it was verified through the mailbox, or it is
    /// verified and that of the token is not.
    fn keeps_address_from(&self, stated: &Self) -> bool {
        if self.email_key.is_none() {
            return false;
        }
        self.email_verified_by.as_deref() == Some("mailbox")
            || stated.email.is_some() && stated.email_key.is_none()
    }
}

/// Hides every field, because all of them are personal data.
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
    fn a_new_user_gets_the_attributes_that_the_policy_synchronises() {
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
    fn each_synchronisation_setting_changes_the_profile_as_documented() {
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
    fn an_attribute_that_the_user_edited_stays() {
        let token = ana().with_full_name("Bo").with_username("bo").build();
        let after = stored().after(&token, &[Attribute::FullName]);
        assert_eq!(after.full_name.as_deref(), Some("Ana"));
        assert_eq!(after.username.as_deref(), Some("bo"));
    }

    #[test]
    fn a_vouched_address_replaces_that_of_the_issuer_and_its_source() {
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
    fn another_spelling_of_the_same_address_keeps_its_source() {
        let token = ana().with_vouched_email("ANA@example.com").build();
        let after = verified_by("import").after(&token, &[]);
        assert_eq!(after.email.as_deref(), Some("ANA@example.com"));
        assert_eq!(after.email_verified_by.as_deref(), Some("import"));
    }

    #[test]
    fn an_address_verified_through_the_mailbox_stays() {
        let before = verified_by("mailbox");
        let token = ana().with_vouched_email("bo@example.com").build();
        assert_eq!(before.after(&token, &[]).email, before.email);
        let policy = IssuerPolicy::new().with_profile_sync(Attribute::Email, ProfileSync::Always);
        let silent = ana().with_policy(policy).build();
        assert_eq!(before.after(&silent, &[]).email, before.email);
    }

    #[test]
    fn an_unvouched_address_does_not_replace_a_verified_one() {
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
