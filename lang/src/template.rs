//! Texts with islands in them: `"${ client } reaches ${ service }"`.

use crate::ast::{Island, Text};
use crate::token::closing_brace;
use crate::{Diagnostic, Span};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// It stands for itself.
    Text(String),
    /// Its value stands there.
    Island(Island),
}

/// The pieces of a text that is written so in its file, with quotes around it or without.
pub(crate) fn parts(text: &Text) -> Vec<Part> {
    let quoted = (text.span.end - text.span.start) as usize > text.text.len();
    let base = text.span.start as usize + usize::from(quoted);
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(at) = text.text[from..].find("${").map(|at| from + at) {
        let Some(length) = closing_brace(&text.text[at + 2..]) else { break };
        let end = at + 2 + length;
        if at > from {
            parts.push(Part::Text(text.text[from..at].to_owned()));
        }
        parts.push(Part::Island(Island {
            span: Span::new(text.span.file, base + at, base + end + 1),
            base: (base + at + 2) as u32,
            text: text.text[at + 2..end].to_owned(),
        }));
        from = end + 1;
    }
    if from < text.text.len() {
        parts.push(Part::Text(text.text[from..].to_owned()));
    }
    parts
}

/// The islands of a text.
pub(crate) fn islands(text: &Text) -> Vec<Island> {
    let island = |part| match part {
        Part::Island(island) => Some(island),
        Part::Text(_) => None,
    };
    parts(text).into_iter().filter_map(island).collect()
}

/// The text with the values of its islands.
pub(crate) fn fill(
    text: &Text,
    value: &mut dyn FnMut(&Island) -> Result<String, Diagnostic>,
) -> Result<String, Diagnostic> {
    let mut whole = String::new();
    for part in parts(text) {
        match part {
            Part::Text(text) => whole += &text,
            Part::Island(island) => whole += &value(&island)?,
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    #[test]
    fn islands_know_their_places() {
        let source = "test \"a ${ x + \"}\" } b${y}\" {";
        let text = Text { span: Span::new(FileId(0), 5, 27), text: source[6..26].to_owned() };
        let islands = islands(&text);
        let at = |span: Span| &source[span.range()];
        assert_eq!(islands.iter().map(|island| at(island.span)).collect::<Vec<_>>(), ["${ x + \"}\" }", "${y}"]);
        assert_eq!(&source[islands[1].base as usize..][..1], "y");
        let filled = fill(&text, &mut |island| Ok(island.text.trim().len().to_string()));
        assert_eq!(filled, Ok("a 7 b1".to_owned()));
    }

    #[test]
    fn what_is_no_island_stays_as_it_is() {
        let text = Text { span: Span::new(FileId(0), 0, 8), text: "a ${ b $".to_owned() };
        assert_eq!(parts(&text), [Part::Text("a ${ b $".to_owned())]);
    }
}
