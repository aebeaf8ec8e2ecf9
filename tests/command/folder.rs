//! A folder of a test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use crate::common::Run;

/// A folder that goes when the test is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scn-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("there is room");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("it is there")
    }

    /// `scn` with these arguments, from the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scn"));
        command.args(arguments).current_dir(&self.0).env_remove("NO_COLOR");
        command
    }

    pub(crate) fn scn(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the command starts");
        let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
        let status = output.status.code().expect("the command ends by itself");
        Run { status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
