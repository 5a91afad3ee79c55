//! Model checks of the concurrent cores: every interleaving, and every value that the memory model
//! lets an atomic load return.
//!
//! The files under test are the library's own, included by path. What they import is found here
//! instead: this crate goes by the names `std`, `tokio` and `quick_cache` as well, and has loom's
//! locks and atomics under `sync`, and a thread of loom's for every task. Stand-ins are as small as
//! the files allow; each says what it leaves out.
//!
//! ```sh
//! cargo test --manifest-path tests/loom/Cargo.toml
//! ```
//!
//! What is not here: `ArcSwap` and `quick_cache` themselves, which are taken to be what their
//! documentation says, and time, which stands still.

#![cfg(test)]
#![expect(dead_code, reason = "a model calls a part of each file")]

extern crate self as quick_cache;
extern crate self as tokio;

extern crate std as real_std;
// Last: from here on `std` is this crate.
extern crate self as std;

use self::stand_ins::{
    executor::{block_on, spawn},
    identity, sync, task, telemetry, time,
};
use real_std::{collections, fmt};

mod models;
mod provisioner;
mod stand_ins;
