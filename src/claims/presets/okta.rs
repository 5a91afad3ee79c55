//! Okta's custom authorization servers.

use crate::claims::{map::ClaimMap, pointer::Pointer, subject::Subject};

impl ClaimMap {
    /// Maps the access tokens of Okta's custom authorization servers: `uid`, `cid`, `groups`.
    ///
    /// `sub` is the person's login, which an administrator can change and assign to another person,
    /// so it is refused as the subject. A token of the client credentials grant has no `uid`, and
    /// its `sub` equals `cid`: the client is the subject and a service. `groups` is present only if
    /// the server defines such a claim; otherwise roles are absent. E-mail also needs a claim, and
    /// [`with_email`](Self::with_email).
    ///
    /// The issuer must contain `/oauth2/`, because only Okta can check tokens of the org
    /// authorization server (`https://acme.okta.com`). ID tokens have no `uid`: use
    /// [`oidc`](Self::oidc) for them, because their `sub` is the `uid`.
    pub fn okta() -> Self {
        let mut map = Self::oidc().without_email().add_roles("/groups");
        map.subject = Subject::UserOrClient {
            user: Pointer::new("/uid"),
            client: Pointer::new("/cid"),
        };
        map.mutable = Some(Pointer::new("/sub"));
        map.client_id = vec![Pointer::new("/cid")];
        map.issuer_part = Some("/oauth2/");
        map
    }
}
