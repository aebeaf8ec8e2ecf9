//! `scn test --watch`: again, whenever a file changes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::Arguments;
use crate::console::Console;
use crate::exit::Exit;

/// How often files are looked at.
const PERIOD: Duration = Duration::from_millis(200);
/// How long nothing may change before what has changed is run: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// The most files that are looked at.
const MOST: usize = 100_000;
/// The deepest folders that are looked into.
const DEEPEST: usize = 64;

/// When a file was changed, and how long it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Runs the tests, and runs them again whenever a file changes in the folders of the scenarios. It ends when it is
/// interrupted.
pub(super) fn run(arguments: &Arguments, console: Console) -> Exit {
    let mut last = look(&arguments.paths);
    loop {
        if io::stdout().is_terminal() {
            // Clear the screen, and go to its top.
            console.print("\u{1b}[2J\u{1b}[H");
        }
        super::once(arguments, console);
        console.print("waiting for a change; Ctrl-C ends it\n");
        last = changed(&arguments.paths, &last);
    }
}

/// Waits for a change, and until the changes are over.
#[expect(clippy::disallowed_methods, reason = "it waits for people, not in a world")]
fn changed(paths: &[PathBuf], last: &Seen) -> Seen {
    loop {
        thread::sleep(PERIOD);
        let mut now = look(paths);
        if now != *last {
            loop {
                thread::sleep(QUIET);
                let later = look(paths);
                if later == now {
                    return later;
                }
                now = later;
            }
        }
    }
}

/// Every file that a scenario of these paths may name: those below its folder.
fn look(paths: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    for path in paths {
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new(".")) };
        below(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, 0, &mut seen);
    }
    seen
}

fn below(folder: &Path, depth: usize, seen: &mut Seen) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".") || seen.len() >= MOST || depth >= DEEPEST {
            continue;
        }
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() {
            below(&entry.path(), depth + 1, seen);
        } else if entry.path().extension().is_none_or(|ending| ending != "expected" && ending != "tmp") {
            seen.insert(entry.path(), (about.modified().ok(), about.len()));
        }
    }
}
