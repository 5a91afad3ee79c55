//! The names of the presets in configuration files.

use crate::claims::map::ClaimMap;

/// The presets without arguments, by their names in configuration files.
const NAMES: [&str; 19] = [
    "auth0",
    "authentik",
    "clerk",
    "cognito",
    "dex",
    "entra_v1",
    "entra_v2",
    "firebase",
    "github_actions",
    "gitlab",
    "gitlab_ci",
    "google",
    "hydra",
    "keycloak",
    "kubernetes",
    "oidc",
    "okta",
    "supabase",
    "zitadel",
];

impl ClaimMap {
    /// Returns the preset with this name, for configuration files.
    ///
    /// The names are those of the functions, and are stable. `None` means an unknown name.
    ///
    /// ```
    /// use tower_jit_provisioning::ClaimMap;
    ///
    /// assert!(ClaimMap::named("keycloak").is_some());
    /// assert!(ClaimMap::named("Keycloak").is_none());
    /// assert!(ClaimMap::names().all(|name| ClaimMap::named(name).is_some()));
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auth0" => Self::auth0(),
            "authentik" => Self::authentik(),
            "clerk" => Self::clerk(),
            "cognito" => Self::cognito(),
            "dex" => Self::dex(),
            "entra_v1" => Self::entra_v1(),
            "entra_v2" => Self::entra_v2(),
            "firebase" => Self::firebase(),
            "github_actions" => Self::github_actions(),
            "gitlab" => Self::gitlab(),
            "gitlab_ci" => Self::gitlab_ci(),
            "google" => Self::google(),
            "hydra" => Self::hydra(),
            "keycloak" => Self::keycloak(),
            "kubernetes" => Self::kubernetes(),
            "oidc" => Self::oidc(),
            "okta" => Self::okta(),
            "supabase" => Self::supabase(),
            "zitadel" => Self::zitadel(),
            _ => return None,
        })
    }

    /// Returns the names of the presets, in alphabetical order.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        NAMES.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        let names: Vec<_> = ClaimMap::names().collect();
        assert!(names.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn every_preset_has_valid_paths_and_an_immutable_subject() {
        let presets = ClaimMap::names().filter_map(ClaimMap::named).chain([
            ClaimMap::auth0_with_namespace("https://ex.org/~a"),
            ClaimMap::zitadel_with_project("1/2"),
        ]);
        for map in presets {
            assert_eq!(map.faults().count(), 0, "{map:?}");
            assert_eq!(map.mutable_subject(), None, "{map:?}");
        }
    }
}
