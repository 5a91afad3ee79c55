//! The state of profile synchronisation.

use super::profile::Profile;
use crate::identity::Identity;

/// The last token whose profile was stored.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProfileState {
    /// Whether this identity owns the profile. One identity of each user does.
    pub is_owner: bool,
    /// The time at which the token was issued, in milliseconds since the Unix epoch.
    pub issued_at: Option<i64>,
    /// [`Profile::fingerprint`] of the token.
    pub fingerprint: Option<String>,
}

/// Returns whether the token's profile has to be stored: the identity owns the profile, the token
/// is newer than the last one stored, and its fingerprint differs. The profile of a token without
/// `iat` is never stored.
pub(crate) fn is_due(identity: &Identity, state: &ProfileState) -> bool {
    let is_newer = identity
        .issued_at()
        .is_some_and(|issued| state.issued_at.is_none_or(|stored| stored < issued));
    state.is_owner
        && is_newer
        && state.fingerprint.as_ref() != Some(&Profile::fingerprint(identity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Attribute, IssuerPolicy, ProfileSync},
        testing::TestIdentity,
    };

    const ISSUER: &str = "https://id.example.com";

    fn ana() -> TestIdentity {
        TestIdentity::new(ISSUER, "ana").with_issued_at(2_000)
    }

    #[test]
    fn only_a_newer_and_different_token_of_the_owner_is_due() {
        let token = || ana().with_full_name("Ana");
        let taken = |issued_at| ProfileState {
            is_owner: true,
            issued_at: Some(issued_at),
            fingerprint: Some(Profile::fingerprint(&token().build())),
        };
        let renamed = token().with_full_name("Bo").build();
        assert!(is_due(&renamed, &taken(1_999)));
        assert!(!is_due(&token().build(), &taken(1_999)), "unchanged");
        assert!(!is_due(&renamed, &taken(2_000)), "as old");
        assert!(!is_due(&renamed, &taken(2_001)), "older");
        let guest = ProfileState {
            is_owner: false,
            ..taken(1_999)
        };
        assert!(!is_due(&renamed, &guest), "another identity owns it");
        let undated = TestIdentity::new(ISSUER, "ana").with_full_name("Bo");
        assert!(!is_due(&undated.build(), &taken(1_999)), "not dated");
        let policy =
            IssuerPolicy::new().with_profile_sync(Attribute::FullName, ProfileSync::Always);
        assert!(
            is_due(&token().with_policy(policy).build(), &taken(1_999)),
            "another mapping"
        );
    }
}
