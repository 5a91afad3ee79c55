//! The times at which a profile attribute is copied from a token.

/// When an attribute is copied from a token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProfileSync {
    /// At creation and from every newer token. A token without the attribute clears it.
    Always,
    /// At creation only.
    CreateOnly,
    /// Never, not even at creation.
    Never,
    /// At creation and from every newer token that has the attribute.
    #[default]
    WhenPresent,
}

impl ProfileSync {
    /// Returns the stable label: `always`, `create_only`, `never` or `when_present`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::CreateOnly => "create_only",
            Self::Never => "never",
            Self::WhenPresent => "when_present",
        }
    }

    /// Returns the value with this label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [
            Self::Always,
            Self::CreateOnly,
            Self::Never,
            Self::WhenPresent,
        ]
        .into_iter()
        .find(|sync| sync.as_str() == label)
    }
}
