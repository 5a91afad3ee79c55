//! The project as a whole: its modules, and its guide.

#[cfg(all(feature = "aws-lc-rs", feature = "jwks"))]
mod guide;
mod house;
