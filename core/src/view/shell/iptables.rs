//! `iptables -L` and `iptables -S`.

use super::super::command_line::{CommandError, Word, missing, unknown};
use crate::netfilter::TableName;

/// A listing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the command's options, by name")]
pub struct Listing {
    /// `-L` or `-S`.
    pub kind: ListingKind,
    /// `-t`; `filter` when not given.
    pub table: TableName,
    /// The chain; all when not given.
    pub chain: Option<String>,
    /// `-n`
    pub numeric: bool,
    /// `-v`
    pub verbose: bool,
    /// `-x`
    pub exact: bool,
    /// `--line-numbers`
    pub line_numbers: bool,
}

/// How rules are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingKind {
    /// `-L`: as a table.
    List,
    /// `-S`: as commands.
    Rules,
}

/// The options, for people.
const ALL: &str = "known are: -t TABLE, -L [CHAIN], -S [CHAIN], -n, -v, -x, --line-numbers";

impl Listing {
    /// Whether the arguments of `iptables` ask for a listing, and change nothing.
    pub fn is_asked_for(arguments: &str) -> bool {
        let lists = |word: &str| {
            matches!(word, "--list" | "--list-rules")
                || word.starts_with('-') && !word.starts_with("--") && word.contains(['L', 'S'])
        };
        // The text of a comment or a prefix is no option.
        arguments.split(['"', '\'']).step_by(2).flat_map(str::split_whitespace).any(lists)
    }

    pub(super) fn parse<'a>(text: &str, words: impl Iterator<Item = Word<'a>>) -> Result<Self, CommandError> {
        let mut words = words.peekable();
        let mut kind = None;
        let (mut name, mut chain) = (TableName::Filter, None);
        let (mut numeric, mut verbose, mut exact, mut line_numbers) = (false, false, false, false);
        while let Some(word) = words.next() {
            let letters = match word.text {
                "--table" => "t",
                "--list" => "L",
                "--list-rules" => "S",
                "--numeric" => "n",
                "--verbose" => "v",
                "--exact" => "x",
                "--line-numbers" => {
                    line_numbers = true;
                    continue;
                }
                short if short.starts_with('-') && !short.starts_with("--") && short.len() > 1 => &short[1..],
                other => return Err(unknown(word.at, "option", other, &["-L", "-S", "--line-numbers"], ALL)),
            };
            for letter in letters.chars() {
                match letter {
                    't' => name = table(text, words.next())?,
                    'n' => numeric = true,
                    'v' => verbose = true,
                    'x' => exact = true,
                    'L' | 'S' => {
                        kind = Some(if letter == 'L' { ListingKind::List } else { ListingKind::Rules });
                        chain = words.next_if(|word| !word.text.starts_with('-')).map(|word| word.text.to_owned());
                    }
                    _ => return Err(unknown(word.at, "option", word.text, &[], ALL)),
                }
            }
        }
        let Some(kind) = kind else { return Err(missing(text, "`-L` or `-S`", ALL)) };
        Ok(Self { kind, table: name, chain, numeric, verbose, exact, line_numbers })
    }
}

/// The table of `-t`.
pub(super) fn table(text: &str, word: Option<Word<'_>>) -> Result<TableName, CommandError> {
    let names = TableName::ALL.map(TableName::as_str);
    let all = names.join(", ");
    let word = word.ok_or_else(|| missing(text, "the table", &all))?;
    let found = TableName::ALL.into_iter().find(|name| name.as_str() == word.text);
    found.ok_or_else(|| unknown(word.at, "table", word.text, &names, &all))
}
