//! Whether this machine can run the suite, and where a test runs.

use std::process::{Command, Stdio};

use crate::Result;

/// What the suite runs, and what has to come out of a test of it.
const COMMANDS: [&str; 4] = ["ip", "iptables-legacy", "conntrack", "ipset"];

/// What is missing here, in one sentence.
fn missing() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("the kernel suite needs root".to_owned());
    }
    let absent = COMMANDS.iter().find(|command| {
        Command::new(command).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    });
    absent.map(|command| format!("the kernel suite needs `{command}`"))
}

/// Runs a test in a thread of its own, because it changes the thread's network namespace.
///
/// # Panics
/// When the test fails, or when it cannot run and `CI` is `true`.
pub(crate) fn in_own_thread(test: impl FnOnce() -> Result<()> + Send + 'static) {
    if let Some(missing) = missing() {
        let sentence = format!("{missing}: run tests/kernel/setup.sh as root, and the tests as root");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{sentence}");
        #[expect(clippy::print_stderr, reason = "a test that did nothing has to say so")]
        {
            eprintln!("nothing was compared: {sentence}");
        }
        return;
    }
    let outcome = std::thread::spawn(|| test().map_err(|error| error.to_string())).join();
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => panic!("{problem}"),
        Err(panicked) => std::panic::resume_unwind(panicked),
    }
}
