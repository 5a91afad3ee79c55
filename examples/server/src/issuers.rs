//! The trusted issuers: the configured ones and the server's own, at startup and after SIGHUP.

use std::error::Error;

use tokio::signal::unix::Signal;
use tower_jit_provisioning::{JwtVerifier, VerifierConfig};

use crate::{
    config::{Config, ConfigError, DEVELOPMENT, LOCAL, Sources},
    development::DevelopmentIssuer,
    local_issuer::LocalIssuer,
    store::Users,
};

/// The server's own issuers. They do not change on a reload.
#[derive(Clone)]
pub struct OwnIssuers {
    pub local: LocalIssuer,
    pub development: Option<DevelopmentIssuer>,
}

impl OwnIssuers {
    pub fn with_configured(&self, config: &Config) -> Result<VerifierConfig, ConfigError> {
        let development = self.development.as_ref();
        let development = development.map(|issuer| (DEVELOPMENT, issuer.table()));
        let own = development.into_iter().chain([(LOCAL, self.local.table())]);
        config.verifier(own)
    }
}

/// State that a reload reads and replaces.
pub struct Reload {
    pub sources: Sources,
    pub running: Config,
    pub own: OwnIssuers,
    pub verifier: JwtVerifier,
    pub users: Users,
}

impl Reload {
    /// Reloads the configuration on every SIGHUP. Requests in progress finish under the old one.
    pub async fn with_every(self, mut hangup: Signal) {
        while hangup.recv().await.is_some() {
            match self.run().await {
                Ok(()) => tracing::info!("the issuers and their policies were read again"),
                Err(error) => tracing::error!(%error, "the old configuration stays in force"),
            }
        }
    }

    async fn run(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let sources = self.sources.clone();
        let config = tokio::task::spawn_blocking(move || Config::read(&sources)).await??;
        if config.is_development != self.running.is_development {
            return Err("a development issuer comes and goes with the process only".into());
        }
        let trusted = self.own.with_configured(&config)?;
        let candidate = JwtVerifier::from_config(trusted.clone())?;
        // As at startup: a configuration under which known users would be created again is
        // rejected.
        self.users.provisioner().check_issuers(&candidate).await?;
        self.verifier.reload_config(trusted)?;
        for key in self.running.unreloaded(&config) {
            tracing::warn!(key, "changed, and counts from the next start");
        }
        Ok(())
    }
}
