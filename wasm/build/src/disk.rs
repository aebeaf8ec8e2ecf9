//! Scenarios on the disk, and the other files that they name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use netscene_lang::{Channel, Folder, SourceFiles, compile_in, run_scenario};
use serde_json::{Value, json};

use crate::Result;

/// A folder that remembers what was read from it.
struct Watched {
    root: PathBuf,
    read: RefCell<BTreeMap<String, String>>,
}

impl Folder for Watched {
    fn read(&self, path: &str) -> std::result::Result<String, String> {
        let text = fs::read_to_string(self.root.join(path)).map_err(|error| error.to_string())?;
        self.read.borrow_mut().insert(path.to_owned(), text.clone());
        Ok(text)
    }

    fn list(&self, path: &str) -> std::result::Result<Vec<String>, String> {
        let entries = fs::read_dir(self.root.join(path)).map_err(|error| error.to_string())?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<std::io::Result<Vec<_>>>().map_err(|error| error.to_string())?;
        names.sort();
        Ok(names)
    }
}

/// A scenario with all that it names.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) files: BTreeMap<String, String>,
}

impl Scenario {
    /// Reads one, below the folder in which the program runs.
    pub(crate) fn read(path: &str) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let root = Path::new(path).parent().unwrap_or(Path::new("")).to_owned();
        let watched = Watched { root, read: RefCell::default() };
        let mut files = SourceFiles::default();
        let main = files.add(path, text.as_str());
        let _ = compile_in(&mut files, &main, &watched);
        Ok(Self { name: path.to_owned(), text, files: watched.read.into_inner() })
    }

    /// What it is and what the native engine prints for it.
    pub(crate) fn told(&self) -> Value {
        let (mut output, mut diagnostics) = (String::new(), String::new());
        let mut write = |channel, text: &str| match channel {
            Channel::Output => output.push_str(text),
            Channel::Diagnostics => diagnostics.push_str(text),
        };
        let verdict = run_scenario((&self.name, &self.text), &self.files, 0, false, &mut write);
        json!({
            "name": self.name, "text": self.text, "files": self.files,
            "status": verdict.exit_status(), "output": output, "diagnostics": diagnostics,
        })
    }
}
