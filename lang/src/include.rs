//! The other files of a scenario: `include` and `apply` name them, a [`Folder`] reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use netscene_core::dump::{Dump, DumpFile};
use netscene_core::map::IndexMap;

use crate::ast::{Ast, Island, Statement, StatementKind, Text};
use crate::limits::{MOST_BYTES, MOST_FILES};
use crate::repeat::Repeats;
use crate::{Code, Diagnostic, SourceFile, SourceFiles, Span, has_errors, manifest, parse};

/// The folder of a scenario, as far as the scenario may look.
///
/// ```
/// use netscene_lang::{Folder, SourceFiles, compile_in};
/// struct One;
/// impl Folder for One {
///     fn read(&self, path: &str) -> Result<String, String> {
///         assert_eq!(path, "states/a.scn");
///         Ok("node worker1 at 10.0.0.1\n".to_owned())
///     }
/// }
/// let mut files = SourceFiles::default();
/// let main = files.add("hello.scn", "include \"states/a.scn\"\nping worker1 -> worker1 as hello\ntrace hello\n");
/// let (program, diagnostics) = compile_in(&mut files, &main, &One);
/// assert!(diagnostics.is_empty() && program.declarations().len() == 1);
/// ```
pub trait Folder {
    /// The text of a file. The path begins at the folder, has `/` between its parts and no part that leads upwards; whoever
    /// reads from a disk has to see to it that no link leads out either. An error is told as it is.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The names of the files in a folder below it, in order. A folder that cannot be listed says why.
    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let _ = path;
        Err("folders cannot be listed here".to_owned())
    }
}

/// Files by path.
impl Folder for BTreeMap<String, String> {
    fn read(&self, path: &str) -> Result<String, String> {
        self.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let inside = self.keys().filter_map(|name| name.strip_prefix(&below));
        let names: Vec<_> = inside.filter(|name| !name.contains('/')).map(str::to_owned).collect();
        if names.is_empty() { Err("there is no such folder".to_owned()) } else { Ok(names) }
    }
}

/// No folder: nothing can be read.
#[derive(Clone, Copy, Debug)]
pub struct NoFolder;

impl Folder for NoFolder {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("there is no folder to read from".to_owned())
    }
}

/// Reads a scenario and every file that it includes or applies. What an included file says stands in the place of the
/// sentence that includes it; a file that is there already is not included again.
pub(crate) fn read(files: &mut SourceFiles, main: &Arc<SourceFile>, folder: &dyn Folder) -> (Ast, Vec<Diagnostic>) {
    let (root, name) = main.name().rsplit_once('/').map_or(("", main.name()), |(root, name)| (root, name));
    let mut seen = Vec::new();
    read_on(files, main, (root, name), folder, &mut seen, Vec::new())
}

/// The same where others have been read before: `seen` are the scenarios of the folder that are there already, and gets
/// those that come; `library` are the `rhai` blocks. What the user calls the folder is `root`, and `name` what the file is
/// called in it.
pub(crate) fn read_on(
    files: &mut SourceFiles,
    main: &Arc<SourceFile>,
    (root, name): (&str, &str),
    folder: &dyn Folder,
    seen: &mut Vec<String>,
    library: Vec<Island>,
) -> (Ast, Vec<Diagnostic>) {
    seen.push(name.to_owned());
    let before = files.count().saturating_sub(1);
    let mut reading = Reading {
        files,
        folder,
        root: root.to_owned(),
        seen: std::mem::take(seen),
        open: vec![name.to_owned()],
        parsed: IndexMap::default(),
        included: 0,
        unread: false,
        library,
        repeats: None,
        carried_out: IndexMap::default(),
        not_read: before,
        diagnostics: Vec::new(),
    };
    let statements = reading.scenario(main, "");
    let Reading { unread, diagnostics, seen: read, .. } = reading;
    *seen = read;
    (Ast { file: main.clone(), files: files.clone(), statements, unread }, diagnostics)
}

struct Reading<'a> {
    files: &'a mut SourceFiles,
    folder: &'a dyn Folder,
    /// What the user calls the scenario's folder.
    root: String,
    /// The paths of the scenarios that have been read.
    seen: Vec<String>,
    /// The paths of those that are being read, each included by the one before.
    open: Vec<String>,
    /// What each file says. A file may be included in many tests.
    parsed: IndexMap<String, Vec<Statement>>,
    /// How often a file has been included.
    included: usize,
    /// Whether one of the files could not be read.
    unread: bool,
    /// The `rhai` blocks that have been read.
    library: Vec<Island>,
    /// What carries out the `for`s and `if`s around declarations, from the first that is met.
    repeats: Option<Repeats>,
    /// What came of each. A file may be included in many tests.
    carried_out: IndexMap<Span, Vec<Statement>>,
    /// How many of the files have not been read for this scenario: turns of `for`s, and what was there before.
    not_read: usize,
    diagnostics: Vec<Diagnostic>,
}

/// Whether a sentence is a `for` or an `if` around declarations, or a namespace with one in it.
fn repeats(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Repeat { .. } | StatementKind::When { .. } => true,
        StatementKind::Namespace { body, .. } => body.statements.iter().any(repeats),
        _ => false,
    }
}

impl Reading<'_> {
    /// The sentences of a file that lies in `within`, a folder below the scenario's.
    fn scenario(&mut self, file: &Arc<SourceFile>, within: &str) -> Vec<Statement> {
        let read = self.parsed(file);
        self.statements(read, within, false)
    }

    /// What a file says, as it stands there. Its `rhai` blocks are known in the whole of it.
    fn parsed(&mut self, file: &Arc<SourceFile>) -> Vec<Statement> {
        let (ast, found) = parse(file);
        self.diagnostics.extend(found);
        let blocks = ast.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Rhai(island) => Some(island.clone()),
            _ => None,
        });
        self.library.extend(blocks);
        ast.statements
    }

    /// Carries out a `for` or an `if` around declarations: its turns are in its place.
    fn carry_out(&mut self, statement: Statement) -> Vec<Statement> {
        if let Some(before) = self.carried_out.get(&statement.span) {
            return before.clone();
        }
        let span = statement.span;
        let repeats = self.repeats.get_or_insert_default();
        let made = repeats.made();
        repeats.hear(&self.library);
        let statements = repeats.carry_out(statement, self.files, &mut self.diagnostics);
        self.not_read += repeats.made() - made;
        self.carried_out.insert(span, statements.clone());
        statements
    }

    /// Puts in what is included and applied, in a test or outside of all.
    fn statements(&mut self, read: Vec<Statement>, within: &str, in_test: bool) -> Vec<Statement> {
        let mut statements = Vec::with_capacity(read.len());
        for statement in read {
            if repeats(&statement) {
                for turn in self.carry_out(statement) {
                    self.statement(turn, within, in_test, &mut statements);
                }
            } else {
                self.statement(statement, within, in_test, &mut statements);
            }
        }
        statements
    }

    fn statement(&mut self, mut statement: Statement, within: &str, in_test: bool, into: &mut Vec<Statement>) {
        if let StatementKind::Include(path) = &statement.kind {
            into.extend(self.include(path, within, in_test));
            return;
        }
        self.manifests(&mut statement, within);
        let in_test = in_test || matches!(statement.kind, StatementKind::Test { .. });
        for block in statement.kind.blocks_mut() {
            let inner = std::mem::take(&mut block.statements);
            block.statements = self.statements(inner, within, in_test);
        }
        into.push(statement);
    }

    fn include(&mut self, path: &Text, within: &str, in_test: bool) -> Vec<Statement> {
        let Some(path_below) = self.path(path, within) else { return Vec::new() };
        if self.open.contains(&path_below) {
            let diagnostic = Diagnostic::error(Code::IncludesItself, "the file includes itself");
            self.diagnostics.push(diagnostic.at(path.span, self.open.join(", which includes ")));
            return Vec::new();
        }
        // Each test has a world of its own, and takes what it includes into that.
        if !in_test {
            if self.seen.contains(&path_below) {
                return Vec::new();
            }
            self.seen.push(path_below.clone());
        }
        self.included += 1;
        if self.included > MOST_FILES {
            let diagnostic =
                Diagnostic::error(Code::TooMuch, format!("a scenario includes at most {MOST_FILES} files"));
            self.diagnostics.push(diagnostic.at(path.span, "this is one too many"));
            return Vec::new();
        }
        if !self.parsed.contains_key(&path_below) {
            let Some(file) = self.file(path, &path_below) else { return Vec::new() };
            let statements = self.parsed(&file);
            self.parsed.insert(path_below.clone(), statements);
        }
        let read = self.parsed.get(&path_below).cloned().unwrap_or_default();
        self.open.push(path_below.clone());
        let folder = path_below.rsplit_once('/').map_or("", |(folder, _)| folder);
        let statements = self.statements(read, folder, in_test);
        self.open.pop();
        statements
    }

    /// Reads what a sentence applies.
    fn manifests(&mut self, statement: &mut Statement, within: &str) {
        if let StatementKind::Apply { path, operations } = &mut statement.kind {
            let Some(path_below) = self.path(path, within) else { return };
            let Some(file) = self.file(path, &path_below) else { return };
            let (read, found) = manifest::read(&file);
            *operations = read;
            self.unread |= has_errors(&found);
            self.diagnostics.extend(found);
        }
        if let StatementKind::Load { path, dump, .. } = &mut statement.kind
            && let Some(below) = self.path(path, within)
        {
            *dump = self.dump(path, &below);
        }
    }

    /// The files of a node's dump.
    fn dump(&mut self, path: &Text, below: &str) -> Dump {
        let unreadable = |name: &str, why: String| {
            Diagnostic::error(Code::Unreadable, format!("{name} cannot be read")).at(path.span, why)
        };
        let mut dump = Dump::default();
        let called =
            |below: &str| if self.root.is_empty() { below.to_owned() } else { format!("{}/{below}", self.root) };
        let names = match self.folder.list(below) {
            Ok(names) if names.is_empty() => Err("it has no files".to_owned()),
            Ok(names) if names.len() > MOST_FILES => Err(format!("a dump has at most {MOST_FILES} files")),
            listed => listed,
        };
        let names = match names {
            Ok(names) => names,
            Err(why) => {
                self.diagnostics.push(unreadable(&called(below), why));
                return dump;
            }
        };
        for name in names {
            let below = format!("{below}/{name}");
            let name = called(&below);
            match self.folder.read(&below) {
                Ok(text) if text.len() > MOST_BYTES => {
                    self.diagnostics.push(unreadable(&name, format!("a file has at most {MOST_BYTES} bytes")));
                }
                Ok(text) => dump.files.push(DumpFile { name, text }),
                Err(why) => self.diagnostics.push(unreadable(&name, why)),
            }
        }
        dump
    }

    /// A path as the folder takes it.
    fn path(&mut self, path: &Text, within: &str) -> Option<String> {
        let mut parts: Vec<_> = within.split('/').filter(|part| !part.is_empty()).collect();
        let absolute = path.text.starts_with('/') || path.text.contains(['\\', ':', '\0']);
        let mut escapes = absolute;
        for part in path.text.split('/') {
            match part {
                "" | "." => {}
                ".." => escapes |= parts.pop().is_none(),
                part => parts.push(part),
            }
        }
        if escapes {
            let title = format!("{:?} is not below the scenario's folder", path.text);
            let diagnostic = Diagnostic::error(Code::OutsideFolder, title);
            let label = "nothing outside of that folder is read";
            let hint = "move the file there, and write its path as seen from this file";
            self.diagnostics.push(diagnostic.at(path.span, label).hint(hint.to_owned()));
            self.unread = true;
            return None;
        }
        if parts.is_empty() {
            let diagnostic = Diagnostic::error(Code::Unreadable, format!("{:?} names no file", path.text));
            let example =
                if path.text.is_empty() { "expected a path such as \"nodes.scn\"" } else { "this is a folder" };
            self.diagnostics.push(diagnostic.at(path.span, example));
            self.unread = true;
            return None;
        }
        Some(parts.join("/"))
    }

    fn file(&mut self, path: &Text, below: &str) -> Option<Arc<SourceFile>> {
        let file = self.read_file(path, below);
        self.unread |= file.is_none();
        file
    }

    fn read_file(&mut self, path: &Text, below: &str) -> Option<Arc<SourceFile>> {
        let name = if self.root.is_empty() { below.to_owned() } else { format!("{}/{below}", self.root) };
        if self.files.count() - self.not_read >= MOST_FILES {
            let diagnostic = Diagnostic::error(Code::TooMuch, "the scenario has too many files");
            let label = format!("a scenario has at most {MOST_FILES} files");
            // Once is enough: every other one would be told the same.
            if self.diagnostics.iter().all(|other| other.title != diagnostic.title) {
                self.diagnostics.push(diagnostic.at(path.span, label));
            }
            return None;
        }
        match self.folder.read(below) {
            Ok(text) if text.len() > MOST_BYTES => {
                let diagnostic = Diagnostic::error(Code::TooMuch, format!("{name} is too large"));
                self.diagnostics.push(diagnostic.at(path.span, format!("a file has at most {MOST_BYTES} bytes")));
                None
            }
            Ok(text) => Some(match self.files.named(&name) {
                Some(same) if same.text() == text => same.clone(),
                // The file has changed since: places in the one that was read stay true.
                Some(_) => self.files.add(&format!("{name} ({})", self.files.count()), text),
                None => self.files.add(&name, text),
            }),
            Err(why) => {
                let diagnostic = Diagnostic::error(Code::Unreadable, format!("{name} cannot be read"));
                self.diagnostics.push(diagnostic.at(path.span, why));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_is_included_is_known_to_the_declarations_below() {
        let disk = folder(&[("names.scn", "rhai { fn last(n) { n + 10 } }\n")]);
        let text = "include \"names.scn\"\nfor n in ${ 1..3 } { node worker${n} at 10.0.0.${ last(n) } }\n";
        let mut files = SourceFiles::default();
        let main = files.add("main.scn", text);
        let (program, diagnostics) = crate::compile_in(&mut files, &main, &disk);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(program.declarations().len(), 2);
    }

    #[test]
    fn turns_are_bounded_in_all_files_together() {
        let half = "for a in ${ 0..50 } { for b in ${ 0..50 } { node n${a}-${b} at 10.0.${a}.${b} } }\n";
        let disk = folder(&[("half.scn", half)]);
        let mut files = SourceFiles::default();
        let main = files.add("main.scn", format!("{}include \"half.scn\"\n", half.replace("node n", "node m")));
        let (_, diagnostics) = crate::compile_in(&mut files, &main, &disk);
        assert_eq!(diagnostics.iter().filter(|found| found.code == Code::TooMuch).count(), 1, "{diagnostics:?}");
    }

    #[test]
    fn a_map_is_a_folder() {
        let map = folder(&[("dumps/edge/b.txt", "2"), ("dumps/edge/a.txt", "1"), ("x.yaml", "")]);
        assert_eq!(map.list("dumps/edge/"), Ok(vec!["a.txt".to_owned(), "b.txt".to_owned()]));
        assert_eq!(map.read("dumps/edge/a.txt"), Ok("1".to_owned()));
        assert!(map.read("none").is_err() && map.list("x.yaml").is_err());
    }
}
