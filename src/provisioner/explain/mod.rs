//! What provisioning would do with an identity, step by step and without a write.

mod cached;
mod explain;
mod facts;
mod step;

pub(crate) use self::facts::{Facts, rules};
pub use self::{
    explain::Explain,
    step::{Step, StepResult},
};
