//! What a profile consists of, and when each part is taken from a token.

/// One thing a profile says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// The e-mail address, with whether and by whom it is verified.
    Email,
    /// The display name.
    FullName,
    /// The user name, for display.
    Username,
}

impl Attribute {
    /// Every attribute.
    pub const ALL: [Self; 3] = [Self::Email, Self::FullName, Self::Username];

    /// Returns the stable label: `email`, `full_name` or `username`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FullName => "full_name",
            Self::Username => "username",
        }
    }

    /// Finds the attribute of a label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|attribute| attribute.as_str() == label)
    }
}
