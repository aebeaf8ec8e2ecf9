//! Reading files that the user names.

use std::fs;
use std::path::Path;

/// The text of a file, or why there is none, in one sentence without a full stop.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
