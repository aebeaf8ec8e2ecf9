//! Reading and writing files that the user names.

use std::fs;
use std::path::Path;

use crate::atomic;

/// The text of a file, or why there is none, in one sentence without a full stop.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Writes a file whole, or not at all: what is there is replaced when the new text is on the disk.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    atomic::write(path, text.as_bytes()).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
