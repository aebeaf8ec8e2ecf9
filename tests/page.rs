//! The page: `wasm/test.sh` builds the engine as WebAssembly and the book, compares it with the native engine, and reads the
//! book in a headless Chromium. Where CI is true it has to pass, and installs what it needs; elsewhere it runs where that is
//! there.

use std::path::Path;
use std::process::{Command, Stdio};

/// What the page cannot be tested without, on this machine.
fn missing(root: &Path) -> Option<&'static str> {
    let works = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !works("node") {
        Some("Node")
    } else if !works("chromium") {
        Some("Chromium (as root, `wasm/setup.sh browser` installs Debian's)")
    } else if !root.join("wasm/node_modules").is_dir() {
        Some("npm's packages (`wasm/setup.sh` gets them)")
    } else {
        None
    }
}

#[test]
fn the_page_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ci = std::env::var("CI").as_deref() == Ok("true");
    if let Some(what) = missing(&root).filter(|_| !ci) {
        eprintln!("the page is not tested: this machine lacks {what}");
        return;
    }
    // Cargo gives its tests the libraries of its own compiler; the one for wasm32 may be another.
    let status = Command::new(root.join("wasm/test.sh")).env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).status();
    assert!(status.expect("wasm/test.sh starts").success(), "wasm/test.sh fails: see above");
}
