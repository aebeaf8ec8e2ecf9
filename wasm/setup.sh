#!/usr/bin/env bash
# Gets what the page is built and tested with, and does nothing where it is there: the compiler for wasm32 (rustup's target, or
# Debian's packages below target/), npm's packages below wasm/, and Debian's Chromium into the system. Prints nothing but the environment that wasm/build.sh runs cargo in.
#
#   wasm/setup.sh            the compiler and npm's packages
#   wasm/setup.sh browser    and Chromium, for wasm/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/wasm-toolchain
mkdir -p "$tools"

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ ! -e wasm/node_modules/.package-lock.json ] || [ wasm/package-lock.json -nt wasm/node_modules/.package-lock.json ]; then
    npm ci --prefix wasm --ignore-scripts --no-audit --no-fund --loglevel=error >&2
fi
if [ "${1:-}" = browser ] && ! command -v chromium >/dev/null; then
    apt_install chromium
fi

# rustup has the target, or can get it: its own compiler does it. The standard library is built anew for size where its source
# is there too.
installed() { rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown; }
if [ ! -e "$tools/usr/bin/rustc" ]; then
    if installed || timeout 60 rustup target add wasm32-unknown-unknown >&2; then
        [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ] || timeout 60 rustup component add rust-src >&2 || true
        exit 0
    fi
    # It cannot be had: Debian's compiler for the web and its source, unpacked where nothing else sees them.
    echo "setup.sh: no wasm32 target from rustup; taking Debian's rustc-web" >&2
    [ -e /usr/lib/x86_64-linux-gnu/libLLVM.so.22.1 ] && command -v wasm-ld >/dev/null || apt_install libllvm22 lld
    version=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p' | head -n 1)
    fresh=$(mktemp -d "$tools/unpack.XXXXXX")
    (
        cd "$fresh"
        apt-get download -qq rustc-web "$version" libstd-rust-web-dev rust-web-src rust-web-llvm >&2
        for package in *.deb; do dpkg -x "$package" unpacked; done
    )
    mv "$fresh/unpacked/usr" "$tools/usr"
    rm -r "$fresh"
fi
linker=$(command -v wasm-ld)
# A linker older than the compiler may not know its features; rustup's own is younger than Debian's.
for own in "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld; do [ -x "$own" ] && linker=$own; done
cat <<END
export RUSTC=$tools/usr/bin/rustc
export LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
END
