//! The project as a whole: its modules, its guide, and its generated code.

mod generated;
#[cfg(all(feature = "aws-lc-rs", feature = "jwks"))]
mod guide;
mod house;
