//! The names of scopes or roles that a layer requires.

use std::sync::Arc;

/// The scopes or roles that a layer requires: one, all or any of several.
///
/// A string converts into one name. An empty list refuses every request.
///
/// ```
/// use tower_jit_provisioning::{RequireLayer, access::Names};
///
/// let read = RequireLayer::scope("orders:read");
/// let both = RequireLayer::scope(Names::all_of(["orders:read", "orders:write"]));
/// let either = RequireLayer::scope(Names::any_of(["orders:write", "orders:admin"]));
/// # let _ = (read, both, either);
/// ```
#[derive(Clone, Debug)]
pub struct Names {
    names: Box<[Box<str>]>,
    mode: Mode,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    All,
    Any,
}

impl Names {
    /// Requires every one of these.
    #[must_use]
    pub fn all_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(names, Mode::All)
    }

    /// Requires at least one of these.
    #[must_use]
    pub fn any_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(names, Mode::Any)
    }

    fn new<N: Into<String>>(names: impl IntoIterator<Item = N>, mode: Mode) -> Self {
        let names = names.into_iter().map(|name| name.into().into_boxed_str());
        Self {
            names: names.collect(),
            mode,
        }
    }

    pub(super) fn are_held(&self, holds: impl Fn(&str) -> bool) -> bool {
        let mut names = self.names.iter().map(AsRef::as_ref);
        match self.mode {
            // An empty list is a mistake of the application, so it refuses every request.
            Mode::All => !self.names.is_empty() && names.all(holds),
            Mode::Any => names.any(holds),
        }
    }

    /// Returns the names for the challenge, separated by spaces: all of them, or the first if any
    /// one is enough.
    pub(super) fn wanted(&self) -> Arc<str> {
        let names = match self.mode {
            Mode::All => &*self.names,
            Mode::Any => self.names.get(..1).unwrap_or_default(),
        };
        names.join(" ").into()
    }
}

impl From<&str> for Names {
    fn from(name: &str) -> Self {
        Self::all_of([name])
    }
}

impl From<String> for Names {
    fn from(name: String) -> Self {
        Self::all_of([name])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_any_and_one() {
        let held = |name: &str| matches!(name, "a" | "b");
        for (names, are_held, wanted) in [
            (Names::from("a"), true, "a"),
            (Names::from("c"), false, "c"),
            (Names::all_of(["a", "b"]), true, "a b"),
            (Names::all_of(["a", "c"]), false, "a c"),
            (Names::any_of(["c", "a"]), true, "c"),
            (Names::any_of(["c", "d"]), false, "c"),
        ] {
            assert_eq!(names.are_held(held), are_held, "{names:?}");
            assert_eq!(&*names.wanted(), wanted, "{names:?}");
        }
    }

    #[test]
    fn no_request_meets_an_empty_list() {
        for names in [Names::all_of::<&str>([]), Names::any_of::<&str>([])] {
            assert!(!names.are_held(|_| true), "{names:?}");
            assert_eq!(&*names.wanted(), "");
        }
    }
}
