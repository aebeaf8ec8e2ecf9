//! From tokens to sentences: one end of line after each, balanced braces, words told from names, raw text kept whole.

use logos::Logos;

use crate::limits::DEEPEST_BRACES;
use crate::suggest::{list, question};
use crate::table;
use crate::token::{LexError, Token, closing_brace};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, SourceFile, Span, Word};

/// The programs whose command lines stand in an `on` block as they are typed, but for `iptables`.
pub(crate) const LOOKING: [&str; 9] =
    ["iptables-save", "ipset", "conntrack", "ip", "route", "tcpdump", "timeout", "dmesg", "cat"];

/// A token and its place.
pub(crate) type Spanned<'s> = (usize, Token<'s>, usize);

/// Reads the tokens of a file. The braces of what comes out are balanced, each sentence ends with [`Token::Eol`], and no
/// sentence is empty.
pub(crate) fn read<'s>(file: &'s SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Vec<Spanned<'s>> {
    let mut reader = Reader::new(file, diagnostics);
    if scan(&mut reader) {
        reader.finish();
    } else {
        reader.close();
    }
    reader.out
}

/// Where a text stands that somebody is still writing.
pub(crate) struct Beginning<'s> {
    /// Its tokens; the last sentence has no end, and braces may be open.
    pub(crate) tokens: Vec<Spanned<'s>>,
    /// The block in which it ends.
    pub(crate) block: BlockKind,
    /// The word that began the last sentence.
    pub(crate) head: Option<Word>,
    /// Whether the next word would begin a sentence.
    pub(crate) at_head: bool,
    /// How many braces are open.
    pub(crate) braces: usize,
    /// Whether a brace, lines of text or a `rhai` block is open, and the text goes on.
    pub(crate) open: bool,
}

/// Reads the tokens of a text that somebody is still writing.
pub(crate) fn begin(file: &SourceFile) -> Beginning<'_> {
    let mut faults = Vec::new();
    let mut reader = Reader::new(file, &mut faults);
    let whole = scan(&mut reader);
    let braces = reader.open.len();
    Beginning {
        block: reader.block(),
        head: reader.head,
        at_head: reader.at_head,
        braces,
        open: whole && (braces > 0 || reader.swallowed),
        tokens: reader.out,
    }
}

/// Reads everything. It says whether there was any sense in reading to the end.
fn scan(reader: &mut Reader<'_, '_>) -> bool {
    let file = reader.file;
    let mut lexer = Token::lexer(file.text());
    while let Some(token) = lexer.next() {
        let span = lexer.span();
        if reader.begins_row(&token) {
            let row = table::row(file.text().get(span.start..).unwrap_or_default());
            if let Some(rest) = row.len().checked_sub(span.len()) {
                lexer.bump(rest);
                reader.push(span.start, Token::Row(row), span.start + row.len());
                continue;
            }
        }
        match token {
            Ok(Token::Name("iptables")) if reader.at_head && begins_command(lexer.remainder()) => {
                let command = command(lexer.remainder());
                lexer.bump(command.len());
                reader.push(span.start, Token::Command(command.trim()), span.end + command.len());
            }
            Ok(Token::Name(tool)) if reader.at_head && LOOKING.contains(&tool) && !reader.in_machine() => {
                let length = tool.len() + command(lexer.remainder()).len();
                lexer.bump(length - tool.len());
                let text = file.text().get(span.start..span.start + length).unwrap_or(tool);
                reader.push(span.start, Token::Look(text.trim_end()), span.start + length);
            }
            Ok(Token::Name(tool @ ("kubectl" | "calicoctl"))) if reader.after_show() => {
                let length = tool.len() + command(lexer.remainder()).len();
                lexer.bump(length - tool.len());
                let text = file.text().get(span.start..span.start + length).unwrap_or(tool);
                reader.push(span.start, Token::Tool(text), span.start + length);
            }
            Ok(Token::Name("rhai")) if reader.at_head && lexer.remainder().trim_start().starts_with('{') => {
                let rest = lexer.remainder();
                let open = rest.len() - rest.trim_start().len() + 1;
                if let Some(end) = closing_brace(&rest[open..]) {
                    lexer.bump(open + end + 1);
                    reader.push(span.start, Token::Script(&rest[open..open + end]), span.end + open + end + 1);
                } else {
                    reader.unclosed(span.start, span.end + open, "this `rhai {` is never closed");
                    reader.swallowed = true;
                    lexer.bump(rest.len());
                    reader.push(span.start, Token::Script(""), span.end + open);
                }
            }
            Ok(token) => {
                let filled = if reader.at_head { None } else { filled(&token, &file.text()[span.start..]) };
                if let Some(text) = filled {
                    lexer.bump(text.len() - span.len());
                    reader.push(span.start, Token::Filled(text), span.start + text.len());
                } else if !reader.take(span.start, token, span.end) {
                    return false;
                }
            }
            Err(error) => {
                reader.report(&error, span.start, span.end);
                reader.push(span.start, Token::Error, span.end);
            }
        }
    }
    true
}

/// A value that has islands in it, or beside it without a blank: `web-${ i }`. Nothing where it is a value, or an island
/// with a port behind it. `text` begins with the token.
fn filled<'s>(token: &Token<'_>, text: &'s str) -> Option<&'s str> {
    let length = match token {
        Token::Island(inside) => inside.len() + 3,
        Token::Name(text)
        | Token::Qualified(text)
        | Token::Number(text)
        | Token::PortProtocol(text)
        | Token::Address(text)
        | Token::AddressPort(text)
        | Token::Cidr(text)
        | Token::Version(text)
        | Token::Fraction(text)
        | Token::Duration(text)
        | Token::NamePort(text)
        | Token::NamePortName(text)
        | Token::Label(text)
        | Token::PrefixLength(text)
        | Token::Path(text)
        | Token::Wildcard(text)
        | Token::Url(text) => text.len(),
        _ => return None,
    };
    let (mut at, mut islands, mut first) = (0, 0, 0);
    while let Some(char) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = &text[at..];
        if let Some(inside) = rest.strip_prefix("${") {
            // An island of a value ends in its line.
            let Some(end) = closing_brace(inside.split('\n').next().unwrap_or_default()) else { break };
            at += end + 3;
            islands += 1;
            first = if islands == 1 { at } else { first };
            continue;
        }
        let ends = char.is_whitespace() || matches!(char, ',' | ';' | '#' | '{' | '}' | '"');
        if ends || rest.starts_with("->") || rest.starts_with("=>") {
            break;
        }
        at += char.len_utf8();
    }
    let whole = &text[..at];
    let plain = matches!(token, Token::Island(_)) && islands == 1;
    let port = || whole[first..].strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (islands > 0 && at >= length && !(plain && (first == at || port()))).then_some(whole)
}

/// Whether what follows the word `iptables` makes it a command: a blank and a `-`.
fn begins_command(rest: &str) -> bool {
    rest.starts_with([' ', '\t']) && rest.trim_start_matches([' ', '\t']).starts_with('-')
}

/// The arguments of a command: up to the end of the line, or as a shell would have it to a `;`, a `}` or a `#` that is
/// in no quotes and, but for `;`, stands by itself.
fn command(rest: &str) -> &str {
    let line = rest.split('\n').next().unwrap_or_default();
    let (mut quote, mut blank, mut end) = (None, true, line.len());
    for (at, char) in line.char_indices() {
        match (quote, char) {
            (Some(open), _) if open == char => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, ';') => end = at,
            (None, '}' | '#') if blank => end = at,
            _ => {}
        }
        if end < line.len() {
            break;
        }
        blank = char.is_whitespace();
    }
    line[..end].trim_end()
}

struct Reader<'s, 'd> {
    file: &'s SourceFile,
    diagnostics: &'d mut Vec<Diagnostic>,
    out: Vec<Spanned<'s>>,
    /// The braces that are open: where each stands, and what kind of block it opened.
    open: Vec<(usize, BlockKind)>,
    /// The word that began the sentence.
    head: Option<Word>,
    /// The word that began the sentence before.
    previous: Option<Word>,
    /// Whether the next token begins a sentence.
    at_head: bool,
    /// Whether something that is no token has been reported in this sentence: what follows it is not worth more words.
    strange: bool,
    /// Whether a text or a script without an end has swallowed the rest of the file, braces and all.
    swallowed: bool,
}

impl<'s, 'd> Reader<'s, 'd> {
    fn new(file: &'s SourceFile, diagnostics: &'d mut Vec<Diagnostic>) -> Self {
        Self {
            file,
            diagnostics,
            out: Vec::new(),
            open: Vec::new(),
            head: None,
            previous: None,
            at_head: true,
            strange: false,
            swallowed: false,
        }
    }
}

impl<'s> Reader<'s, '_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file.id(), start, end)
    }

    fn push(&mut self, start: usize, token: Token<'s>, end: usize) {
        self.at_head = false;
        self.out.push((start, token, end));
    }

    /// Whether `show` was the token before.
    fn after_show(&self) -> bool {
        matches!(self.out.last(), Some((_, Token::Word(Word::Show), _))) && !self.at_head
    }

    /// Whether the sentence stands between the braces of a machine, where `route` is a field.
    fn in_machine(&self) -> bool {
        matches!(self.block(), BlockKind::Node | BlockKind::Host | BlockKind::Router)
    }

    /// The kind of the object that a `patch` changes: its braces hold the fields of that.
    fn patched(&self) -> Option<Word> {
        let at = self.out.iter().rposition(|(_, token, _)| *token == Token::Word(Word::Patch))?;
        match self.out.get(at + 1)? {
            (_, Token::Word(kind), _) => Some(*kind),
            (_, Token::Qualified(name), _) => Word::from_text(name.split('/').next()?),
            _ => None,
        }
    }

    /// Whether a row of a table begins with this token.
    fn begins_row(&self, token: &Result<Token<'_>, LexError>) -> bool {
        self.at_head
            && self.block() == BlockKind::Cases
            && !matches!(token, Ok(Token::Eol | Token::Open | Token::Close))
    }

    /// Takes a token. It says whether there is any sense in taking more.
    fn take(&mut self, start: usize, token: Token<'s>, end: usize) -> bool {
        match token {
            Token::Eol => self.end_sentence(start),
            Token::Open if self.open.len() == DEEPEST_BRACES => {
                let diagnostic = Diagnostic::error(Code::TooMuch, "the braces are nested too deeply");
                let label = format!("{DEEPEST_BRACES} are open; nothing after this was read");
                self.diagnostics.push(diagnostic.at(self.span(start, end), label));
                self.push(start, Token::Error, end);
                return false;
            }
            Token::Open => {
                if self.at_head {
                    self.rejoin();
                }
                let head = if self.head == Some(Word::Patch) { self.patched() } else { self.head };
                let kind = head.map_or(BlockKind::Unknown, |head| opened_by(head, self.block()));
                self.push(start, Token::Open, end);
                self.open.push((start, kind));
                self.begin_sentence();
            }
            Token::Close if self.open.is_empty() => {
                let diagnostic = Diagnostic::error(Code::Unclosed, "this `}` closes nothing");
                self.diagnostics.push(diagnostic.at(self.span(start, end), "there is no `{` before it"));
            }
            Token::Close => {
                self.end_sentence(start);
                self.open.pop();
                self.push(start, Token::Close, end);
            }
            Token::Name("else") if self.at_head => {
                // `else` may stand on the line below the brace.
                if let [.., (_, Token::Close, _), (_, Token::Eol, _)] = self.out.as_slice() {
                    self.out.pop();
                }
                self.head = Some(Word::If);
                self.push(start, Token::Word(Word::Else), end);
            }
            Token::Name(text) if self.at_head => {
                let token = match self.head_word(text, self.span(start, end)) {
                    Some(word) => {
                        self.head = Some(word);
                        Token::Word(word)
                    }
                    None => Token::Error,
                };
                self.push(start, token, end);
            }
            Token::Name(text) => {
                if text == "else" {
                    self.head = Some(Word::If);
                }
                let token = Word::from_text(text).map_or(Token::Name(text), Token::Word);
                self.push(start, token, end);
            }
            token => self.push(start, token, end),
        }
        true
    }

    fn begin_sentence(&mut self) {
        self.at_head = true;
        self.strange = false;
        self.previous = self.head.take();
    }

    /// Takes the end of the last sentence back, for a brace that stands on the line below its sentence.
    fn rejoin(&mut self) {
        if let [.., (_, last, _), (_, Token::Eol, _)] = self.out.as_slice()
            && *last != Token::Close
        {
            self.out.pop();
            self.head = self.previous;
        }
    }

    /// Ends a sentence, if there is one to end.
    fn end_sentence(&mut self, at: usize) {
        if !matches!(self.out.last(), None | Some((_, Token::Eol | Token::Open, _))) {
            let end = self.out.last().map_or(at, |(.., end)| *end);
            self.out.push((end, Token::Eol, end));
        }
        self.begin_sentence();
    }

    fn block(&self) -> BlockKind {
        self.open.last().map_or(BlockKind::File, |(_, kind)| *kind)
    }

    /// The word that begins a sentence; what was meant, where it is misspelt.
    fn head_word(&mut self, text: &str, span: Span) -> Option<Word> {
        if let Some(word) = Word::from_text(text).filter(|word| !word.blocks().is_empty()) {
            return Some(word);
        }
        let block = self.block();
        if block == BlockKind::Unknown {
            // The sentence that opened it has been reported, and nobody knows what may stand in it.
            return None;
        }
        if let Some((code, title, label)) = elsewhere(text, block) {
            self.strange = true;
            self.diagnostics.push(Diagnostic::error(code, title).at(span, label));
            return None;
        }
        let meant = crate::did_you_mean(text, block.words().map(Word::text));
        let label = match meant {
            Some(_) => question(text, block.words().map(Word::text)).unwrap_or_default(),
            None => "no sentence begins so".to_owned(),
        };
        // Commands that look at a machine are no words of the language.
        let commands = LOOKING.iter().copied().filter(|_| block == BlockKind::OnNode);
        let legal = || list(block.words().map(Word::text).chain(commands.clone()), "and");
        let hint = meant.is_none().then(|| format!("{} has: {}", block.describe(), legal()));
        let title = match block {
            BlockKind::File => format!("unknown word `{text}`"),
            _ => format!("unknown word `{text}` in {}", block.describe()),
        };
        self.diagnostics.push(Diagnostic::error(Code::UnknownWord, title).at(span, label).hint(hint));
        meant.and_then(Word::from_text)
    }

    fn report(&mut self, error: &LexError, start: usize, end: usize) {
        let text = self.file.text().get(start..end).unwrap_or_default();
        let (code, title, label) = match error {
            LexError::Island => (Code::Unclosed, "this `${` is never closed".into(), "no matching `}` on this line"),
            LexError::TextBlock => {
                // The whole rest of the file would be marked.
                self.swallowed = true;
                let diagnostic = Diagnostic::error(Code::Unclosed, "this `\"\"\"` is never closed");
                self.diagnostics.push(diagnostic.at(self.span(start, start + 3), "no other `\"\"\"` in the file"));
                return;
            }
            LexError::Text => (Code::Unclosed, "this `\"` is never closed".into(), "no other `\"` on this line"),
            LexError::Lines => {
                let first = text.split('\n').next().unwrap_or_default().trim_end().len();
                let diagnostic = Diagnostic::error(Code::Unclosed, "this `${` is not closed on its line");
                let hint = "an island stands on one line; what is longer goes into a function in a `rhai { }` block";
                let diagnostic = diagnostic.at(self.span(start, start + first), "its `}` comes on a later line");
                self.diagnostics.push(diagnostic.hint(hint.to_owned()));
                return;
            }
            LexError::Ipv6 => (Code::BadValue, format!("`{text}` is an address of IPv6"), "the model knows IPv4 only"),
            // In a block that nobody knows, nobody knows what may stand.
            LexError::Character if self.strange || self.block() == BlockKind::Unknown => return,
            LexError::Character => {
                self.strange = true;
                // A word in front of `:`, or a label with blanks, has not been reported: it is the sentence that is.
                let diagnostic = Diagnostic::error(Code::BadToken, format!("`{text}` means nothing here"));
                let (label, hint) = self.about(text, start);
                self.diagnostics.push(diagnostic.at(self.span(start, end), label).hint(hint));
                return;
            }
        };
        self.diagnostics.push(Diagnostic::error(code, title).at(self.span(start, end), label));
    }

    /// What to write instead of a character that is no token: people bring habits from YAML, shells and programs.
    fn about(&self, text: &str, start: usize) -> (&'static str, Option<String>) {
        let rest = self.file.text().get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let (label, hint) = match text {
            ":" => ("a value follows its field after a blank", "leave the `:` out"),
            "=" if line.starts_with("==") => ("comparisons stand in islands", "write `assert ${ … == … }`"),
            "=" if matches!(self.head, Some(Word::Labels | Word::Selector | Word::Annotations)) => {
                ("a label has no blanks", "write KEY=VALUE")
            }
            "=" => ("a value follows its field after a blank", "leave the `=` out"),
            "[" | "]" => ("a list stands in an island", "write `${ [ … ] }`"),
            "$" if line.starts_with("$(") => ("an island has braces", "write `${ … }`"),
            "(" | ")" | "<" | ">" | "!" | "*" | "+" => ("expressions stand in islands", "write `${ … }`"),
            "'" | "`" | "\u{201c}" | "\u{201d}" | "\u{201e}" => {
                ("text stands in straight double quotes", "write \"…\"")
            }
            "-" if self.at_head => {
                ("a sentence begins with a word", "leave the `-` out: there are no lists as in YAML")
            }
            "-" => ("no number is less than 0 here", "leave the `-` out"),
            "\u{2192}" => ("not a character of the language", "write `->`"),
            "\u{a0}" => ("a blank that is none", "write an ordinary space"),
            _ => ("not a character of the language", ""),
        };
        (label, Some(hint.to_owned()).filter(|hint| !hint.is_empty()))
    }

    fn unclosed(&mut self, start: usize, end: usize, title: &str) {
        let diagnostic = Diagnostic::error(Code::Unclosed, title);
        self.diagnostics.push(diagnostic.at(self.span(start, end), "no matching `}` in the file"));
    }

    /// Reports what is open at the end of the file, and closes it.
    fn finish(&mut self) {
        let open = if self.swallowed { Vec::new() } else { self.open.clone() };
        for (at, _) in open {
            self.unclosed(at, at + 1, "this `{` is never closed");
        }
        self.close();
    }

    /// Ends the last sentence and closes what is open.
    fn close(&mut self) {
        let end = self.out.last().map_or(0, |(.., end)| *end);
        self.end_sentence(end);
        while self.open.pop().is_some() {
            self.out.push((end, Token::Close, end));
            self.out.push((end, Token::Eol, end));
        }
    }
}

/// Words that other languages have, and where what they stand for is said here.
fn elsewhere(word: &str, block: BlockKind) -> Option<(Code, String, &'static str)> {
    let label = match word {
        "fn" | "function" | "def" | "const" | "let" | "var" => "functions and constants stand in a `rhai { }` block",
        "while" | "loop" | "until" | "repeat" => "the only loop is `for NAME in ${ LIST } { … }`",
        "print" | "echo" | "println" => "`show` and `trace` print what has happened",
        "sleep" => "time passes by `wait 14s`",
        "curl" | "wget" => "a page is fetched by `get FROM -> URL as NAME`",
        "dig" | "nslookup" => "a name is resolved by `resolve FROM NAME as NAME`",
        "kubectl" | "calicoctl" => "it is asked by `show kubectl …`",
        "import" | "source" => "other files come by `include \"FILE\"`",
        "replicaSet" | "ReplicaSet" => "a `deployment` has replicas",
        "statefulSet" | "StatefulSet" | "job" | "cronJob" => "the model has pods, deployments and daemonSets",
        _ => return None,
    };
    let title = match block {
        BlockKind::File => format!("unknown word `{word}`"),
        _ => format!("unknown word `{word}` in {}", block.describe()),
    };
    Some((Code::UnknownWord, title, label))
}

/// The kind of block that the braces of a sentence are, by the word it begins with.
pub(crate) fn opened_by(head: Word, outer: BlockKind) -> BlockKind {
    match head {
        Word::Cluster => BlockKind::Cluster,
        Word::KubeProxy => BlockKind::KubeProxy,
        Word::Namespace => BlockKind::Namespace,
        Word::Host => BlockKind::Host,
        Word::Node => BlockKind::Node,
        Word::Router => BlockKind::Router,
        Word::Pod => BlockKind::Pod,
        Word::Deployment | Word::DaemonSet | Word::StatefulSet => BlockKind::Workload,
        Word::DnsConfig => BlockKind::DnsConfig,
        Word::Zone => BlockKind::Zone,
        Word::Container => BlockKind::Container,
        Word::Serve => BlockKind::Serve,
        Word::Service => BlockKind::Service,
        Word::Endpoints => BlockKind::Endpoints,
        Word::Ingress if outer == BlockKind::NetworkPolicy => BlockKind::PolicyRule,
        Word::Ingress => BlockKind::Ingress,
        Word::NetworkPolicy => BlockKind::NetworkPolicy,
        Word::Egress => BlockKind::PolicyRule,
        Word::ConfigMap => BlockKind::ConfigMap,
        Word::On if outer != BlockKind::Serve => BlockKind::OnNode,
        Word::For | Word::If if outer == BlockKind::Namespace => BlockKind::Namespace,
        Word::Test | Word::For | Word::If => BlockKind::Test,
        Word::Cases => BlockKind::Cases,
        _ => BlockKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFiles;

    /// The tokens of a text, each as it is written; `|` is the end of a sentence.
    fn shown(text: &str) -> (String, usize) {
        let mut files = SourceFiles::default();
        let file = files.add("x.scn", text);
        let mut diagnostics = Vec::new();
        let tokens = read(&file, &mut diagnostics);
        let shown = tokens.iter().map(|(start, token, end)| match token {
            Token::Eol => "|",
            Token::Error => "?",
            Token::Close if start == end => "}",
            _ => &text[*start..*end],
        });
        (shown.collect::<Vec<_>>().join(" "), diagnostics.len())
    }

    #[test]
    fn each_sentence_ends_once() {
        assert_eq!(shown("\n\nnode a # one\n\n\nnode b"), ("node a | node b |".into(), 0));
        assert_eq!(
            shown("pod a { labels b=c; serviceAccount d }"),
            ("pod a { labels b=c | serviceAccount d | } |".into(), 0)
        );
        assert_eq!(shown("pod a {\n}\n"), ("pod a { } |".into(), 0));
    }

    #[test]
    fn else_and_braces_may_stand_on_the_next_line() {
        let (shown, faults) = shown("if ${ a }\n{ wait 1s }\nelse\n{ wait 2s }\n");
        assert_eq!((shown.as_str(), faults), ("if ${ a } { wait 1s | } else { wait 2s | } |", 0));
    }

    #[test]
    fn braces_are_balanced() {
        assert_eq!(shown("pod a {"), ("pod a { } |".into(), 1));
        assert_eq!(shown("wait 1s }"), ("wait 1s |".into(), 1));
    }

    #[test]
    fn raw_text_is_one_token() {
        let (shown, faults) =
            shown("on a { iptables -j LOG --log-prefix \"a } ; # b\" # c\n}\nrhai { fn a() { 1 } }\n");
        let expected = "on a { iptables -j LOG --log-prefix \"a } ; # b\" | } | rhai { fn a() { 1 } } |";
        assert_eq!((shown.as_str(), faults), (expected, 0));
    }

    #[test]
    fn a_misspelt_first_word_is_mended_from_its_block() {
        let mut files = SourceFiles::default();
        let file = files.add("x.scn", "cluster c { podCDIR 10.0.0.0/8 }");
        let mut diagnostics = Vec::new();
        let tokens = read(&file, &mut diagnostics);
        assert!(tokens.iter().any(|(_, token, _)| *token == Token::Word(Word::PodCidr)));
        assert_eq!(diagnostics.len(), 1);
    }
}
