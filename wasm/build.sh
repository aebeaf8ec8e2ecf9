#!/usr/bin/env bash
# Builds the page: the engine as WebAssembly with its bindings, the custom element and the book, all below target/page/. Prints
# what the engine weighs, in its two parts, and fails if one has grown by more than 2 % of what wasm/payload.txt says.
#
#   wasm/build.sh             everything
#   wasm/build.sh --weigh     keeps the new weight in wasm/payload.txt
#
# Serve target/page/book from any static host: cd target/page/book && python3 -m http.server
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo=${CARGO_COMMAND:-cargo}
page=$PWD/target/page
mkdir -p "$page"

# The environment for wasm32 is the compiler's alone: the build program below is compiled as everything else is.
environment=$(wasm/setup.sh)
(
    eval "$environment"
    # 1 GiB is the most that a scenario may take, 8 MiB its stack, as the command has.
    export RUSTC_BOOTSTRAP=1
    export RUSTFLAGS="-Zlocation-detail=none -Clink-arg=--max-memory=1073741824 -Clink-arg=-zstack-size=8388608"
    RUSTFLAGS+=" -Clink-arg=-Map=$CARGO_TARGET_DIR/engine.map"
    # The rounds of SHA-256 as a loop.
    RUSTFLAGS+=' --cfg sha2_backend_soft="compact"'
    # std is built anew, without the texts of panics: it traps, and the page starts another Worker. All the others call it, so it is not as small as it could be.
    small=()
    if [ -e "$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
        small=(
            -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
            -Zpanic-immediate-abort --config 'profile.page.panic="immediate-abort"'
        )
        for own in core alloc std compiler_builtins; do small+=(--config "profile.page.package.$own.opt-level=\"s\""); done
    fi
    "$cargo" build -q -p netscene-wasm --lib --profile page --target wasm32-unknown-unknown "${small[@]}"
)
"$cargo" run -q -p netscene-book --features build -- bindings \
    "$CARGO_TARGET_DIR/wasm32-unknown-unknown/page/netscene_wasm.wasm" "$page/pkg"

# The names of functions stay for the splitter. Features are named one by one: with --all-features the module uses some that no browser has.
wasm/node_modules/.bin/wasm-opt -Oz -g --strip-producers --strip-target-features \
    --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int --enable-mutable-globals \
    --enable-reference-types --enable-multivalue \
    "$page/pkg/netscene_wasm_bg.wasm" -o "$page/whole.wasm"

# What the first traces need, and the rest; a run shows which is which.
node wasm/split/main.mjs "$page" "$CARGO_TARGET_DIR/engine.map"
node wasm/weigh.mjs "$page" "$@"

node wasm/bundle.mjs "$page"
wasm/node_modules/.bin/tsc -p wasm
"$cargo" run -q -p netscene-book --features build -- book wasm/book "$page/book"
node wasm/pages.mjs "$page/book"
cp "$page"/netscene.wasm "$page"/netscene-rest.wasm "$page"/*.js "$page/book/"
echo "the book: $page/book"
