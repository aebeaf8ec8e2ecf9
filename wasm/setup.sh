#!/usr/bin/env bash
# Gets what the page is built and tested with, and does nothing where it is there: the compiler for wasm32 (rustup's target, or
# Debian's packages below target/), npm's packages below wasm/, and Debian's Node and Chromium into the system. Prints nothing but
# the environment that wasm/build.sh runs cargo in.
#
#   wasm/setup.sh            the compiler and npm's packages
#   wasm/setup.sh browser    and Chromium, for wasm/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/wasm-toolchain
mkdir -p "$tools"

# A mirror that is busy is asked again.
again() {
    "$@" && return
    for pause in 2 15 60; do
        echo "setup.sh: once more in $pause s: $*" >&2
        sleep "$pause"
        "$@" && return
    done
    return 1
}
quietly() {
    local said
    said=$("$@" 2>&1) || { echo "$said" >&2; return 1; }
}
apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    again quietly apt-get update -qq
    again quietly apt-get install -y -qq --no-install-recommends "$@"
}

command -v npm >/dev/null || apt_install nodejs npm
if [ ! -e wasm/node_modules/.package-lock.json ] || [ wasm/package-lock.json -nt wasm/node_modules/.package-lock.json ]; then
    again quietly npm ci --prefix wasm --ignore-scripts --no-audit --no-fund --loglevel=error
fi
if [ "${1:-}" = browser ] && ! command -v chromium >/dev/null; then
    apt_install chromium
fi

# rustup has the target, or can get it: its own compiler does it. The standard library is built anew for size where its source
# is there too.
installed() { rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown; }
if [ ! -e "$tools/usr/bin/rustc" ]; then
    if installed || quietly timeout 300 rustup target add wasm32-unknown-unknown; then
        [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ] || quietly timeout 300 rustup component add rust-src || true
        exit 0
    fi
    # It cannot be had: Debian's compiler for the web and its source, unpacked where nothing else sees them.
    echo "setup.sh: no wasm32 target from rustup; taking Debian's rustc-web" >&2
    [ -e /usr/lib/x86_64-linux-gnu/libLLVM.so.22.1 ] && command -v wasm-ld >/dev/null || apt_install libllvm22 lld
    version=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p' | head -n 1)
    fresh=$(mktemp -d "$tools/unpack.XXXXXX")
    (
        cd "$fresh"
        again quietly apt-get download -qq rustc-web "$version" libstd-rust-web-dev rust-web-src rust-web-llvm
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
