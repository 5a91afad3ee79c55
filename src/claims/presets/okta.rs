//! Okta, custom authorization servers.

use crate::claims::{map::ClaimMap, pointer::Pointer, subject::Subject};

impl ClaimMap {
    /// Maps the access tokens of Okta's custom authorization servers: `uid`, `cid`, `groups`.
    ///
    /// Their `sub` is the person's login, which an administrator may change and give to the next
    /// one: it is refused as a subject. A token of the client credentials grant has no `uid`, and
    /// its `sub` is its `cid`: that client is the subject, and a service. `groups` is there only if
    /// the server has such a claim, so a token without it says nothing about roles; e-mail needs a
    /// claim too, and [`with_email`](Self::with_email).
    ///
    /// The issuer must have `/oauth2/` in it. Tokens of the org authorization server
    /// (`https://acme.okta.com`) are for Okta alone. ID tokens have no `uid`; for them
    /// [`oidc`](Self::oidc) is right, as their `sub` is the `uid`.
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
