use std::convert::Infallible;
use std::sync::Arc;

use lalrpop_util::ParseError;

use crate::ast::{Ast, Clause, Island, Operand, Statement, StatementKind, Text, What};
use crate::sentences;
use crate::suggest::{list, question};
use crate::token::Token;
use crate::{Code, Diagnostic, FileId, SourceFile, Span, Word};

mod grammar {
    #![allow(
        clippy::all,
        clippy::pedantic,
        clippy::unwrap_used,
        elided_lifetimes_in_paths,
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        reason = "LALRPOP wrote it; nobody reads or edits it"
    )]
    include!(concat!(env!("OUT_DIR"), "/grammar.rs"));
}

/// Why a sentence could not be read.
pub(crate) type Fault<'s> = ParseError<usize, Token<'s>, Infallible>;

/// Reads a file. It never fails: a sentence that cannot be read becomes a diagnostic and a
/// [`Faulty`](StatementKind::Faulty) statement, and the reading goes on at the next.
///
/// ```
/// use netscene_lang::{SourceFiles, parse};
/// let mut files = SourceFiles::default();
/// let (ast, diagnostics) = parse(&files.add("hello.scn", "node a at 10.0.0.1\nnode b ta 10.0.0.2\n"));
/// assert_eq!(ast.statements.len(), 2);
/// assert_eq!(diagnostics.len(), 1);
/// ```
pub fn parse(file: &Arc<SourceFile>) -> (Ast, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let tokens = sentences::read(file, &mut diagnostics);
    let builder = Builder { file: file.id() };
    let mut faults = Vec::new();
    let tokens = tokens.into_iter().map(Ok::<_, Infallible>);
    let parsed = grammar::FileParser::new().parse(&builder, &mut faults, tokens);
    // Braces are balanced and every sentence has an end, so that the recovery always finds one; if it did not, the file
    // would be faulty as a whole.
    let statements = parsed.unwrap_or_else(|error| {
        faults.push(error);
        Vec::new()
    });
    diagnostics.extend(faults.into_iter().filter_map(|fault| describe(file, fault)));
    diagnostics.sort_by_key(Diagnostic::span);
    (Ast { file: file.clone(), statements }, diagnostics)
}

/// What a parse error says; nothing where the token has been reported when it was read.
fn describe(file: &SourceFile, error: Fault<'_>) -> Option<Diagnostic> {
    let (start, token, end, expected) = match error {
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => (start, token, end, expected),
        ParseError::UnrecognizedEof { location, expected } => (location, Token::Eol, location, expected),
        ParseError::ExtraToken { token: (start, token, end) } => (start, token, end, Vec::new()),
        ParseError::InvalidToken { location } => (location, Token::Eol, location, Vec::new()),
        ParseError::User { error } => match error {},
    };
    if token == Token::Error {
        return None;
    }
    let span = Span::new(file.id(), start, end);
    let text = file.at(span);
    let title = match token {
        Token::Eol => "the sentence ends too early".to_owned(),
        Token::Close => "`}` stands where the sentence goes on".to_owned(),
        Token::Open => "unexpected `{`".to_owned(),
        _ => format!("unexpected `{text}`"),
    };
    let expected: Vec<_> =
        expected.iter().map(|name| name.trim_matches('"')).filter(|name| *name != "nothing").collect();
    let names = expected.contains(&"name");
    let words = || expected.iter().copied().filter(|name| Word::from_text(name).is_some());
    // Where a name may stand every word may, and which of them were meant as words nobody knows.
    let shown = expected.iter().filter(|name| !names || Word::from_text(name).is_none());
    let quoted = |name: &str| Word::from_text(name).is_some() || !name.contains(char::is_alphanumeric);
    let shown = shown.map(|name| if quoted(name) { format!("`{name}`") } else { (*name).to_owned() });
    let shown: Vec<_> = shown.collect();
    let label = match shown.len() {
        0 => String::new(),
        1..=12 => format!("expected {}", list(shown.iter().map(String::as_str), "or")),
        _ => "a sentence begins with a word such as `node`, `service` or `send`".to_owned(),
    };
    let meant = if matches!(token, Token::Name(_) | Token::Word(_)) && !names { question(text, words()) } else { None };
    Some(Diagnostic::error(Code::Unexpected, title).at(span, label).hint(meant))
}

/// Makes nodes of the tree out of tokens.
pub(crate) struct Builder {
    file: FileId,
}

impl Builder {
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end.max(start))
    }

    pub(crate) fn statement(&self, start: usize, kind: StatementKind, end: usize) -> Statement {
        Statement { span: self.span(start, end), kind }
    }

    pub(crate) fn text(&self, start: usize, text: &str, end: usize) -> Text {
        Text { span: self.span(start, end), text: text.to_owned() }
    }

    pub(crate) fn clause(&self, start: usize, word: Word, value: Text, end: usize) -> Clause {
        Clause { span: self.span(start, end), word, value }
    }

    /// `${`, the Rhai, `}`.
    pub(crate) fn island(&self, start: usize, text: &str, end: usize) -> Island {
        Island { span: self.span(start, end), base: start as u32 + 2, text: text.to_owned() }
    }

    /// `rhai {`, the Rhai, `}`.
    pub(crate) fn script(&self, start: usize, text: &str, end: usize) -> Island {
        let base = end.saturating_sub(text.len() + 1).max(start);
        Island { span: self.span(start, end), base: base as u32, text: text.to_owned() }
    }

    pub(crate) fn name(&self, start: usize, text: &str, end: usize) -> Operand {
        let (name, port) = self.port(start, text, end);
        Operand { span: self.span(start, end), what: What::Name(name.to_owned()), port }
    }

    pub(crate) fn address(&self, start: usize, text: &str, end: usize) -> Operand {
        let (address, port) = self.port(start, text, end);
        Operand { span: self.span(start, end), what: What::Address(address.to_owned()), port }
    }

    fn port<'t>(&self, start: usize, text: &'t str, end: usize) -> (&'t str, Option<Text>) {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(self.text(start + host.len() + 1, port, end))),
            None => (text, None),
        }
    }
}
