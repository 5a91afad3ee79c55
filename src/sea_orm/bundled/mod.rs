//! The statements over the bundled tables.

mod bundled;
mod hot_read;
mod profile;
mod rows;

pub use self::bundled::Bundled;
