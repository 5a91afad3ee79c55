//! Lengths and characters that the tables' columns hold.

use super::error::DirectoryError;

/// Maximum bytes of `users.status_source` and `user_events.actor`.
pub(super) const MAX_ACTOR: usize = 128;

/// Maximum bytes of `users.status_reason` and `user_events.detail`.
pub(super) const MAX_DETAIL: usize = 255;

/// Maximum bytes of a name, as the verifier caps it.
pub(super) const MAX_NAME: usize = 1024;

const MAX_ISSUER: usize = 512;
const MAX_ROLE: usize = 128;
const MAX_SUBJECT: usize = 255;
pub(super) const MAX_TENANT: usize = 64;

/// Removes control characters from an operator's text, and cuts it to `max` bytes.
pub(super) fn cut(text: &str, max: usize) -> String {
    let mut kept: String = text.chars().filter(|it| !it.is_control()).collect();
    kept.truncate(kept.floor_char_boundary(max));
    kept
}

/// Returns an operator's reason; `None` if it is blank.
pub(super) fn reason(text: &str) -> Option<String> {
    Some(cut(text.trim(), MAX_DETAIL)).filter(|kept| !kept.is_empty())
}

pub(super) fn is_text(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control)
}

pub(super) fn is_issuer(issuer: &str) -> bool {
    is_text(issuer, MAX_ISSUER)
}

pub(super) fn is_subject(subject: &str) -> bool {
    is_text(subject, MAX_SUBJECT)
}

/// Rejects white space at either end, which MySQL and MariaDB ignore in comparisons.
pub(super) fn is_role(role: &str) -> bool {
    is_text(role, MAX_ROLE) && role.trim() == role
}

/// Rejects a role's name that no row can have.
pub(super) fn check_role(role: &str) -> Result<(), DirectoryError> {
    match is_role(role) {
        true => Ok(()),
        false => Err(DirectoryError::invalid(
            "a role has 1 to 128 bytes, no control characters and no space at its ends",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_loses_control_characters() {
        assert_eq!(cut("a\0b\r\nc", 255), "abc");
        assert_eq!(cut(&"\u{e9}".repeat(200), 255).len(), 254);
        assert_eq!(reason("  "), None);
        assert_eq!(reason(" left "), Some("left".to_owned()));
    }

    #[test]
    fn roles_that_a_database_could_confuse_are_rejected() {
        for role in ["", "admin ", " admin", "ad\nmin", &"r".repeat(129)] {
            assert!(!is_role(role), "{role:?}");
        }
        assert!(is_role("orders admin"));
    }
}
