//! The layer in front of tonic: refusals as trailers-only responses, and what handlers and clients see.

mod connections;
mod echo;
mod layered;
mod refusals;
