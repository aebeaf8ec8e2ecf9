//! Whether this machine can run the suite, and where a test runs.

use std::process::{Command, Stdio};
use std::sync::Once;

use crate::Result;

/// What the suite runs.
pub(crate) const COMMANDS: [&str; 6] = ["ip", "iptables-legacy", "iptables-nft", "nft", "conntrack", "ipset"];

/// What is missing here of these commands, in one sentence.
fn missing(commands: &[&str]) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("the kernel suite needs root".to_owned());
    }
    let absent = commands.iter().find(|command| {
        Command::new(command).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    });
    absent.map(|command| format!("the kernel suite needs `{command}`"))
}

/// Whether a test that needs these commands can run here.
///
/// With `CI=true` what is missing is installed first.
///
/// # Panics
/// When it cannot, and `CI` is `true`.
pub(crate) fn needs(commands: &[&str]) -> bool {
    static SETUP: Once = Once::new();
    let ci = std::env::var("CI").as_deref() == Ok("true");
    if ci && nix::unistd::geteuid().is_root() && missing(commands).is_some() {
        SETUP.call_once(|| {
            // What it could not install is still missing below.
            let _ = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kernel/setup.sh")).status();
        });
    }
    if let Some(missing) = missing(commands) {
        let sentence = format!("{missing}: run tests/kernel/setup.sh as root, and the tests as root");
        assert!(!ci, "{sentence}");
        #[expect(clippy::print_stderr, reason = "a test that did nothing has to say so")]
        {
            eprintln!("nothing was compared: {sentence}");
        }
        return false;
    }
    true
}

/// Runs a test in a thread of its own, because it changes the thread's network namespace.
///
/// # Panics
/// When the test fails, or when it cannot run and `CI` is `true`.
pub(crate) fn in_own_thread(test: impl FnOnce() -> Result<()> + Send + 'static) {
    if !needs(&COMMANDS) {
        return;
    }
    let outcome = std::thread::spawn(|| test().map_err(|error| error.to_string())).join();
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => panic!("{problem}"),
        Err(panicked) => std::panic::resume_unwind(panicked),
    }
}
