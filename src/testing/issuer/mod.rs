//! An issuer in the process of the test.

mod key_ring;
mod keys;
mod served;
pub(super) mod state;
mod test_issuer;

pub use self::test_issuer::TestIssuer;
