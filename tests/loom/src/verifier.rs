//! The library's module of this name, as far as the files under test use it.

pub mod keys;

pub mod algorithm {
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Algorithm {
        Es256,
    }
}

pub mod signature {
    use super::algorithm::Algorithm;

    /// A key is its number.
    pub struct VerifyingKey(pub u8);

    impl VerifyingKey {
        pub fn fits(&self) -> &[Algorithm] {
            &[Algorithm::Es256]
        }

        pub fn is_same_key(&self, other: &Self) -> bool {
            self.0 == other.0
        }

        pub fn verifies(&self, _: Algorithm, _: &[u8], _: &[u8]) -> bool {
            true
        }
    }
}
