//! The record of a run: what was done to the world and what was told, as data that needs no parser and no Rhai.
//!
//! A record is JSON. Everything that a replay prints is in it or comes of its operations:
//!
//! | Key | Holds |
//! |---|---|
//! | `format` | `"netscene record"` |
//! | `version` | [`VERSION`]; another one is not read |
//! | `seed` | the number that all chance in the world came from |
//! | `files` | `name` and `text` of every file: diagnostics show lines of them |
//! | `diagnostics` | what there was to say before the run; with an error among them there was no run |
//! | `steps` | what happened, in order: see [`Step`] |
//! | `summary` | the numbers of the closing line |
//!
//! An operation is written as `core` defines it ([`Op`](netscene_core::world::Op)), with its `origin` and the kind of its
//! outcome. `if`, `for`, tables and islands leave no trace but the operations that came of them. A place is a `file` (its
//! number in `files`, from 0), a `start` and an `end` in bytes.

use std::fmt;

use netscene_core::world::{OpError, Operation, Outcome};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Code, Diagnostic, SourceFiles, Span, Summary, TestInfo, TestResult};

/// The version of the form that is written and read.
pub const VERSION: u32 = netscene_core::world::VERSION;

/// What every record begins with.
const FORMAT: &str = "netscene record";

/// A run, to be repeated.
///
/// ```
/// use netscene_lang::{NoFolder, Record, record_scenario, replay};
/// let scenario = ("hello.scn", "node worker1 at 10.0.0.1\nping worker1 -> worker1 as hello\nexpect hello timeout\n");
/// let mut first = String::new();
/// let (verdict, record) = record_scenario(scenario, &NoFolder, 0, false, &mut |_, text| first.push_str(text));
///
/// let record = Record::read(&record.write())?;
/// let mut again = String::new();
/// assert_eq!(replay(&record, false, &mut |_, text| again.push_str(text)), verdict);
/// assert_eq!(again, first);
/// # Ok::<(), netscene_lang::RecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    format: String,
    version: u32,
    pub(crate) seed: u64,
    pub(crate) files: Vec<File>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) steps: Vec<Step>,
    pub(crate) summary: Summary,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    name: String,
    text: String,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "nearly every step is the large one")]
pub(crate) enum Step {
    /// An operation was applied to the world.
    Apply(Applied),
    /// A test began, in a world of its own.
    Test {
        /// Its name.
        name: String,
    },
    /// It ended, and its world with it; or it was left out.
    TestEnd {
        /// The test.
        test: TestInfo,
        /// What has become of it.
        result: TestResult,
    },
    /// A failure was told.
    Failure(Diagnostic),
}

/// An operation and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Applied {
    #[serde(flatten)]
    pub(crate) operation: Operation,
    pub(crate) outcome: Kind,
}

/// What kind of outcome an operation had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Done,
    Flow,
    Ways,
    Text,
    Held,
    Unmet,
    Refused,
}

impl Kind {
    pub(crate) fn of(result: &Result<Outcome, OpError>) -> Self {
        match result {
            Ok(Outcome::Done) => Self::Done,
            Ok(Outcome::Flow(_)) => Self::Flow,
            Ok(Outcome::Ways(_)) => Self::Ways,
            Ok(Outcome::Text(_)) => Self::Text,
            Ok(Outcome::Judged(judgement)) if judgement.held => Self::Held,
            Ok(Outcome::Judged(_)) => Self::Unmet,
            Err(_) => Self::Refused,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Flow => "a flow",
            Self::Ways => "several ways",
            Self::Text => "a text",
            Self::Held => "as expected",
            Self::Unmet => "not as expected",
            Self::Refused => "refused",
        })
    }
}

/// Why a text is no record that can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is JSON of something else.
    #[error("this is no record of netscene: its `format` is not {FORMAT:?}")]
    NoRecord,
    /// It is written in another form.
    #[error("the record has version {0}, and only version {VERSION} can be read; record the scenario again")]
    Version(u32),
    /// It ends too early.
    #[error("the record ends too early, in line {0}: it was cut off; record the scenario again")]
    Truncated(usize),
    /// It is no JSON, or not of the form.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
    /// A place in it is none.
    #[error("the record points to bytes {start} to {end} of file {file}, where there is no text")]
    Place {
        /// The number of the file.
        file: u32,
        /// The first byte.
        start: u32,
        /// The byte after the last.
        end: u32,
    },
}

impl Record {
    pub(crate) fn new(seed: u64, files: &SourceFiles, diagnostics: Vec<Diagnostic>) -> Self {
        let file = |file: &crate::SourceFile| File { name: file.name().to_owned(), text: file.text().to_owned() };
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            seed,
            files: files.iter().map(|one| file(one)).collect(),
            diagnostics,
            steps: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// The record as JSON: a line for each file, diagnostic and step, so that two records can be compared by lines.
    pub fn write(&self) -> String {
        let mut text = format!("{{\"format\":{},\"version\":{},\"seed\":{},", json(FORMAT), self.version, self.seed);
        list(&mut text, "files", &self.files);
        list(&mut text, "diagnostics", &self.diagnostics);
        list(&mut text, "steps", &self.steps);
        text += &["\n\"summary\":", &json(&self.summary), "}\n"].concat();
        text
    }

    /// Reads what [`write`](Self::write) has written. Every place in it is one of its files.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        /// What any version has.
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            format: String,
            #[serde(default)]
            version: u32,
        }
        let problem = |error: serde_json::Error| match error.classify() {
            serde_json::error::Category::Eof => RecordError::Truncated(error.line()),
            _ => RecordError::Malformed(error.to_string()),
        };
        let head: Head = serde_json::from_str(text).map_err(problem)?;
        if head.format != FORMAT {
            return Err(RecordError::NoRecord);
        }
        if head.version != VERSION {
            return Err(RecordError::Version(head.version));
        }
        let record: Self = serde_json::from_str(text).map_err(problem)?;
        let told = record.steps.iter().flat_map(|step| match step {
            Step::Failure(diagnostic) => std::slice::from_ref(diagnostic),
            Step::TestEnd { result: TestResult::FailedAsExpected { failures, .. }, .. } => failures,
            _ => &[],
        });
        for label in record.diagnostics.iter().chain(told).flat_map(|diagnostic| &diagnostic.labels) {
            let Span { file, start, end } = label.span;
            let text = record.files.get(file.0 as usize).map(|file| file.text.as_str());
            if text.and_then(|text| text.get(label.span.range())).is_none() {
                return Err(RecordError::Place { file: file.0, start, end });
            }
        }
        Ok(record)
    }

    /// The operations, in the order in which they were applied.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.steps.iter().filter_map(|step| match step {
            Step::Apply(applied) => Some(&applied.operation),
            _ => None,
        })
    }

    /// The files that it shows lines of.
    pub(crate) fn sources(&self) -> SourceFiles {
        let mut files = SourceFiles::default();
        for file in &self.files {
            files.add(&file.name, file.text.as_str());
        }
        files
    }
}

/// Writes a list, an element a line.
pub(crate) fn list<T: Serialize>(text: &mut String, name: &str, elements: &[T]) {
    *text += &["\n\"", name, "\":["].concat();
    for (number, element) in elements.iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&json(element));
    }
    text.push_str("],");
}

/// A value as JSON. What a record holds can always be written: its maps have texts for keys, and it has no fractions.
fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let code = Self::ALL.iter().copied().find(|code| code.to_string() == text);
        code.ok_or_else(|| D::Error::custom(format!("`{text}` is no code of a diagnostic")))
    }
}
