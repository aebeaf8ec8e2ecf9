//! What is to be coloured in a text that somebody writes.

use std::ops::Range;

use crate::SourceFiles;
use crate::sentences;
use crate::token::Token;

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// A word that begins a sentence.
    Head,
    /// A word of the language inside of a sentence.
    Word,
    /// A text in quotes.
    Text,
    /// An address, a port, a number, a duration.
    Value,
    /// Rhai: an island or a block of it.
    Rhai,
    /// A command as it is typed on a machine.
    Command,
    /// A remark.
    Comment,
    /// What is no token, or begins no sentence.
    Wrong,
}

/// The parts of a text that have a colour, in order, none over another. Names have none.
///
/// ```
/// use netscene_lang::session::{Colour, highlight};
/// let text = "node a at 10.0.0.1 # one";
/// let parts: Vec<_> = highlight(text).into_iter().map(|(range, colour)| (&text[range], colour)).collect();
/// let value = ("10.0.0.1", Colour::Value);
/// assert_eq!(parts, [("node", Colour::Head), ("at", Colour::Word), value, ("# one", Colour::Comment)]);
/// ```
pub fn highlight(text: &str) -> Vec<(Range<usize>, Colour)> {
    let file = SourceFiles::default().add("<>", text);
    let beginning = sentences::begin(&file);
    let mut parts = Vec::new();
    let (mut at_head, mut last) = (true, 0);
    for (start, token, end) in &beginning.tokens {
        let (start, end) = (*start, *end);
        if start < last || end > text.len() {
            continue;
        }
        comments(text, last..start, &mut parts);
        last = end;
        let colour = match token {
            Token::Word(_) if at_head => Some(Colour::Head),
            Token::Word(_) => Some(Colour::Word),
            Token::Text(_) | Token::TextBlock(_) => Some(Colour::Text),
            Token::Island(_) | Token::Script(_) => Some(Colour::Rhai),
            Token::Command(_) | Token::Look(_) | Token::Tool(_) => Some(Colour::Command),
            Token::Error => Some(Colour::Wrong),
            Token::Number(_)
            | Token::PortProtocol(_)
            | Token::Address(_)
            | Token::AddressPort(_)
            | Token::Cidr(_)
            | Token::Mac(_)
            | Token::Version(_)
            | Token::Fraction(_)
            | Token::Duration(_)
            | Token::ColonPort(_)
            | Token::PrefixLength(_)
            | Token::Url(_) => Some(Colour::Value),
            _ => None,
        };
        if let Some(colour) = colour.filter(|_| start < end) {
            parts.push((start..end, colour));
        }
        at_head = matches!(token, Token::Eol | Token::Open | Token::Close);
    }
    comments(text, last..text.len(), &mut parts);
    parts
}

/// The remarks between two tokens.
fn comments(text: &str, gap: Range<usize>, parts: &mut Vec<(Range<usize>, Colour)>) {
    let mut at = gap.start;
    for line in text.get(gap).unwrap_or_default().split_inclusive('\n') {
        if let Some(mark) = line.find('#') {
            parts.push((at + mark..at + line.trim_end().len(), Colour::Comment));
        }
        at += line.len();
    }
}
