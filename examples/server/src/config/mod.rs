//! Settings from a file, the environment and the command line, under the same names.
//!
//! Every fault is reported, not only the first. `server.example.toml` documents every key. The
//! tables under `issuers` are the library's own [`VerifierConfig`].

mod issuers;
mod keys;
mod sources;

use std::{env, error::Error, fmt, net::SocketAddr, time::Duration};

use serde_json::{Map, Value};
use tower_jit_provisioning::{JwtVerifier, VerifierConfig};

use self::{issuers::IssuerSetting, keys::Keys};
pub use self::{
    issuers::{DEVELOPMENT, LOCAL},
    sources::Sources,
};

/// Every key with its meaning.
pub const KEYS: [(&str, &str); 20] = [
    ("audience", "the audience of the tokens of `issuer_url`"),
    ("audit_days", "how many days events are kept [for ever]"),
    (
        "database_url",
        "`sqlite:`, `postgres:` or `mysql:` URL [a SQLite file in the temp folder]",
    ),
    (
        "denials_per_minute",
        "how many denials a minute are written to the audit log [60]",
    ),
    (
        "dev_issuer",
        "`on` starts the development issuer off loopback, or with a `database_url`",
    ),
    (
        "head_seconds",
        "how many seconds a client may take for a request's head, or stay idle [30]",
    ),
    (
        "issuer_url",
        "one identity provider, in short: exactly its `iss`",
    ),
    (
        "issuers",
        "identity providers by name: tables with the library's keys",
    ),
    (
        "jwks_file",
        "public keys of `issuer_url`, a JWK set [fetched]",
    ),
    (
        "linking",
        "`verified_email` or `never`, for `issuer_url` [verified_email]",
    ),
    ("listen", "address and port [127.0.0.1:8000]"),
    (
        "local_secret",
        "signs the tokens of password users: 32 bytes, the same on every replica [random]",
    ),
    ("metrics", "`on` serves `/metrics` for Prometheus [off]"),
    (
        "otlp_endpoint",
        "where traces go: OTLP, a plain `http:` URL [off]",
    ),
    (
        "password_sign_up",
        "`off` disables sign-up with a password; existing users may still log in [on]",
    ),
    (
        "roles_claim",
        "where the roles of `issuer_url` are, a JSON pointer [/roles]",
    ),
    (
        "stale_seconds",
        "how many seconds known users are served while the database is down [0]",
    ),
    (
        "token_cache_bytes",
        "size of the cache of verified tokens, in bytes [64 MiB]",
    ),
    ("user_cache_capacity", "how many users are cached [100000]"),
    (
        "user_cache_seconds",
        "how many seconds a user is cached [30]",
    ),
];

/// Keys that are reloaded on SIGHUP. The others need a restart.
const RELOADED: [&str; 6] = [
    "audience",
    "issuer_url",
    "issuers",
    "jwks_file",
    "linking",
    "roles_claim",
];

/// One day. With 0 no request could be sent, and the upper bound keeps the deadline from
/// overflowing.
const MAX_HEAD_SECONDS: u64 = 24 * 60 * 60;

pub struct Config {
    pub listen: SocketAddr,
    pub database_url: String,
    pub head_timeout: Duration,
    pub local_secret: Option<String>,
    pub password_sign_up: bool,
    /// Whether the development issuer is used because no issuer is configured.
    pub is_development: bool,
    pub user_cache: Duration,
    pub user_cache_capacity: usize,
    pub stale_for: Duration,
    pub denials_per_minute: u32,
    pub audit_days: Option<u32>,
    pub metrics: bool,
    pub otlp_endpoint: Option<String>,
    token_cache_bytes: Option<u64>,
    /// Issuer tables of the verifier's configuration.
    issuers: Map<String, Value>,
    settings: Map<String, Value>,
}

#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unusable configuration")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl Error for ConfigError {}

impl Config {
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let settings = sources.read().map_err(|fault| ConfigError(vec![fault]))?;
        let mut keys = Keys::new(settings.clone());
        let listen = keys
            .text("listen")
            .unwrap_or_else(|| "127.0.0.1:8000".to_owned());
        let address: Option<SocketAddr> = listen.parse().ok();
        if address.is_none() {
            keys.fault(format!("listen: `{listen}` is no address and port"));
        }
        let has_database = settings.contains_key("database_url");
        let database_url = database_url(&mut keys);
        let local_secret = keys.text("local_secret");
        if local_secret
            .as_ref()
            .is_some_and(|secret| secret.len() < 32)
        {
            keys.fault("local_secret: shorter than 32 bytes".to_owned());
        }
        let wants_development = keys.switch("dev_issuer", false);
        let issuers = issuers::read(&mut keys);
        let is_playground = address.is_none_or(|listen| listen.ip().is_loopback()) && !has_database;
        match &issuers {
            IssuerSetting::External(_) if wants_development => keys.fault(
                "dev_issuer and an issuer are both set; the development issuer issues a token to any \
                 client"
                    .to_owned(),
            ),
            IssuerSetting::Unset(_) if !wants_development && !is_playground => keys.fault(
                "no issuer: set issuer_url and audience, or issuers; or dev_issuer=on, which issues \
                 a token to any client"
                    .to_owned(),
            ),
            IssuerSetting::External(_) | IssuerSetting::Unset(_) => {}
        }
        let (is_development, issuers) = match issuers {
            IssuerSetting::External(tables) => (false, tables),
            IssuerSetting::Unset(tables) => (true, tables),
        };
        let config = Self {
            listen: address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            database_url,
            head_timeout: Duration::from_secs(keys.number("head_seconds").unwrap_or(30)),
            local_secret,
            password_sign_up: keys.switch("password_sign_up", true),
            is_development,
            user_cache: Duration::from_secs(keys.number("user_cache_seconds").unwrap_or(30)),
            user_cache_capacity: keys.number("user_cache_capacity").unwrap_or(100_000),
            stale_for: Duration::from_secs(keys.number("stale_seconds").unwrap_or(0)),
            denials_per_minute: keys.number("denials_per_minute").unwrap_or(60),
            audit_days: keys.number("audit_days"),
            metrics: keys.switch("metrics", false),
            otlp_endpoint: keys.text("otlp_endpoint"),
            token_cache_bytes: keys.number("token_cache_bytes"),
            issuers,
            settings,
        };
        if config.audit_days == Some(0) {
            keys.fault("audit_days: nothing would be kept".to_owned());
        }
        if !(1..=MAX_HEAD_SECONDS).contains(&config.head_timeout.as_secs()) {
            keys.fault(format!("head_seconds: not 1 to {MAX_HEAD_SECONDS}"));
        }
        let is_url = |url: &String| url.starts_with("http://");
        if config
            .otlp_endpoint
            .as_ref()
            .is_some_and(|url| !is_url(url))
        {
            keys.fault("otlp_endpoint: no `http:` URL".to_owned());
        }
        config.check_issuers(&mut keys);
        match keys.end() {
            faults if faults.is_empty() => Ok(config),
            faults => Err(ConfigError(faults)),
        }
    }

    /// Builds the verifier's configuration to report its faults.
    fn check_issuers(&self, keys: &mut Keys) {
        if self.is_development || self.issuers.is_empty() {
            return;
        }
        let tables = issuers::parse(&self.issuers, keys);
        if let Some(Err(error)) = tables.map(JwtVerifier::from_config) {
            for fault in error.faults() {
                keys.fault(format!("issuers: {fault}"));
            }
        }
    }

    /// Returns the verifier's configuration: the configured issuers and the server's own.
    pub fn verifier(
        &self,
        own: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<VerifierConfig, ConfigError> {
        let mut tables = self.issuers.clone();
        for (name, table) in own {
            let Value::Object(table) = table else {
                continue;
            };
            // The development issuer's table already has the policy of the short form.
            let entry = tables
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(entry) = entry {
                entry.extend(table);
            }
        }
        let mut config = Map::new();
        config.insert("issuers".to_owned(), Value::Object(tables));
        if let Some(bytes) = self.token_cache_bytes {
            config.insert("cache_capacity".to_owned(), bytes.into());
        }
        serde_json::from_value(Value::Object(config))
            .map_err(|error| ConfigError(vec![error.to_string()]))
    }

    /// Returns the changed keys that need a restart.
    pub fn unreloaded(&self, newer: &Self) -> Vec<&'static str> {
        let names = KEYS.iter().map(|(name, _)| *name);
        names
            .filter(|name| !RELOADED.contains(name))
            .filter(|name| self.settings.get(*name) != newer.settings.get(*name))
            .collect()
    }

    /// Reads the database URL, the only setting that `grant-admin` needs.
    pub fn read_database_url(sources: &Sources) -> Result<String, ConfigError> {
        let settings = sources.read().map_err(|fault| ConfigError(vec![fault]))?;
        let mut keys = Keys::new(settings);
        let url = database_url(&mut keys);
        match keys.into_faults() {
            faults if faults.is_empty() => Ok(url),
            faults => Err(ConfigError(faults)),
        }
    }
}

fn database_url(keys: &mut Keys) -> String {
    let Some(url) = keys.text("database_url") else {
        let file = env::temp_dir().join("tower-jit-provisioning-server.sqlite");
        return format!("sqlite://{}?mode=rwc", file.display());
    };
    let schemes = ["sqlite:", "postgres:", "postgresql:", "mysql:"];
    if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
        keys.fault("database_url: not a `sqlite:`, `postgres:` or `mysql:` URL".to_owned());
    }
    url
}
