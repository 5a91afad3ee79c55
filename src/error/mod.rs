//! The refusal of a request, and its causes.

mod denial_reason;
mod error;
mod error_kind;
mod provision_error;
mod token_fault;

pub use self::{
    denial_reason::DenialReason, error::Error, error_kind::ErrorKind,
    provision_error::ProvisionError, token_fault::TokenFault,
};
