//! Model checks of the concurrent cores: every interleaving, and every value that the memory model
//! lets an atomic load return.
//!
//! The files under test are the library's own, included by path. What they import is found here
//! instead: this crate goes by the names `std`, `tokio` and `arc_swap` as well, and has loom's locks
//! and atomics under `sync`, and a thread of loom's for every task. Stand-ins are as
//! small as the files allow; where they leave something out, they say so.
//!
//! ```sh
//! cargo test --manifest-path tests/loom/Cargo.toml
//! ```
//!
//! Each guard in these files was taken out once, and a model failed. What no model looks at: what
//! is in `arc_swap` and `quick_cache`, which are taken to be one step each, and the passing of time.
//! A file under test has its own tests elsewhere, as here they would be compiled with it.

#![cfg(test)]
#![expect(dead_code, reason = "a model calls a part of each file")]

extern crate self as arc_swap;
extern crate self as tokio;

extern crate std as real_std;
// Last: from here on `std` is this crate.
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
