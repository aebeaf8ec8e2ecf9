//! Finding scenarios.

use std::fs;
use std::path::{Path, PathBuf};

/// The deepest folders that are looked into.
const DEEPEST: usize = 64;

/// The scenarios of the paths given, sorted, each once: a file is itself, a folder every `.scn` below it that is not hidden
/// and in no hidden folder. Links are not followed below a folder: a scenario has one place.
pub(super) fn scenarios(paths: &[PathBuf]) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    for path in paths {
        let about = fs::metadata(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        if about.is_dir() {
            below(path, 0, &mut found)?;
        } else {
            found.push(Found { path: path.clone(), named: true });
        }
    }
    // Of one file that was named and found, the named one stays.
    found.sort_by(|a, b| a.path.cmp(&b.path).then(b.named.cmp(&a.named)));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

/// A scenario.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The user has named the file itself, not a folder that it lies in.
    pub(super) named: bool,
}

fn below(folder: &Path, depth: usize, found: &mut Vec<Found>) -> Result<(), String> {
    let unreadable = |error| format!("{} cannot be read: {error}", folder.display());
    if depth == DEEPEST {
        return Err(format!("{} lies more than {DEEPEST} folders deep", folder.display()));
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(unreadable)?;
        // `scn test` and `scn test .` call a file what the user would.
        let path = if folder == Path::new(".") { PathBuf::from(name) } else { entry.path() };
        if kind.is_dir() {
            below(&path, depth + 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "scn") {
            found.push(Found { path, named: false });
        }
    }
    Ok(())
}
