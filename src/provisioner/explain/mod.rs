//! Explains a provisioning decision step by step, without writing anything.

mod cached;
mod explain;
mod facts;
mod step;

pub(crate) use self::facts::{Facts, rules};
pub use self::{
    explain::Explain,
    step::{Step, StepResult},
};
