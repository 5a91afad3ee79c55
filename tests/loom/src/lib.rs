//! Model checks of the concurrent code: every interleaving, and every value that the memory model
//! lets an atomic load return.
//!
//! The files under test are the library's own, included by path. Their imports are resolved in this
//! crate, which is also available under the names `std`, `tokio` and `arc_swap`, with loom's locks
//! and atomics under `sync`, and one loom thread per task. Stand-ins are as small as the files
//! allow, and document their omissions.
//!
//! ```sh
//! cargo test --manifest-path tests/loom/Cargo.toml
//! ```
//!
//! Each guard in these files was removed once, and a model failed. The models do not cover the
//! inside of `arc_swap` and `quick_cache`, whose operations count as one step each, nor the passing
//! of time. The unit tests of a file under test are kept in another file, because they would be
//! compiled here otherwise.

#![cfg(test)]
#![expect(dead_code, reason = "the models use only a part of each file")]

extern crate self as arc_swap;
extern crate self as tokio;

extern crate std as real_std;
// Must be the last item: from here on `std` is this crate.
extern crate self as std;

use self::stand_ins::{
    arc_swap::ArcSwapOption,
    clock, error,
    executor::{block_on, spawn},
    fetch, hashed, identity, principal, sync, task, telemetry, time,
};
use real_std::{collections, fmt, hash};

mod models;
mod provisioner;
mod stand_ins;
mod verifier;
