//! What the suites share: running the `scn` command from the root of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

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
    let output = Command::new(env!("CARGO_BIN_EXE_scn"))
        .args(arguments)
        .current_dir(root())
        .env_remove("SCN_SEED")
        .output()
        .expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
    Run {
        status: output.status.code().expect("the command ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
