//! `| grep …` behind a command.

use std::ops::Range;

use super::super::command_line::{CommandError, missing, unknown};
use super::shifted;

/// A `grep` with a text to look for, without the meaning that `grep` gives to `.` and `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grep {
    /// `-v`: the lines without it.
    pub inverted: bool,
    /// What is looked for.
    pub text: String,
}

/// The parts of a command line between its bars; a bar in quotes is none.
pub(super) fn split(text: &str) -> impl Iterator<Item = Range<usize>> + use<> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '|') => {
                parts.push(start..at);
                start = at + 1;
            }
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    parts.push(start..text.len());
    parts.into_iter()
}

impl Grep {
    pub(super) fn parse(text: &str, part: Range<usize>) -> Result<Self, CommandError> {
        let end = part.end;
        let mut words = shifted(text, part).peekable();
        match words.next() {
            Some(word) if word.text == "grep" => {}
            Some(word) => {
                return Err(unknown(word.at, "command", word.text, &["grep"], "only `grep` can follow a bar"));
            }
            None => return Err(missing(text, "the command behind `|`", "only `grep` can follow a bar")),
        }
        let inverted = words.next_if(|word| word.text == "-v").is_some();
        let Some(first) = words.next() else { return Err(missing(text, "what to look for", "grep TEXT")) };
        let wanted = text[first.at.start..end].trim();
        let quoted = ['"', '\''].iter().find_map(|quote| wanted.strip_prefix(*quote)?.strip_suffix(*quote));
        let special = |letter: char| "^$*[]\\.".contains(letter);
        if let Some(at) = wanted.find(special).filter(|_| quoted.is_none()) {
            // A dot stands for itself too, so that an address may be looked for.
            if !wanted[at..].starts_with('.') {
                let at = first.at.start + at..first.at.start + at + 1;
                return Err(unknown(at, "pattern", wanted, &[], "the text itself, without patterns"));
            }
        }
        Ok(Self { inverted, text: quoted.unwrap_or(wanted).to_owned() })
    }

    /// The lines that it lets through.
    pub fn filter(&self, text: &str) -> String {
        let keeps = |line: &&str| line.contains(&self.text) != self.inverted;
        text.split_inclusive('\n').filter(keeps).collect()
    }
}
