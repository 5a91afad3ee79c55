#!/usr/bin/env bash
# Fuzzes the parsers of hostile input, one target after another.
#
#   tests/fuzz/run.sh                        every target, 20,000 runs each: half a minute
#   tests/fuzz/run.sh 10000000               every target, ten million runs each
#   tests/fuzz/run.sh 10000000 claims jwks   these targets
#
# Needs a nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz --locked`);
# without them it prints a message and stops. Not run on every commit: the build takes some minutes.
#
# Targets, and their assertions in addition to the absence of panics:
#   authorization   one credential or none; a token has no white space and no comma
#   claims          no duplicate names; another parser reads the same; only valid tokens verify
#   discovery       the URL is https or loopback for the HTTP client's parser too
#   header          another parser reads the same; no extension; no unsigned text verifies
#   layer           every accepted request, cold or cached, is accepted by jsonwebtoken
#   jwks            every accepted key is in the set, has the minimum size and is not a secret
#
# The crate has no unsafe code, so no sanitizer is used: SANITIZER=address enables one, at a quarter
# of the speed. New inputs are stored in tests/fuzz/target/corpus, failing ones in
# tests/fuzz/target/faults: a target with such a file as argument runs that single input.
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
