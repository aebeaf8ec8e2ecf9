//! The folder of a scenario on the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netscene_lang::Folder;

/// The most bytes of a file that a scenario may name.
const MOST_BYTES: u64 = 16 << 20;

/// Files below the folder that a scenario lies in.
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder of the scenario in `path`.
    pub(crate) fn of(path: &Path) -> Self {
        let root = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { root: root.to_owned() }
    }

    /// The folder in which the command runs.
    pub(crate) fn here() -> Self {
        Self { root: PathBuf::from(".") }
    }

    /// The names of the files in a folder, in order.
    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let (root, folder) = (self.root.canonicalize()?, self.root.join(path).canonicalize()?);
        if !folder.starts_with(&root) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the scenario's folder"));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn open(&self, path: &str) -> io::Result<String> {
        // A link may lead anywhere: what counts is where the file really is.
        let (root, file) = (self.root.canonicalize()?, self.root.join(path).canonicalize()?);
        if !file.starts_with(&root) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside the scenario's folder"));
        }
        let about = fs::metadata(&file)?;
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        if about.len() > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it has more than {MOST_BYTES} bytes")));
        }
        fs::read_to_string(file)
    }
}

impl Folder for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        self.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        })
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        self.names(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            _ => error.to_string(),
        })
    }
}
