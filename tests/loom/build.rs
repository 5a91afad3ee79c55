//! Sets the configuration flag that the files under test use for loom.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(fuzzing, loom)");
    println!("cargo::rustc-cfg=loom");
}
