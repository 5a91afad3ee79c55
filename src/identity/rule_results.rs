//! The results of the issuer's rules.

/// The results of the issuer's rules for one token.
#[derive(Clone, Copy)]
pub(super) struct RuleResults {
    pub(super) passes_access_rules: bool,
    pub(super) passes_sign_up_rule: bool,
}
