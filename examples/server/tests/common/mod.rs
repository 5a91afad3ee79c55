//! The server as another process sees it.

mod answer;
mod server;

pub use self::{
    answer::Answer,
    server::{Server, command, run},
};
