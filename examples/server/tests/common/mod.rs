//! Runs the server in its own process.

mod answer;
mod server;

pub use self::{
    answer::Answer,
    server::{Server, command, run},
};
