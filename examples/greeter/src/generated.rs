//! Checks that the checked-in code matches its source.

use std::{env, fs, path::Path};

#[test]
fn the_generated_code_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(["greeter.proto"], [folder]).unwrap();
    let output = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .out_dir(output.path())
        .compile_fds(descriptors)
        .unwrap();
    let generated = fs::read_to_string(output.path().join("greeter.v1.rs")).unwrap();
    let checked_in = folder.join("src/greeter.v1.rs");
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&checked_in, &generated).unwrap();
    }
    let checked_in = fs::read_to_string(checked_in).unwrap_or_default();
    assert!(
        checked_in == generated,
        "run `UPDATE_GENERATED=1 cargo test -p greeter`"
    );
}
