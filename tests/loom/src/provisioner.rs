//! The library's module of this name: the files under test, and the items they use.

#[path = "../../../src/provisioner/cached/mod.rs"]
pub mod cached;

pub mod provisioner {
    use async_trait::async_trait;

    use super::provisioned::Provisioned;
    use crate::{error::ProvisionError, identity::Identity};

    #[async_trait]
    pub trait Provisioner: Send + Sync + 'static {
        type User: Send + Sync + 'static;

        async fn provision(
            &self,
            identity: &Identity,
        ) -> Result<Provisioned<Self::User>, ProvisionError>;

        fn cached(&self, identity: &Identity) -> Option<Provisioned<Self::User>>;
    }
}

pub mod provisioned {
    use real_std::sync::Arc;

    use super::outcome::Outcome;

    pub struct Provisioned<U>(Arc<U>);

    impl<U> Provisioned<U> {
        pub fn new(user: impl Into<Arc<U>>, _: Outcome) -> Self {
            Self(user.into())
        }

        pub fn as_found(&self) -> Self {
            self.clone()
        }

        pub fn user(&self) -> &Arc<U> {
            &self.0
        }

        pub fn with_tokens_valid_after(self, _: Option<i64>) -> Self {
            self
        }

        pub fn tokens_valid_after(&self) -> Option<i64> {
            None
        }
    }

    impl<U> Clone for Provisioned<U> {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
}

pub mod outcome {
    pub enum Outcome {
        Found,
    }
}

pub mod decision {
    pub mod admission {
        use crate::identity::Identity;

        /// Revocation depends on the value that was read, and not on time.
        pub fn is_revoked(_: &Identity, _: Option<i64>) -> bool {
            false
        }
    }
}
