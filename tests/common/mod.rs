//! What the suites share: running the `scn` command from the root of the workspace.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a run of `scn` left behind.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `scn` with the arguments given, from the root of the workspace.
pub(crate) fn scn(arguments: &[&str]) -> Run {
    finish(command(arguments).output().expect("the command starts"))
}

/// The same with a text on its standard input.
#[allow(dead_code, reason = "not every suite types")]
pub(crate) fn scn_with(arguments: &[&str], input: &str) -> Run {
    typed(command(arguments), input)
}

/// Runs a command with a text on its standard input.
#[allow(dead_code, reason = "not every suite types")]
pub(crate) fn typed(mut command: Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it is read");
    finish(child.wait_with_output().expect("the command ends"))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scn"));
    command.args(arguments).current_dir(root());
    command
}

/// What a command that has ended left behind.
pub(crate) fn finish(output: Output) -> Run {
    let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
    Run {
        status: output.status.code().expect("the command ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
