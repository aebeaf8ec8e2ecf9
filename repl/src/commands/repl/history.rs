//! What was typed before: a file in the folder that XDG has for such state.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic;

/// The most entries that are kept.
pub(super) const MOST: usize = 1000;

/// What was typed before, and the file that keeps it. A file that cannot be read or written is worth one warning.
pub(super) struct History {
    path: Option<PathBuf>,
    lines: Vec<String>,
    warning: Option<String>,
    warned: bool,
}

impl History {
    /// The history of this user.
    pub(super) fn open() -> Self {
        let mut history = Self { path: file(), lines: Vec::new(), warning: None, warned: false };
        let Some(path) = history.path.clone() else {
            history.warn("neither XDG_STATE_HOME nor HOME is set");
            return history;
        };
        match read(&path) {
            Ok(lines) => history.lines = lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => history.warn(&format!("{}: {error}", path.display())),
        }
        history
    }

    /// The entries that were kept, the oldest first.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Keeps an entry. Those that another session has kept meanwhile stay.
    pub(super) fn add(&mut self, entry: &str) {
        let Some(path) = self.path.clone() else { return };
        if let Err(error) = keep(&path, entry) {
            self.warn(&format!("{}: {error}", path.display()));
        }
    }

    /// What there is to warn of, once.
    pub(super) const fn warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn warn(&mut self, why: &str) {
        if !self.warned {
            self.warned = true;
            self.warning = Some(format!("what is typed cannot be kept for the next time: {why}"));
        }
    }
}

/// The XDG base directories, as their specification (0.8) has them: a path that is not absolute does not count.
fn file() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("netscene/history"))
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    Ok(fs::read_to_string(path)?.lines().map(unescaped).collect())
}

fn keep(path: &Path, entry: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut lines = match read(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        read => read.unwrap_or_default(),
    };
    if lines.last().is_some_and(|last| last == entry) {
        return Ok(());
    }
    lines.push(entry.to_owned());
    let first = lines.len().saturating_sub(MOST);
    let text: String = lines[first..].iter().map(|line| escaped(line) + "\n").collect();
    atomic::write(path, text.as_bytes())
}

/// An entry on one line.
fn escaped(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescaped(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.push(if chars.next() == Some('n') { '\n' } else { '\\' }),
            char => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_several_lines_comes_back() {
        for entry in ["node a", "namespace a {\n  pod b\n}", "a\\nb\\", "\\\\n\n\n"] {
            assert_eq!(unescaped(&escaped(entry)), entry);
            assert!(!escaped(entry).contains('\n'));
        }
    }
}
