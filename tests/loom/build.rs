//! Says to the files under test that loom checks them.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing, loom)");
    println!("cargo::rustc-cfg=loom");
}
