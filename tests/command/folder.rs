//! A folder of a test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::common::{Run, finish};

/// A folder that goes when the test is over.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        Self(TempDir::with_prefix(format!("scn-{name}-")).expect("there is room"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }

    /// The whole path of a file in it, with a text if one is given.
    pub(crate) fn file(&self, name: &str, text: Option<&str>) -> String {
        if let Some(text) = text {
            self.write(name, text);
        }
        self.path().join(name).to_str().expect("the path is UTF-8").to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("it is there")
    }

    /// `scn` with these arguments, from the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scn"));
        command.args(arguments).current_dir(self.path()).env_remove("NO_COLOR");
        command
    }

    pub(crate) fn scn(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments).output().expect("the command starts"))
    }
}
