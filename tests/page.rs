//! The page: `wasm/test.sh` builds the engine as WebAssembly and the book, compares it with the native engine, and reads the
//! book in a headless Chromium. It takes a quarter of an hour and more, so it runs where `NETSCENE_PAGE` is 1, and then installs
//! what it needs.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_page_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if std::env::var("NETSCENE_PAGE").as_deref() != Ok("1") {
        eprintln!("the page is not tested: NETSCENE_PAGE=1 tests it, in a quarter of an hour and more");
        return;
    }
    // Cargo gives its tests the libraries of its own compiler; the one for wasm32 may be another.
    let status = Command::new(root.join("wasm/test.sh")).env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).status();
    assert!(status.expect("wasm/test.sh starts").success(), "wasm/test.sh fails: see above");
}
