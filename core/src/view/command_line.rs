//! Command lines of tools: their words and places, and what is not understood of them.

use std::ops::Range;

use crate::did_you_mean;

/// What is not understood of a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct CommandError {
    /// The bytes of the command line that are meant; nothing at its end where something is missing.
    pub at: Range<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

/// A word of a command line, and its place.
#[derive(Clone, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) at: Range<usize>,
}

/// The words of a command line.
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let text = self.text[start..].split_whitespace().next()?;
        self.at = start + text.len();
        Some(Word { text, at: start..self.at })
    }
}

pub(super) fn missing(text: &str, what: &str, hint: &str) -> CommandError {
    CommandError { at: text.len()..text.len(), problem: format!("{what} is missing"), hint: hint.to_owned() }
}

/// A word that is none of the `known`: the nearest of them, else `all` there are to choose from.
pub(super) fn unknown(at: Range<usize>, what: &str, text: &str, known: &[&str], all: &str) -> CommandError {
    let meant = did_you_mean(text, known.iter().copied().filter(|known| !known.is_empty()));
    let hint = meant.map_or_else(|| all.to_owned(), |meant| format!("did you mean `{meant}`?"));
    CommandError { at, problem: format!("the {what} `{text}` is not known here"), hint }
}
