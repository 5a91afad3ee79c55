//! Microsoft Entra ID, both token versions.

use crate::{
    claims::{
        address::Address, condition::Condition, map::ClaimMap, pointer::Pointer, subject::Subject,
    },
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Entra ID's version 1 tokens, issued as `https://sts.windows.net/<tenant>/`.
    ///
    /// Like [`entra_v2`](Self::entra_v2), with `unique_name` as the user name.
    pub fn entra_v1() -> Self {
        entra(&["/unique_name", "/upn", "/preferred_username"])
    }

    /// Maps Entra ID's version 2 tokens, issued as
    /// `https://login.microsoftonline.com/<tenant>/v2.0`.
    ///
    /// The subject is `<tid>/<oid>`, because `oid` is unique within one directory only. Both claims
    /// need the `profile` scope. The manifest of the API determines the token version. Trust both
    /// versions, which have the same subject:
    ///
    /// ```
    /// use tower_jit_provisioning::{ClaimMap, KeySource, TrustedIssuer};
    ///
    /// let directory = "11111111-2222-3333-4444-555555555555";
    /// let issuer = TrustedIssuer::new(
    ///     format!("https://login.microsoftonline.com/{directory}/v2.0"),
    ///     ["5c1f0000-0000-0000-0000-000000000001", "api://orders"],
    ///     KeySource::jwks("{}"),
    /// )
    /// .add_alias(format!("https://sts.windows.net/{directory}/"))
    /// .with_claims(ClaimMap::entra_v2());
    /// # let _ = issuer;
    /// ```
    ///
    /// **E-mail.** The administrator of any directory can enter any value for `email`, so it is not
    /// vouched for (nOAuth). An application that configures the optional claim `xms_edov` adds
    /// `with_email("/email", "/xms_edov")`.
    ///
    /// **Roles** are the app roles. Entra ID omits `roles` for users without roles, so an absent
    /// claim counts as empty. [`add_roles`](Self::add_roles)`("/groups")` reads groups as well. If
    /// a token then has too many groups (`_claim_names`, `hasgroups`), all of its roles are
    /// truncated, including app roles, because the set is incomplete. Without groups, overage has
    /// no effect.
    ///
    /// **Services** are tokens with `idtyp` `app`, or without `scp`. A token without `azp` and
    /// `appid` is an ID token.
    pub fn entra_v2() -> Self {
        entra(&["/preferred_username", "/unique_name"])
    }
}

fn entra(username: &[&str]) -> ClaimMap {
    let groups = Pointer::new("/groups");
    let is_id_token = Condition::All(vec![
        Condition::not(Condition::has("/azp")),
        Condition::not(Condition::has("/appid")),
    ]);
    let mut map = ClaimMap::oidc()
        .add_roles("/roles")
        .with_absent_roles_as_empty();
    map.subject = Subject::joined(&["/tid", "/oid"]);
    map.email = Some(Address::unvouched("/email"));
    map.username = username.iter().copied().map(Pointer::new).collect();
    map.roles.overage = vec![(groups, Condition::has("/hasgroups"))];
    map.client_id = vec![Pointer::new("/azp"), Pointer::new("/appid")];
    map.tenant = Some(Pointer::new("/tid"));
    map.kinds = vec![
        (Condition::is("/idtyp", &["app"]), PrincipalKind::Service),
        // ID tokens have no scopes either, but belong to people.
        (is_id_token.clone(), PrincipalKind::Human),
        (
            Condition::not(Condition::has("/scp")),
            PrincipalKind::Service,
        ),
    ];
    map.id_token = Some(is_id_token);
    map
}
