#!/usr/bin/env bash
# Runs the tests under AddressSanitizer, to detect memory misuse and leaks.
#
#   tests/sanitizer/run.sh              everything below: half an hour on two cores, most of it building
#   tests/sanitizer/run.sh middleware   these test targets
#
# Needs no nightly toolchain. The crate has no unsafe code: this checks its dependencies, and leaks,
# which safe code can have too. C libraries (aws-lc, ring, SQLite) and the standard library are not
# instrumented: their leaks are detected, but not their misuse of memory.
#
# The database tests run on SQLite, and with TEST_POSTGRES_URL and TEST_MYSQL_URL on those servers.
# Measurements and tests with other programs are excluded. Not run on every commit.
set -euo pipefail
cd "$(dirname "$0")/../.."

export RUSTC_BOOTSTRAP=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0
export RUSTFLAGS="-Zsanitizer=address -Cdebuginfo=line-tables-only"
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/sanitizer}

tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
    tests=(conformance database middleware project provisioning verification)
fi

# A disabled detector finds nothing, so this proves that it is enabled.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'fn main() { std::mem::forget(Box::new([0u8; 64])) }' >"$folder/leak.rs"
# shellcheck disable=SC2086
rustc $RUSTFLAGS -o "$folder/leak" "$folder/leak.rs"
if "$folder/leak" 2>"$folder/log" || ! grep -q 'LeakSanitizer: detected' "$folder/log"; then
    echo "a deliberate leak was not detected:"
    cat "$folder/log"
    exit 1
fi

host=$(rustc -vV | sed -n 's/^host: //p')
# With an explicit target, build scripts and macros are not instrumented.
common=(--locked --target "$host" --all-features)
status=0
cargo test --quiet --no-fail-fast "${common[@]}" --lib "${tests[@]/#/--test=}" \
    >"$folder/log" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
    cat "$folder/log"
fi
awk '/^test result/ { passed += $4; failed += $6; binaries++ }
    /ERROR: (Address|Leak)Sanitizer/ { faults++ }
    END { printf "%d binaries: %d tests passed, %d failed; %d with a fault or a leak\n",
        binaries, passed, failed, faults }' "$folder/log"
exit "$status"
