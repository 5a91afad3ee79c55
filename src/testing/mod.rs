//! What a test needs: an issuer that signs any token, identities without tokens, a clock.
//!
//! Feature `testing`. **Exempt from semantic versioning**: it grows with the tests it serves.
//!
//! ```
//! use tower::{ServiceExt, service_fn};
//! use tower_jit_provisioning::{
//!     JwtVerifier, MemoryProvisioner, ProvisionLayer, testing::TestIssuer,
//! };
//! use tower_layer::Layer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new("https://id.example.com");
//! let verifier = JwtVerifier::new([issuer.trusted("orders-api")])?;
//! let service = ProvisionLayer::new(verifier, MemoryProvisioner::new()).layer(service_fn(
//!     |_: http::Request<()>| async { Ok::<_, std::io::Error>(http::Response::new(())) },
//! ));
//!
//! let request = http::Request::get("/")
//!     .header("authorization", issuer.token("ana").audience("orders-api").bearer())
//!     .body(())?;
//! assert_eq!(service.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod clock;
mod identity;
#[cfg(feature = "testing")]
mod issuer;
#[cfg(feature = "testing")]
mod signing_key;
#[cfg(feature = "testing")]
mod token;

#[cfg(feature = "testing")]
pub use self::{issuer::TestIssuer, signing_key::SigningKey, token::TokenBuilder};
pub use clock::ManualClock;
pub use identity::TestIdentity;
