//! The e-mail address claim, and the condition under which the issuer vouches for it.

use super::{
    pointer::Pointer,
    tree::{Object, Value},
};
use crate::email::Email;

/// An e-mail address claim, and the condition under which the issuer vouches for it.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(super) claim: Pointer,
    pub(super) voucher: Voucher,
}

/// The condition under which the issuer vouches for an e-mail address.
#[derive(Clone, Debug)]
pub(crate) enum Voucher {
    /// The operator declared the issuer authoritative for these domains, in lower case.
    Domains(Vec<Box<str>>),
    /// This claim of the same document is JSON `true`.
    Flag(Pointer),
    /// The issuer never vouches for it. The address is for display.
    Nothing,
}

impl Address {
    pub(super) fn flagged(claim: &str, verified: &str) -> Self {
        Self {
            claim: Pointer::new(claim),
            voucher: Voucher::Flag(Pointer::new(verified)),
        }
    }

    pub(super) fn unvouched(claim: &str) -> Self {
        Self {
            claim: Pointer::new(claim),
            voucher: Voucher::Nothing,
        }
    }

    pub(super) fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        let flag = match &self.voucher {
            Voucher::Domains(_) | Voucher::Nothing => None,
            Voucher::Flag(flag) => Some(flag),
        };
        std::iter::once(&self.claim).chain(flag)
    }

    /// Returns whether the issuer can vouch for an address in any token.
    pub(super) fn can_vouch(&self) -> bool {
        match &self.voucher {
            Voucher::Domains(domains) => !domains.is_empty(),
            Voucher::Flag(_) => true,
            Voucher::Nothing => false,
        }
    }

    /// Reads the address, and whether the issuer vouches for it, from the same document.
    pub(super) fn read(&self, claims: &Object<'_>) -> Option<(Email, bool)> {
        let email = Email::parse(self.claim.find(claims)?.as_str()?)?;
        let is_vouched = match &self.voucher {
            Voucher::Domains(domains) => domains
                .iter()
                .any(|domain| email.domain().eq_ignore_ascii_case(domain)),
            Voucher::Flag(flag) => flag.find(claims) == Some(&Value::Bool(true)),
            Voucher::Nothing => false,
        };
        Some((email, is_vouched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouched(address: &Address, json: &str) -> Option<bool> {
        let claims = Object::parse(json.as_bytes()).unwrap();
        address.read(&claims).map(|(_, is_vouched)| is_vouched)
    }

    #[test]
    fn only_json_true_vouches_for_an_address() {
        let address = Address::flagged("/email", "/email_verified");
        let flagged = |flag: &str| {
            let json = format!(r#"{{"email":"a@b.c","email_verified":{flag}}}"#);
            vouched(&address, &json)
        };
        assert_eq!(flagged("true"), Some(true));
        for flag in ["false", "\"true\"", "1", "null", "[true]", "{}"] {
            assert_eq!(flagged(flag), Some(false), "{flag}");
        }
        assert_eq!(vouched(&address, r#"{"email":"a@b.c"}"#), Some(false));
        assert_eq!(
            vouched(&address, r#"{"email":"a@b@c.d","email_verified":true}"#),
            None
        );
    }

    #[test]
    fn an_unvouched_claim_ignores_the_flag() {
        let address = Address::unvouched("/email");
        let json = r#"{"email":"a@b.c","email_verified":true}"#;
        assert_eq!(vouched(&address, json), Some(false));
        assert!(!address.can_vouch());
    }

    #[test]
    fn an_authoritative_domain_covers_no_other_domain() {
        let address = Address {
            claim: Pointer::new("/email"),
            voucher: Voucher::Domains(vec!["example.com".into()]),
        };
        for (email, is_vouched) in [
            ("ana@example.com", true),
            ("ana@EXAMPLE.com", true),
            ("ana@sub.example.com", false),
            ("ana@notexample.com", false),
        ] {
            let json = format!(r#"{{"email":"{email}","email_verified":true}}"#);
            assert_eq!(vouched(&address, &json), Some(is_vouched), "{email}");
        }
    }
}
