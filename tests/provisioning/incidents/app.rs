//! An application with a verifier and users, and the results of its tokens.

use std::error::Error as _;

use sea_orm::{ActiveModelTrait, Database, EntityTrait, IntoActiveModel};
use tower_jit_provisioning::{
    Email, Identity, IssuerPolicy, JwtVerifier, Linking, MemoryProvisioner, MemoryUser, Outcome,
    Provisioner, TokenFault, TrustedIssuer,
    sea_orm::{SeaOrmProvisioner, User, entity::users, migration},
    testing::{TestIssuer, TokenBuilder},
};
use uuid::Uuid;

pub(crate) const AUDIENCE: &str = "orders-api";

pub(crate) const ADDRESS: &str = "ana@example.com";

pub(crate) struct App<P> {
    pub(crate) verifier: JwtVerifier,
    pub(crate) users: P,
}

/// The user that a token was provisioned as.
#[derive(Debug, PartialEq)]
pub(crate) struct Entered {
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
    pub(crate) roles: Vec<String>,
}

/// A user of either provisioner.
pub(crate) trait Account {
    fn id(&self) -> String;
    fn roles(&self) -> Vec<String>;
}

impl Account for MemoryUser {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn roles(&self) -> Vec<String> {
        self.roles.clone()
    }
}

impl Account for User {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn roles(&self) -> Vec<String> {
        self.roles.clone()
    }
}

pub(crate) fn issuer() -> TestIssuer {
    TestIssuer::new("https://id.example.com")
}

/// Returns the configuration of an issuer that is trusted to link by verified addresses.
pub(crate) fn linking(issuer: &TestIssuer) -> TrustedIssuer {
    let policy = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    issuer.trusted(AUDIENCE).with_policy(policy)
}

/// Returns a token that passes every check.
pub(crate) fn token(issuer: &TestIssuer, subject: &str) -> TokenBuilder {
    issuer.token(subject).audience(AUDIENCE)
}

impl App<MemoryProvisioner> {
    pub(crate) fn new(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        Self {
            verifier: JwtVerifier::new(issuers).unwrap(),
            users: MemoryProvisioner::new(),
        }
    }
}

impl App<SeaOrmProvisioner> {
    pub(crate) async fn with_database(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        migration::run(&db).await.unwrap();
        Self {
            verifier: JwtVerifier::new(issuers).unwrap(),
            users: SeaOrmProvisioner::new(db),
        }
    }

    /// Inserts a user who signed up with a password; `verified_by` names the source that verified
    /// the address.
    pub(crate) async fn password_user(&self, tenant: &str, verified_by: Option<&str>) -> String {
        let key = Email::parse(ADDRESS).unwrap().key(tenant);
        let user = users::Model {
            email: Some(ADDRESS.to_owned()),
            email_key: verified_by.map(|_| key),
            email_verified_by: verified_by.map(str::to_owned),
            hashed_password: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
            ..users::Model::new(tenant)
        };
        let row = user.into_active_model().reset_all();
        row.insert(self.users.connection())
            .await
            .unwrap()
            .id
            .to_string()
    }

    pub(crate) async fn row(&self, id: &str) -> users::Model {
        let id: Uuid = id.parse().unwrap();
        let row = users::Entity::find_by_id(id).one(self.users.connection());
        row.await.unwrap().unwrap()
    }
}

impl<P> App<P>
where
    P: Provisioner,
    P::User: Account,
{
    /// Returns the identity of a valid token.
    pub(crate) async fn identity(&self, token: &TokenBuilder) -> Identity {
        self.verifier.verify(&token.sign()).await.unwrap()
    }

    /// Verifies and provisions; the error is the token's fault or the reason of the rejection.
    pub(crate) async fn enter(&self, token: &TokenBuilder) -> Result<Entered, String> {
        self.enter_with(&token.sign()).await
    }

    pub(crate) async fn enter_with(&self, token: &str) -> Result<Entered, String> {
        let verified = self.verifier.verify(token).await;
        let identity = verified.map_err(|error| {
            let fault = error
                .source()
                .and_then(|it| it.downcast_ref::<TokenFault>());
            fault.expect("a fault of the token").to_string()
        })?;
        let provisioned = self.users.provision(&identity).await;
        let (user, outcome) = provisioned
            .map_err(|error| error.reason().to_owned())?
            .into_parts();
        Ok(Entered {
            id: user.id(),
            outcome,
            roles: user.roles(),
        })
    }

    pub(crate) async fn id(&self, token: &TokenBuilder) -> String {
        self.enter(token).await.unwrap().id
    }

    pub(crate) async fn refusal(&self, token: &TokenBuilder) -> String {
        self.enter(token).await.unwrap_err()
    }
}
