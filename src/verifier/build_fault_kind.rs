//! The kinds of faults that a configuration can have.

/// The kind of a [`BuildFault`](super::BuildFault).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BuildFaultKind {
    /// Two settings exclude each other.
    Ambiguous,
    /// An issuer, or an alias, is configured twice.
    DuplicateIssuer,
    /// The leeway is over 10 minutes.
    ExcessiveLeeway,
    /// An HMAC algorithm is allowed with public keys: every party could sign (CVE-2022-29217).
    HmacWithPublicKeys,
    /// The issuer is an `http` URL that is not on loopback.
    InsecureIssuer,
    /// The keys would be fetched from a URL that is neither `https` nor on loopback.
    InsecureKeyUrl,
    /// The issuer, or an alias, is empty, over 512 bytes or has control characters.
    InvalidIssuer,
    /// The path of a claim is not a JSON pointer (RFC 6901).
    InvalidPointer,
    /// A tenant is over 64 bytes or has control characters, or a tenant to be named by a claim is
    /// empty.
    InvalidTenant,
    /// Linking by e-mail is on, and the claim map can never vouch for an address.
    LinkingWithoutVoucher,
    /// The claim used as subject can pass from one person to another.
    MutableSubject,
    /// The list of algorithms is empty.
    NoAlgorithms,
    /// No audience is configured, or an empty one.
    NoAudience,
    /// Neither feature `aws-lc-rs` nor `rust-crypto` is enabled.
    NoBackend,
    /// Keys have to be fetched, and feature `jwks` is not enabled.
    NoHttpClient,
    /// No issuer is configured.
    NoIssuers,
    /// The configured key, or key set, has no usable key.
    NoKeys,
    /// Tenants come from a claim, and the claim map names none.
    NoTenantClaim,
    /// The list of tenants is empty.
    NoTenants,
    /// The issuer is an Okta org authorization server; only Okta can verify its access tokens.
    OrgAuthorizationServer,
    /// A public-key algorithm is allowed, and the key is a shared secret.
    PublicKeysWithHmac,
    /// Services may sign up at an issuer that issues tokens to the public.
    PublicSignUp,
    /// An algorithm in `algorithms` is not supported.
    UnknownAlgorithm,
    /// `preset` is not the name of a preset.
    UnknownPreset,
    /// A setting has a value that it cannot have.
    UnknownValue,
    /// The shared secret is shorter than the algorithm's hash (RFC 7518 section 3.2).
    WeakSecret,
}

impl BuildFaultKind {
    /// Returns the stable label, such as `no_audience`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::DuplicateIssuer => "duplicate_issuer",
            Self::ExcessiveLeeway => "excessive_leeway",
            Self::HmacWithPublicKeys => "hmac_with_public_keys",
            Self::InsecureIssuer => "insecure_issuer",
            Self::InsecureKeyUrl => "insecure_key_url",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidPointer => "invalid_pointer",
            Self::InvalidTenant => "invalid_tenant",
            Self::LinkingWithoutVoucher => "linking_without_voucher",
            Self::MutableSubject => "mutable_subject",
            Self::NoAlgorithms => "no_algorithms",
            Self::NoAudience => "no_audience",
            Self::NoBackend => "no_backend",
            Self::NoHttpClient => "no_http_client",
            Self::NoIssuers => "no_issuers",
            Self::NoKeys => "no_keys",
            Self::NoTenantClaim => "no_tenant_claim",
            Self::NoTenants => "no_tenants",
            Self::OrgAuthorizationServer => "org_authorization_server",
            Self::PublicKeysWithHmac => "public_keys_with_hmac",
            Self::PublicSignUp => "public_sign_up",
            Self::UnknownAlgorithm => "unknown_algorithm",
            Self::UnknownPreset => "unknown_preset",
            Self::UnknownValue => "unknown_value",
            Self::WeakSecret => "weak_secret",
        }
    }
}
