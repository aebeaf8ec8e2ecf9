use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use netscene_core::Origin;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// The identity of a file among [`SourceFiles`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub u32);

/// A place in a file: bytes `start..end`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` to `end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    /// The bytes, as an index into the text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A file of a scenario: its name as the user gave it, and its text.
#[derive(Debug)]
pub struct SourceFile {
    id: FileId,
    name: Arc<str>,
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl SourceFile {
    fn new(id: FileId, name: &str, text: String) -> Self {
        let lines = codespan_reporting::files::line_starts(&text).collect();
        Self { id, name: name.into(), text, lines }
    }

    /// Its identity.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text at `span`, which must be of this file.
    pub fn at(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The index of the line that holds `byte`, from 0.
    pub(crate) fn line_index(&self, byte: usize) -> usize {
        self.lines.partition_point(|&start| start <= byte).saturating_sub(1)
    }

    pub(crate) fn line_range(&self, index: usize) -> Option<Range<usize>> {
        let start = *self.lines.get(index)?;
        Some(start..self.lines.get(index + 1).copied().unwrap_or(self.text.len()))
    }

    pub(crate) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// A place as operations carry it.
    pub fn origin(&self, span: Span) -> Origin {
        let line = self.line_index(span.start as usize) as u32 + 1;
        Origin { file: self.name.clone(), line, start: span.start, end: span.end }
    }
}

/// Every file that diagnostics may point into.
///
/// ```
/// use netscene_lang::SourceFiles;
/// let mut files = SourceFiles::default();
/// let file = files.add("hello.scn", "node worker1 at 10.0.0.1\n");
/// assert_eq!(file.name(), "hello.scn");
/// ```
#[derive(Clone, Debug, Default)]
pub struct SourceFiles {
    files: Vec<Arc<SourceFile>>,
    /// Where the first file of each name is.
    by_name: FxHashMap<Arc<str>, usize>,
}

impl SourceFiles {
    /// Adds a file under the name the user knows it by.
    pub fn add(&mut self, name: &str, text: impl Into<String>) -> Arc<SourceFile> {
        let mut text = text.into();
        // Windows' editors begin a file with a mark of its encoding.
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let file = Arc::new(SourceFile::new(FileId(self.files.len() as u32), name, text));
        self.by_name.entry(file.name.clone()).or_insert(self.files.len());
        self.files.push(file.clone());
        file
    }

    /// The file of that identity.
    pub fn get(&self, id: FileId) -> Option<&Arc<SourceFile>> {
        // Of several files each has the identity of its place.
        let there = self.files.get(id.0 as usize).filter(|file| file.id == id);
        there.or_else(|| self.files.iter().find(|file| file.id == id))
    }

    /// The file of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<SourceFile>> {
        self.by_name.get(name).and_then(|&at| self.files.get(at))
    }

    /// Their names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name())
    }

    /// All of them, in the order of their identities.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.iter()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// One file.
    pub(crate) fn one(file: &Arc<SourceFile>) -> Self {
        Self { files: vec![file.clone()], by_name: FxHashMap::from_iter([(file.name.clone(), 0)]) }
    }

    /// The text at a place.
    pub fn at(&self, span: Span) -> &str {
        self.get(span.file).map_or("", |file| file.at(span))
    }

    /// A place as operations carry it.
    pub fn origin(&self, span: Span) -> Option<Origin> {
        self.get(span.file).map(|file| file.origin(span))
    }

    /// The place that an operation carries.
    pub fn span(&self, origin: &Origin) -> Option<Span> {
        let file = self.named(&origin.file)?;
        Some(Span { file: file.id, start: origin.start, end: origin.end })
    }
}
