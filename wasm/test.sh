#!/usr/bin/env bash
# Builds the page and tests it: native and WebAssembly print the same bytes, and the book does what it should in a headless
# Chromium. `wasm/test.sh --speed` also compares the speed with the native engine's, which it has to build for that.
set -euo pipefail
cd "$(dirname "$0")/.."
wasm/setup.sh browser >/dev/null
wasm/build.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo=${CARGO_COMMAND:-cargo}
"$cargo" run -q -p netscene-book --features build -- generate 500 target/page/scenarios.json
if [ "${1:-}" = --speed ]; then
    "$cargo" build -q --release -p netscene-wasm --example time
    node wasm/test/same.mjs "$CARGO_TARGET_DIR/release/examples/time"
else
    node wasm/test/same.mjs
fi
mkdir -p target/page/embed
cp wasm/embed/index.html target/page/embed/
# A browser on a busy machine may lose a Worker: what failed once is told, and has to hold the second time.
node wasm/test/browser.mjs || node wasm/test/browser.mjs
