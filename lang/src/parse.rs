use std::convert::Infallible;
use std::sync::Arc;

use lalrpop_util::ParseError;

use crate::ast::{
    AnswerPart, Ast, Block, Clause, Island, Operand, PacketOption, Statement, StatementKind, Text, Value, What,
};
use crate::repeat;
use crate::sentences;
use crate::suggest::{list, question};
use crate::token::Token;
use crate::{Code, Diagnostic, FileId, SourceFile, SourceFiles, Span, Word};

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
    let tokens = repeat::fold(&sentences::read(file, &mut diagnostics), file.text());
    let heads = heads(&tokens);
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
    let told: Vec<_> = faults.into_iter().filter_map(|fault| describe(file, fault, &heads)).collect();
    // Characters behind the place where a sentence went wrong are a part of what went wrong there.
    let line = |span: Option<Span>| span.map(|span| (file.line_index(span.start as usize), span.start));
    diagnostics.retain(|other| {
        let (one, code) = (line(other.span()), other.code);
        let before =
            |fault: &Diagnostic| line(fault.span()).zip(one).is_some_and(|(f, one)| f.0 == one.0 && f.1 < one.1);
        code != Code::BadToken || !told.iter().any(before)
    });
    diagnostics.extend(told);
    diagnostics.sort_by_key(Diagnostic::span);
    (Ast { file: file.clone(), files: SourceFiles::one(file), statements, unread: false }, diagnostics)
}

/// What may come next in a text that somebody is still writing: the terminals of the grammar, by their names.
pub(crate) fn expected(file: &SourceFile, beginning: &sentences::Beginning<'_>) -> Vec<String> {
    let at = file.text().len();
    let mut tokens = beginning.tokens.clone();
    // No sentence has it, so that here the parser says what it would have taken.
    tokens.push((at, Token::Error, at));
    tokens.push((at, Token::Eol, at));
    for _ in 0..beginning.braces {
        tokens.extend([(at, Token::Close, at), (at, Token::Eol, at)]);
    }
    let builder = Builder { file: file.id() };
    let mut faults = Vec::new();
    let parsed = grammar::FileParser::new().parse(&builder, &mut faults, tokens.into_iter().map(Ok::<_, Infallible>));
    faults.extend(parsed.err());
    let here = |fault: Fault<'_>| match fault {
        ParseError::UnrecognizedToken { token: (start, Token::Error, _), expected } if start == at => Some(expected),
        _ => None,
    };
    let found = faults.into_iter().find_map(here).unwrap_or_default();
    found.into_iter().map(|name| name.trim_matches('"').to_owned()).collect()
}

/// The most terminals that a message names as expected: there are more only where a sentence begins.
const MOST: usize = 20;

/// The words that sentences begin with, and where they stand.
fn heads(tokens: &[sentences::Spanned<'_>]) -> Vec<(usize, Word)> {
    let mut at_head = true;
    let mut heads = Vec::new();
    for (start, token, _) in tokens {
        if let (true, Token::Word(word)) = (at_head, token) {
            heads.push((*start, *word));
        }
        at_head = matches!(token, Token::Eol | Token::Open);
    }
    heads
}

/// What a parse error says; nothing where the token has been reported when it was read.
fn describe(file: &SourceFile, error: Fault<'_>, heads: &[(usize, Word)]) -> Option<Diagnostic> {
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
    // They stand in the order of the file.
    let before = heads.partition_point(|(at, _)| *at < start);
    let head = heads[..before].last().map(|(_, word)| word);
    // Clauses are the same for all declarations; which of them belong, the sentence's own form says.
    let belongs = |name: &String| {
        let word = name.trim_matches('`');
        let of_it = |head: &&Word| head.syntax().split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
        Word::from_text(word).is_none() || head.is_some_and(|head| of_it(&head))
    };
    let own: Vec<_> = shown.iter().filter(|name| belongs(name)).cloned().collect();
    let shown = if own.is_empty() { shown } else { own };
    let label = match shown.len() {
        0 => String::new(),
        1..=MOST => format!("expected {}", list(shown.iter().map(String::as_str), "or")),
        _ => "a sentence begins with a word such as `node`, `service` or `send`".to_owned(),
    };
    let meant = if matches!(token, Token::Name(_) | Token::Word(_)) && !names { question(text, words()) } else { None };
    let has = |name: &str| expected.contains(&name);
    let cure = match token {
        Token::Address(_) if has("at") => Some(format!("write `at {text}`")),
        Token::Number(_) if has("duration") => Some(format!("write a unit behind it, as in `{text}s`")),
        Token::Version(_) | Token::Name(_) if has("duration") && text.starts_with(|c: char| c.is_ascii_digit()) => {
            Some("write a whole number and its unit, such as `1500ms`".to_owned())
        }
        Token::Arrow if has("=>") => Some("a translation is written with `=>`".to_owned()),
        Token::Becomes if has("->") => Some("a way is written with `->`".to_owned()),
        Token::Name(_) | Token::NamePort(_) | Token::Qualified(_) if has("URL") => {
            Some(format!("write `http://{text}`"))
        }
        Token::Name(_) | Token::Word(_) if has("key=value") => Some(format!("write it without blanks: `{text}=VALUE`")),
        Token::Name(_) | Token::Qualified(_) if has("text in quotes") => {
            Some(format!("put it in quotes: `\"{text}\"`"))
        }
        Token::Word(Word::Not) if has("name") => Some("the name comes first: `expect NAME not …`".to_owned()),
        Token::Name(_) | Token::Qualified(_) | Token::NamePort(_) if has("${ }") && shown.len() == 1 => {
            Some(format!("write `${{ {text} }}`"))
        }
        Token::Filled(_) if names || has("address") || has("number") || has("CIDR") => Some(
            "a declaration has islands in a `for` around declarations, such as `for i in ${ 1..=3 } { node worker${ i } … }`"
                .to_owned(),
        ),
        Token::Path("//") => Some("a comment begins with `#`".to_owned()),
        _ => None,
    };
    let sentence = heads[..before].last().map_or("", |(at, _)| &file.text()[*at..start]);
    let cure = cure.or_else(|| head.and_then(|head| earlier(*head, sentence, text)));
    let hint = cure
        .or(meant)
        .or_else(|| head.filter(|_| shown.len() <= MOST).map(|word| format!("it goes `{}`", word.syntax())));
    Some(Diagnostic::error(Code::Unexpected, title).at(span, label).hint(hint))
}

/// What was wrong before the word that cannot stand where it does: a word that was taken for a name.
fn earlier(head: Word, sentence: &str, text: &str) -> Option<String> {
    let words: Vec<_> = sentence.split_whitespace().collect();
    match head {
        Word::Send if words.last() == Some(&"as") => {
            let text = if text.trim().is_empty() { "NAME" } else { text };
            Some(format!("write the protocol before it: `tcp as {text}` or `udp as {text}`"))
        }
        Word::Expect => {
            let known: Vec<_> =
                head.syntax().split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3).collect();
            let unknown = words.iter().skip(2).filter(|word| !known.contains(word));
            unknown.into_iter().find_map(|word| question(word, known.iter().copied()))
        }
        _ => None,
    }
}

/// The kinds of objects whose fields change.
pub(crate) const CHANGED: [Word; 10] = [
    Word::Service,
    Word::Pod,
    Word::Deployment,
    Word::DaemonSet,
    Word::StatefulSet,
    Word::Ingress,
    Word::ConfigMap,
    Word::NetworkPolicy,
    Word::Node,
    Word::Router,
];

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

    /// `set service/web …`: the kind, where it is one, and the name.
    pub(crate) fn patch(&self, word: Word, start: usize, text: &str, end: usize, body: Block) -> StatementKind {
        let (first, name) = text.split_once('/').unwrap_or(("", text));
        let kind = Word::from_text(first).filter(|kind| CHANGED.contains(kind));
        let what = match kind {
            Some(_) => self.name(start + first.len() + 1, name, end),
            None => self.name(start, text, end),
        };
        StatementKind::Patch { word, kind, what, body }
    }

    pub(crate) fn answer(
        &self,
        start: usize,
        word: Word,
        servers: Vec<Operand>,
        value: Option<Text>,
        end: usize,
    ) -> AnswerPart {
        AnswerPart { span: self.span(start, end), word, servers, value }
    }

    pub(crate) fn option(
        &self,
        start: usize,
        word: Word,
        flags: Vec<Text>,
        value: Option<Value>,
        end: usize,
    ) -> PacketOption {
        PacketOption { span: self.span(start, end), word, flags, value }
    }

    /// A `send`: a connection or a datagram where nothing more is said of it than that it goes by TCP or UDP.
    pub(crate) fn send(
        from: Operand,
        to: Operand,
        protocol: Text,
        mut options: Vec<PacketOption>,
        name: Text,
    ) -> StatementKind {
        match options.as_mut_slice() {
            [] if matches!(protocol.text.as_str(), "TCP" | "tcp" | "UDP" | "udp") => {
                StatementKind::Send { from, to, protocol, name }
            }
            [PacketOption { word: Word::Flags, flags, .. }] => {
                StatementKind::Segment { from, to, protocol, flags: std::mem::take(flags), name }
            }
            _ => StatementKind::Craft { from, to, protocol: Some(protocol), options, name },
        }
    }

    pub(crate) fn ping(from: Operand, to: Operand, options: Vec<PacketOption>, name: Text) -> StatementKind {
        if options.is_empty() {
            StatementKind::Ping { from, to, name }
        } else {
            StatementKind::Craft { from, to, protocol: None, options, name }
        }
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

    /// A name with islands in it, as the text that Rhai makes of it; a port may stand behind it.
    pub(crate) fn filled(&self, start: usize, text: &str, end: usize) -> Operand {
        let digits = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let (name, port) = match text.rsplit_once(':').filter(|(_, port)| digits(port)) {
            Some((name, port)) => (name, Some(self.text(end - port.len(), port, end))),
            None => (text, None),
        };
        Operand { span: self.span(start, end), what: What::Island(self.composed(start, name)), port }
    }

    /// The same as an island. The mark that begins a text in Rhai takes the place of what stands before it.
    pub(crate) fn composed(&self, start: usize, text: &str) -> Island {
        let span = self.span(start, start + text.len());
        Island { span, base: (start as u32).saturating_sub(1), text: format!("`{text}`") }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFiles;
    use crate::ast::Pattern;

    fn only(text: &str) -> StatementKind {
        let mut files = SourceFiles::default();
        let (ast, diagnostics) = parse(&files.add("x.scn", text));
        assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
        assert_eq!(ast.statements.len(), 1, "{text}");
        ast.statements.into_iter().next().expect("there is one").kind
    }

    #[test]
    fn a_place_and_its_port_come_apart() {
        let StatementKind::Send { from, to, .. } = only("send browser:58927 -> 10.1.110.105:80 tcp as hello") else {
            panic!("not a send")
        };
        assert_eq!(from.what, What::Name("browser".into()));
        assert_eq!(from.port.map(|port| (port.text, port.span.start)), Some(("58927".into(), 13)));
        assert_eq!(to.what, What::Address("10.1.110.105".into()));
    }

    #[test]
    fn sentences_that_begin_alike() {
        assert!(matches!(only("host a at 10.0.0.1"), StatementKind::Host { .. }));
        assert!(matches!(only("host a path Exact /26 -> b:80"), StatementKind::Path { host: Some(_), .. }));
        assert!(
            matches!(only("on GET / connect a:1, b:2"), StatementKind::Handler { answer, .. } if answer[0].servers.len() == 2)
        );
        assert!(matches!(only("on a { iptables -F }"), StatementKind::On { .. }));
        assert!(matches!(only("iptables 1.6.1"), StatementKind::Version { .. }));
        assert!(matches!(only("choose port -> a"), StatementKind::Choose { .. }));
        assert!(matches!(only("choose port 1/TCP on a"), StatementKind::ChoosePort { .. }));
        assert!(matches!(only("trace a"), StatementKind::Trace { .. }));
        assert!(matches!(only("trace hops hops"), StatementKind::Trace { .. }));
        assert!(matches!(only("trace a -> http://b/"), StatementKind::TraceGet { .. }));
        let conntrack = only("expect conntrack not a tcp 10.0.0.1 -> 10.0.0.2:80");
        assert!(matches!(conntrack, StatementKind::Expect { not: true, pattern: Pattern::Conntrack { .. }, .. }));
        assert!(matches!(only("show conntrack on a dport 1"), StatementKind::ShowConntrack { protocol: None, .. }));
    }

    #[test]
    fn an_island_knows_where_its_rhai_begins() {
        let StatementKind::Assert(island) = only("assert ${ 1 == 1 }") else { panic!("not an assert") };
        assert_eq!((island.base, island.text.as_str()), (9, " 1 == 1 "));
        let StatementKind::Rhai(block) = only("rhai  { const a = 1; }") else { panic!("not a rhai block") };
        assert_eq!((block.base, block.text.as_str()), (7, " const a = 1; "));
    }
}
