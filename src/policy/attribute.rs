//! The attributes of a profile.

/// An attribute of a profile.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// The e-mail address, whether it is verified, and by which source.
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

    /// Returns the attribute with this label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|attribute| attribute.as_str() == label)
    }
}
