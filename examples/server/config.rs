//! Settings from the environment. Every fault is reported, not only the first.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `LISTEN` | address and port | `127.0.0.1:8000` |
//! | `DATABASE_URL` | `sqlite:`, `postgres:` or `mysql:` URL | a SQLite file in the temp folder |
//! | `ISSUER_URL` | the identity provider, exactly its `iss` | the development issuer |
//! | `AUDIENCE` | what its tokens must be meant for | |
//! | `JWKS_FILE` | its public keys, a JWK set | fetched, as its metadata says |
//! | `ROLES_CLAIM` | where its roles are, a JSON pointer | `/roles` |
//! | `LINKING` | `verified_email` or `never` | `verified_email` |
//! | `USER_CACHE_SECONDS` | how long a user is remembered before the database is asked again | `30` |
//! | `LOCAL_SECRET` | signs the tokens of password users; 32 bytes or more, the same on every replica | random |
//! | `DEV_ISSUER` | `on` starts the development issuer off loopback, or on a database of one's own | |

use std::{env, error::Error, fmt, fs, net::SocketAddr, time::Duration};

use tower_jit_provisioning::Linking;

pub struct Config {
    pub listen: SocketAddr,
    pub database_url: String,
    /// `None`: the development issuer.
    pub issuer: Option<ExternalIssuer>,
    pub roles_claim: String,
    pub linking: Linking,
    pub user_cache: Duration,
    pub local_secret: Option<String>,
}

pub struct ExternalIssuer {
    pub url: String,
    pub audience: String,
    /// `None`: fetched.
    pub jwks: Option<String>,
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
    pub fn from_environment() -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let listen = variable("LISTEN").unwrap_or_else(|| "127.0.0.1:8000".to_owned());
        let listen: Option<SocketAddr> = listen
            .parse()
            .map_err(|_| faults.push(format!("LISTEN: `{listen}` is no address and port")))
            .ok();
        let linking = match variable("LINKING").as_deref() {
            None | Some("verified_email") => Linking::VerifiedEmail,
            Some("never") => Linking::Never,
            Some(other) => {
                faults.push(format!(
                    "LINKING: `{other}` is not `verified_email` or `never`"
                ));
                Linking::Never
            }
        };
        let database_url = database_url().map_err(|error| faults.extend(error.0)).ok();
        let issuer = external_issuer(&mut faults);
        let local_secret = variable("LOCAL_SECRET");
        if local_secret
            .as_ref()
            .is_some_and(|secret| secret.len() < 32)
        {
            faults.push("LOCAL_SECRET: shorter than 32 bytes".to_owned());
        }
        let roles_claim = variable("ROLES_CLAIM").unwrap_or_else(|| "/roles".to_owned());
        if !roles_claim.starts_with('/') {
            faults.push(format!("ROLES_CLAIM: `{roles_claim}` is no JSON pointer"));
        }

        let user_cache = variable("USER_CACHE_SECONDS").unwrap_or_else(|| "30".to_owned());
        let user_cache = user_cache.parse().unwrap_or_else(|_| {
            faults.push(format!("USER_CACHE_SECONDS: `{user_cache}` is no number"));
            0
        });

        let wants_development = match variable("DEV_ISSUER").as_deref() {
            None => false,
            Some("on") => true,
            Some(other) => {
                faults.push(format!("DEV_ISSUER: `{other}` is not `on`"));
                false
            }
        };
        let is_playground = listen.is_none_or(|listen| listen.ip().is_loopback())
            && variable("DATABASE_URL").is_none();
        match &issuer {
            IssuerSetting::External(_) if wants_development => faults.push(
                "DEV_ISSUER and ISSUER_URL are both set; the development issuer signs for anybody"
                    .to_owned(),
            ),
            IssuerSetting::Unset if !wants_development && !is_playground => faults.push(
                "no issuer: set ISSUER_URL and AUDIENCE; or DEV_ISSUER=on, which gives \
                 a token to anybody who asks"
                    .to_owned(),
            ),
            IssuerSetting::External(_) | IssuerSetting::Faulty | IssuerSetting::Unset => {}
        }
        match (listen, database_url) {
            (Some(listen), Some(database_url)) if faults.is_empty() => Ok(Self {
                listen,
                database_url,
                issuer: match issuer {
                    IssuerSetting::External(issuer) => Some(issuer),
                    IssuerSetting::Faulty | IssuerSetting::Unset => None,
                },
                roles_claim,
                linking,
                user_cache: Duration::from_secs(user_cache),
                local_secret,
            }),
            _ => Err(ConfigError(faults)),
        }
    }
}

/// The store, which `grant-admin` needs as well.
pub fn database_url() -> Result<String, ConfigError> {
    match variable("DATABASE_URL") {
        None => {
            let file = env::temp_dir().join("tower-jit-provisioning-server.sqlite");
            Ok(format!("sqlite://{}?mode=rwc", file.display()))
        }
        Some(url)
            if ["sqlite:", "postgres:", "postgresql:", "mysql:"]
                .iter()
                .any(|scheme| url.starts_with(scheme)) =>
        {
            Ok(url)
        }
        Some(_) => Err(ConfigError(vec![
            "DATABASE_URL: not a `sqlite:`, `postgres:` or `mysql:` URL".to_owned(),
        ])),
    }
}

enum IssuerSetting {
    External(ExternalIssuer),
    Faulty,
    Unset,
}

fn external_issuer(faults: &mut Vec<String>) -> IssuerSetting {
    let (url, audience, file) = (
        variable("ISSUER_URL"),
        variable("AUDIENCE"),
        variable("JWKS_FILE"),
    );
    if url.is_none() && audience.is_none() && file.is_none() {
        return IssuerSetting::Unset;
    }
    for (name, value) in [("ISSUER_URL", &url), ("AUDIENCE", &audience)] {
        if value.is_none() {
            faults.push(format!("{name}: not set, and an external issuer needs it"));
        }
    }
    let jwks = file.map(|file| {
        fs::read_to_string(&file)
            .map_err(|error| faults.push(format!("JWKS_FILE: cannot read `{file}`: {error}")))
    });
    match (url, audience, jwks.transpose()) {
        (Some(url), Some(audience), Ok(jwks)) => IssuerSetting::External(ExternalIssuer {
            url,
            audience,
            jwks,
        }),
        _ => IssuerSetting::Faulty,
    }
}

/// An empty variable counts as unset, as in compose files.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
