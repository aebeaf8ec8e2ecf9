//! Why an assertion is false: the value of each part of it.

use std::ops::Range;

use super::values::{self, show};
use super::{Engine, Runner};
use crate::ast::Island;
use crate::{Code, Diagnostic, Span};

/// The most parts that are shown: past that a diagnostic explains nothing.
const MOST: usize = 6;

impl<E: Engine + 'static> Runner<'_, E> {
    /// A failed assertion, with the value of every variable and chain of properties in it, and of both sides of the
    /// comparison if it is one.
    pub(super) fn explain(&self, island: &Island, word: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(Code::AssertionFailed, "this is not true").at(word, "");
        let mut parts = chains(&island.text);
        parts.extend(sides(&island.text).into_iter().flatten().filter(|side| !is_literal(&island.text[side.clone()])));
        parts.sort_by_key(|part| (part.start, part.end));
        parts.dedup();
        // Where one part lies in another, a place alone does not say which is meant.
        let nested = parts.windows(2).any(|pair| pair[1].start < pair[0].end);
        let mut shown = 0;
        let mut said: Vec<&str> = Vec::new();
        let mut out = diagnostic;
        for part in parts {
            let text = island.text.get(part.clone()).unwrap_or_default();
            // A part of a closure names its parameters, which are nothing outside of it.
            let Ok(rhai) = self.rhai() else { continue };
            let mut scope = self.scope(rhai, text);
            let Ok(ast) = rhai.engine.compile_expression_with_scope(&scope, text) else { continue };
            let Ok(value) = rhai.evaluate(&ast, &mut scope) else { continue };
            if shown == MOST || said.contains(&text) || value.is_fnptr() {
                continue;
            }
            let what = if nested { format!("`{text}`") } else { "this".to_owned() };
            out = out.see(island.part(part), format!("{what} is {}", show(&value)));
            said.push(text);
            shown += 1;
        }
        out.text(self.judged_by(&island.text))
    }

    /// In short, what the flows did and which ways there were that the text of an island names.
    fn judged_by(&self, text: &str) -> String {
        let mut told = String::new();
        for (name, value) in self.variables.iter().filter(|(name, _)| names(text, name)) {
            if let Some(values::Flow(flow)) = value.clone().try_cast() {
                told.push_str(&netscene_core::view::trace::brief(&flow, false));
            } else if let Some(ways) = values::explored(value).filter(|ways| ways.name == *name) {
                told.push_str(&netscene_core::view::ways::list(&ways, None));
            }
        }
        told
    }
}

/// Whether the Rhai names a variable: as a word of its own, or as the text of `flow("…")`.
fn names(text: &str, name: &str) -> bool {
    let is_part =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text.as_bytes()[..at], &text.as_bytes()[at + name.len()..]);
        !is_part(before.last()) && !after.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    })
}

impl<E: Engine + 'static> Runner<'_, E> {
    /// Whether an assertion calls nothing and names neither a flow nor anything else that has a value only while it runs.
    pub(super) fn is_constant(&self, island: &Island) -> bool {
        chains(&island.text).into_iter().map(|chain| &island.text[chain]).all(|chain| {
            let name = &chain[..word_end(chain.as_bytes(), 0)];
            !chain.contains('(') && !self.variables.contains_key(name)
        })
    }
}

/// Whether a side of a comparison says its value itself.
fn is_literal(text: &str) -> bool {
    let text = text.trim();
    text.parse::<i64>().is_ok()
        || matches!(text, "true" | "false")
        || text.len() > 1
            && text.starts_with('"')
            && text.find('"').is_some()
            && text[1..].find('"') == Some(text.len() - 2)
}

/// The places of `name`, `name.property`, `name.method(…)[0]` and the like.
fn chains(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut chains = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'' | b'`') => at = skip_quoted(bytes, at, quote),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let end = chain_end(bytes, at);
                let word = &text[at..word_end(bytes, at)];
                if !matches!(word, "true" | "false" | "if" | "else" | "switch" | "in" | "let" | "const" | "global") {
                    chains.push(at..end);
                }
                at = end;
            }
            byte if byte.is_ascii_digit() => at = word_end(bytes, at),
            _ => at += 1,
        }
    }
    chains
}

fn word_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
        at += 1;
    }
    at
}

fn chain_end(bytes: &[u8], at: usize) -> usize {
    let mut end = word_end(bytes, at);
    loop {
        match bytes.get(end) {
            Some(b'.') if bytes.get(end + 1).is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_') => {
                end = word_end(bytes, end + 1);
            }
            Some(b'(' | b'[') => end = skip_brackets(bytes, end),
            _ => return end,
        }
    }
}

fn skip_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn skip_brackets(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            quote @ (b'"' | b'\'' | b'`') => {
                at = skip_quoted(bytes, at, quote);
                continue;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Both sides of the comparison that the whole text is; nothing where it is none, or more than one.
fn sides(text: &str) -> Option<[Range<usize>; 2]> {
    let bytes = text.as_bytes();
    let mut found = None;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'' | b'`') => at = skip_quoted(bytes, at, quote),
            b'(' | b'[' | b'{' => at = skip_brackets(bytes, at),
            b'&' | b'|' | b'?' => return None,
            b'=' | b'!' | b'<' | b'>' => {
                let length = if bytes.get(at + 1) == Some(&b'=') { 2 } else { 1 };
                let compares = length == 2 || matches!(bytes[at], b'<' | b'>');
                if compares && found.replace(at..at + length).is_some() {
                    return None;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    let operator = found?;
    let trim = |range: Range<usize>| {
        let part = &text[range.clone()];
        let start = range.start + part.len() - part.trim_start().len();
        start..start + part.trim().len()
    };
    Some([trim(0..operator.start), trim(operator.end..text.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        chains(text).into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn the_parts_of_an_assertion() {
        assert_eq!(parts("hello.hops.len() <= longest_path"), ["hello.hops.len()", "longest_path"]);
        assert_eq!(parts("page.body == \"a.b\" && !page.delivered"), ["page.body", "page.delivered"]);
        assert_eq!(parts("f(hello, \"tunl0\")"), ["f(hello, \"tunl0\")"]);
        assert_eq!(parts("hello.hops[0].out.len == 1"), ["hello.hops[0].out.len"]);
    }

    #[test]
    fn the_sides_of_a_comparison() {
        let text = " a.b + 1 <= (c == d) ";
        let [left, right] = sides(text).unwrap();
        assert_eq!((&text[left], &text[right]), ("a.b + 1", "(c == d)"));
        assert_eq!(sides("a == b && c == d"), None);
        assert_eq!(sides("!a"), None);
    }

    #[test]
    fn broken_text_ends_the_search() {
        assert_eq!(parts("a.b(\"c"), ["a.b(\"c"]);
        assert_eq!(parts("\"c\\"), Vec::<&str>::new());
    }
}
