//! An issuer in the process of the test.

mod key_ring;
mod keys;
mod served;
mod state;
mod test_issuer;

pub(super) use self::state::State;
pub use self::test_issuer::TestIssuer;
