//! Time that never advances: fresh entries stay fresh, and no pause ends.

use real_std::{error::Error, fmt};

pub use real_std::time::*;

#[derive(Debug)]
pub struct Elapsed;

pub async fn timeout<F: Future>(_: Duration, future: F) -> Result<F::Output, Elapsed> {
    Ok(future.await)
}

pub async fn timeout_at<F: Future>(_: Instant, future: F) -> Result<F::Output, Elapsed> {
    Ok(future.await)
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("elapsed")
    }
}

impl Error for Elapsed {}
