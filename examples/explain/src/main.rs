//! Explains why a token is accepted or refused.
//!
//! ```text
//! cargo run -p explain -- <token or claims> [issuers.toml] [database url]
//! ```
//!
//! Without arguments it trusts a local issuer and explains one of its tokens. `issuers.toml` has
//! the keys of [`VerifierConfig`](tower_jit_provisioning::VerifierConfig). Nothing is written.

use std::error::Error;

use config::{Config, File};
use sea_orm::Database;
use tower_jit_provisioning::{
    IssuerPolicy, JwtVerifier, MemoryProvisioner, SignUp, VerifierConfig,
    explain::{self, Explain, Explanation},
    sea_orm::SeaOrmProvisioner,
    testing::TestIssuer,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(subject) = arguments.next() else {
        return demonstrate().await;
    };
    let Some(path) = arguments.next() else {
        return Err("usage: explain <token or claims> <issuers.toml> [database url]".into());
    };
    let config = Config::builder()
        .add_source(File::with_name(&path))
        .build()?;
    let verifier = JwtVerifier::from_config(config.try_deserialize::<VerifierConfig>()?)?;
    let explanation = match arguments.next() {
        None => explain(&verifier, &MemoryProvisioner::new(), &subject).await,
        Some(url) => {
            let users = SeaOrmProvisioner::new(Database::connect(url).await?);
            explain(&verifier, &users, &subject).await
        }
    };
    println!("{explanation}");
    match explanation.verdict() {
        Ok(_) => Ok(()),
        Err(reason) => Err(reason.into()),
    }
}

/// Claims are a JSON object, and a token contains no braces.
async fn explain<P: Explain>(verifier: &JwtVerifier, users: &P, subject: &str) -> Explanation {
    match subject.trim_start().starts_with('{') {
        true => explain::explain_claims(verifier, users, subject).await,
        false => explain::explain_token(verifier, users, subject.trim()).await,
    }
}

/// Explains a token whose user is refused by a closed sign-up.
async fn demonstrate() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::new("https://id.example.com");
    let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let verifier = JwtVerifier::new([issuer.trusted("orders-api").with_policy(closed)])?;
    let token = issuer.token("ana").audience("orders-api");
    let token = token.email("ana@example.com", true).sign();
    let users = MemoryProvisioner::new();
    println!("{}", explain(&verifier, &users, &token).await);
    println!("\ntry: cargo run -p explain -- \"$TOKEN\" issuers.toml");
    Ok(())
}
