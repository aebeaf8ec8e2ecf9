//! `| grep …` behind a command.

use std::ops::Range;

use super::super::command_line::{CommandError, missing, unknown};
use super::shifted;

/// A `grep` with texts to look for, without the meaning that `grep` gives to `.` and `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grep {
    /// `-v`: the lines without it.
    pub inverted: bool,
    /// `-i`: in capital letters and small ones.
    pub any_case: bool,
    /// What is looked for: one of these. `-E` has several, with bars between them.
    pub texts: Vec<String>,
}

/// The flags that are understood; of `-F` there is nothing to do.
const FLAGS: [&str; 4] = ["-v", "-i", "-E", "-F"];

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
        let (mut grep, mut extended) = (Self::default(), false);
        while let Some(flag) = words.next_if(|word| word.text.starts_with('-')) {
            match flag.text {
                "-v" => grep.inverted = true,
                "-i" => grep.any_case = true,
                "-E" => extended = true,
                "-F" => {}
                other => return Err(unknown(flag.at, "flag of grep", other, &FLAGS, "-v, -i, -E and -F")),
            }
        }
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
        let text = quoted.unwrap_or(wanted);
        grep.texts = if extended { text.split('|').map(str::to_owned).collect() } else { vec![text.to_owned()] };
        Ok(grep)
    }

    /// The lines that it lets through.
    pub fn filter(&self, text: &str) -> String {
        let folded = |text: &str| if self.any_case { text.to_lowercase() } else { text.to_owned() };
        let wanted: Vec<_> = self.texts.iter().map(|text| folded(text)).collect();
        let keeps = |line: &&str| {
            let line = folded(line);
            wanted.iter().any(|text| line.contains(text)) != self.inverted
        };
        text.split_inclusive('\n').filter(keeps).collect()
    }
}
