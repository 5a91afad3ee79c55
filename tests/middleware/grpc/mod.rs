//! The layer in front of tonic: rejections as trailers-only responses, and their effect on handlers
//! and clients.

mod connections;
mod echo;
mod layered;
mod refusals;
