//! Why a request is refused.

mod denial_reason;
mod error;
mod provision_error;
mod token_fault;

pub use self::{
    denial_reason::DenialReason,
    error::{Error, ErrorKind},
    provision_error::ProvisionError,
    token_fault::TokenFault,
};
