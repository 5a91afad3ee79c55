#!/usr/bin/env bash
# Fuzzes the parsers of hostile input, one target after another.
#
#   tests/fuzz/run.sh                        every target, 20,000 runs each: half a minute
#   tests/fuzz/run.sh 10000000               every target, ten million runs each
#   tests/fuzz/run.sh 10000000 claims jwks   these targets
#
# Needs a nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz --locked`); says so and stops
# where one is missing. Not part of the gate: the build alone takes some minutes.
#
# Targets, and what they assert beside not panicking:
#   authorization   one credential or none; a token has no white space and no comma
#   claims          a name stands once; another parser reads the same; what verifies was to
#   discovery       the URL is https or on loopback for the HTTP client's parser as well
#   header          another parser reads the same; no extension; no unsigned text verifies
#   layer           nobody gets in, cold or from memory, whom jsonwebtoken does not let in
#   jwks            every key kept is in the set, meets the minimum sizes and is no secret
#
# The crate has no unsafe code, so no sanitizer is used: SANITIZER=address switches one on, at a
# quarter of the speed. Inputs found are kept in tests/fuzz/target/corpus, faults in
# tests/fuzz/target/faults: a target given such a file runs that one input.
set -euo pipefail
cd "$(dirname "$0")"

if ! rustup run nightly cargo fuzz --version >/dev/null 2>&1; then
    echo "skipped: fuzzing needs a nightly toolchain and cargo-fuzz"
    exit 0
fi

runs=${1:-20000}
targets=("${@:2}")
if [ ${#targets[@]} -eq 0 ]; then
    targets=(authorization claims discovery header jwks layer)
fi

host=$(rustup run nightly rustc -vV | sed -n 's/^host: //p')
directory=${CARGO_TARGET_DIR:-target}
rustup run nightly cargo fuzz build --fuzz-dir . --target-dir "$directory" \
    --sanitizer "${SANITIZER:-none}"
for target in "${targets[@]}"; do
    echo "==> $target: $runs runs"
    mkdir -p "target/corpus/$target" "target/faults/$target"
    "$directory/$host/release/$target" "target/corpus/$target" "seeds/$target" \
        -runs="$runs" -max_len=2048 -dict=jose.dict -print_final_stats=1 \
        -artifact_prefix="target/faults/$target/" 2>&1 |
        grep -E 'INITED|DONE|SUMMARY|panicked|number_of_executed|exec_per_sec|new_units'
done
