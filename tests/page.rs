//! The page: `wasm/test.sh` builds the engine as WebAssembly and the book, compares it with the native engine, and reads the
//! book in a headless Chromium. It installs what it needs, and takes ten minutes and more.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
#[ignore = "ten minutes and more: cargo test -p netscene-wasm --test page -- --ignored"]
fn the_page_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Cargo gives its tests the libraries of its own compiler; the one for wasm32 may be another.
    let status = Command::new(root.join("wasm/test.sh")).env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).status();
    assert!(status.expect("wasm/test.sh starts").success(), "wasm/test.sh fails: see above");
}
