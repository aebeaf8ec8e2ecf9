//! `for` and `if` around declarations. They are carried out before anything is checked: each turn becomes a text of its own,
//! with values in the place of islands, which is read like any other file. So what is declared in a turn has its place, its
//! diagnostics and its provenance as everything else has.
//!
//! The lines of such a text have the numbers of the lines that it comes from, and its name tells the turn: `hello.scn[i=2]`.

use std::sync::Arc;

use netscene_core::map::IndexMap;
use rhai::{AST, Dynamic, EvalAltResult, ParseErrorType};

use crate::api::FUNCTIONS;
use crate::ast::{Island, Statement, StatementKind, Text};
use crate::cancel::Cancel;
use crate::limits::{MOST_BYTES, MOST_TURNS};
use crate::rhai_run::Rhai;
use crate::rhai_words::parse_problem;
use crate::run::values;
use crate::script;
use crate::sentences::{self, Spanned};
use crate::token::{Token, closing_brace};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, FileId, SourceFile, SourceFiles, Span, Word, has_errors, parse};

/// What may only stand outside of tests, or in a namespace.
const DECLARES: [Word; 6] = [Word::Cluster, Word::Pool, Word::Network, Word::Node, Word::Host, Word::Router];
/// What may stand in a test too.
const BRINGS: [Word; 3] = [Word::Namespace, Word::Apply, Word::Include];

/// Makes one token of the braces of each `for` and `if` that declares something, with what stands between them.
pub(crate) fn fold<'s>(tokens: &[Spanned<'s>], text: &'s str) -> Vec<Spanned<'s>> {
    let mut folded: Vec<Spanned<'s>> = Vec::with_capacity(tokens.len());
    let mut open: Vec<BlockKind> = Vec::new();
    let (mut head, mut at_head) = (None, true);
    let mut at = 0;
    while let Some((start, token, end)) = tokens.get(at) {
        let block = open.last().copied().unwrap_or(BlockKind::File);
        // What a test declares it declares when it runs.
        let outside = matches!(open.as_slice(), [] | [BlockKind::Namespace]);
        match token {
            Token::Word(word) if at_head => {
                head = Some(*word);
                if matches!(word, Word::For | Word::If) && outside && declares(&tokens[at..], block) {
                    at = fold_one(tokens, at, text, &mut folded);
                    continue;
                }
            }
            Token::Open => open.push(head.map_or(BlockKind::Unknown, |head| sentences::opened_by(head, block))),
            Token::Close => {
                open.pop();
            }
            _ => {}
        }
        at_head = matches!(token, Token::Eol | Token::Open);
        folded.push((*start, token.clone(), *end));
        at += 1;
    }
    folded
}

/// Takes a sentence over up to its end, with its braces folded. The place of what follows.
fn fold_one<'s>(tokens: &[Spanned<'s>], mut at: usize, text: &'s str, folded: &mut Vec<Spanned<'s>>) -> usize {
    while let Some((start, token, end)) = tokens.get(at) {
        if *token == Token::Open {
            let close = closing(tokens, at);
            let (from, to) = tokens.get(close).map_or((*end, *end), |(from, _, to)| (*from, *to));
            folded.push((*start, Token::Declared(text.get(*end..from).unwrap_or_default()), to));
            at = close + 1;
            continue;
        }
        folded.push((*start, token.clone(), *end));
        at += 1;
        if *token == Token::Eol {
            break;
        }
    }
    at
}

/// The place of the brace that closes the one at `open`.
fn closing(tokens: &[Spanned<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, (_, token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 1 => return at,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tokens.len()
}

/// Whether the sentence that `tokens` begin with declares something: in a namespace nothing else may stand.
fn declares(tokens: &[Spanned<'_>], block: BlockKind) -> bool {
    let Some(open) = tokens.iter().take_while(|one| one.1 != Token::Eol).position(|one| one.1 == Token::Open) else {
        return false;
    };
    if block == BlockKind::Namespace {
        return true;
    }
    let (mut depth, mut at_head) = (0_usize, false);
    // The braces of `for` and `if` among those that are open.
    let mut groups = vec![true];
    let mut heads = Vec::new();
    let mut head = None;
    for (_, token, _) in &tokens[open..closing(tokens, open)] {
        match token {
            Token::Word(word) if at_head => {
                head = Some(*word);
                if groups.iter().all(|group| *group) && !matches!(word, Word::For | Word::If) {
                    heads.push(*word);
                }
            }
            Token::Open => {
                if depth > 0 {
                    groups.push(matches!(head, Some(Word::For | Word::If)));
                }
                depth += 1;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                groups.pop();
            }
            _ => {}
        }
        at_head = matches!(token, Token::Eol | Token::Open);
    }
    let brings = !heads.is_empty() && heads.iter().all(|word| BRINGS.contains(word));
    brings || heads.iter().any(|word| DECLARES.contains(word))
}

/// Carries out the `for`s and `if`s around declarations of a scenario.
#[derive(Default)]
pub(crate) struct Repeats {
    /// Made when an island is first met.
    rhai: Option<Rhai>,
    /// The `rhai` blocks so far.
    library: Vec<Island>,
    /// How many of them it has taken in.
    learned: usize,
    /// The variables of the `for`s around, outermost first.
    turn: Vec<(String, Dynamic)>,
    /// The names of the files that turns come from.
    real: IndexMap<FileId, String>,
    turns: usize,
    bytes: usize,
    /// Whether a bound was passed and told.
    told: bool,
}

impl Repeats {
    /// Hears of the `rhai` blocks that are new.
    pub(crate) fn hear(&mut self, library: &[Island]) {
        self.library.extend_from_slice(library.get(self.library.len()..).unwrap_or_default());
    }

    /// Rhai, with the constants and functions of the `rhai` blocks so far. What is wrong with those the checks say.
    fn rhai(&mut self) -> &Rhai {
        let rhai = self.rhai.get_or_insert_with(|| Rhai::new(&Cancel::default()));
        for block in self.library.get(self.learned..).unwrap_or_default() {
            if let Ok(ast) = rhai.engine.compile_with_scope(&rhai.constants, &block.text) {
                let _ = rhai.learn(&ast);
            }
        }
        self.learned = self.library.len();
        rhai
    }

    /// How many texts it has made.
    pub(crate) fn made(&self) -> usize {
        self.real.len()
    }

    /// A sentence, with each turn in the place of its `for`.
    pub(crate) fn carry_out(
        &mut self,
        statement: Statement,
        files: &mut SourceFiles,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Statement> {
        self.all(vec![statement], None, files, diagnostics)
    }

    fn all(
        &mut self,
        statements: Vec<Statement>,
        namespace: Option<&str>,
        files: &mut SourceFiles,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Statement> {
        let mut all = Vec::with_capacity(statements.len());
        for mut statement in statements {
            match &mut statement.kind {
                StatementKind::Repeat { variable, list, body } => {
                    let items = match self.items(list) {
                        Ok(items) => items,
                        Err(diagnostic) => {
                            diagnostics.push(diagnostic);
                            continue;
                        }
                    };
                    for item in items {
                        self.turn.push((variable.text.clone(), item));
                        let told = diagnostics.len();
                        all.extend(self.body(body, namespace, files, diagnostics));
                        self.turn.pop();
                        // The other turns would say the same again.
                        if has_errors(&diagnostics[told..]) {
                            break;
                        }
                    }
                }
                StatementKind::When { condition, then, otherwise } => {
                    let chosen = match self.truth(condition) {
                        Ok(true) => Some(&*then),
                        Ok(false) => otherwise.as_ref(),
                        Err(diagnostic) => {
                            diagnostics.push(diagnostic);
                            None
                        }
                    };
                    if let Some(body) = chosen {
                        let body = body.clone();
                        all.extend(self.body(&body, namespace, files, diagnostics));
                    }
                }
                StatementKind::Namespace { name, body } => {
                    let inner = std::mem::take(&mut body.statements);
                    let name = name.text.clone();
                    body.statements = self.all(inner, Some(&name), files, diagnostics);
                    all.push(statement);
                }
                _ => all.push(statement),
            }
        }
        all
    }

    /// The sentences between braces, in this turn.
    fn body(
        &mut self,
        body: &Text,
        namespace: Option<&str>,
        files: &mut SourceFiles,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Statement> {
        let Some(file) = files.get(body.span.file).cloned() else { return Vec::new() };
        let before = namespace.map(|name| format!("namespace {name} {{ ")).unwrap_or_default();
        let text = match self.filled(body, &file, &before) {
            Ok(text) => text,
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                return Vec::new();
            }
        };
        self.turns += 1;
        self.bytes += text.len();
        if self.turns > MOST_TURNS || self.bytes > MOST_BYTES {
            if std::mem::replace(&mut self.told, true) {
                return Vec::new();
            }
            let title = format!("`for`s around declarations have at most {MOST_TURNS} turns, and {MOST_BYTES} bytes");
            let head = Span { end: body.span.start + 1, ..body.span };
            diagnostics.push(Diagnostic::error(Code::TooMuch, title).at(head, "this is one too many"));
            return Vec::new();
        }
        let real = self.real.get(&file.id()).cloned().unwrap_or_else(|| file.name().to_owned());
        let turn: Vec<_> = self.turn.iter().map(|(name, value)| format!("{name}={}", short(value))).collect();
        let turn = if turn.is_empty() { "if".to_owned() } else { turn.join(",") };
        let mut name = format!("{real}[{turn}]");
        if files.named(&name).is_some() {
            // Another `for` with the same variable: then its place tells them apart.
            let line = file.line_index(body.span.start as usize) + 1;
            name = format!("{real}[{turn}, line {line}]");
        }
        if files.named(&name).is_some() {
            name = format!("{name}.{}", self.turns);
        }
        let made = files.add(&name, text);
        self.real.insert(made.id(), real);
        let (ast, found) = parse(&made);
        diagnostics.extend(found);
        let mut statements = ast.statements;
        if namespace.is_some() {
            statements = statements.into_iter().flat_map(inside).collect();
        }
        self.all(statements, namespace, files, diagnostics)
    }

    /// The text of a turn. Islands of a `for` in it are left for its own turns.
    fn filled(&mut self, body: &Text, file: &Arc<SourceFile>, before: &str) -> Result<String, Diagnostic> {
        let start = body.span.start as usize;
        let line = file.line_index(start);
        let column = file.line_range(line).map_or(0, |range| start - range.start);
        let mut text = "\n".repeat(line);
        text.extend(std::iter::repeat_n(' ', column.saturating_sub(before.len())));
        text += before;
        let whole = format!("{before}{}{}", body.text, if before.is_empty() { "" } else { "\n}" });
        let alone = SourceFiles::default().add("", whole.as_str());
        let tokens = fold(&sentences::read(&alone, &mut Vec::new()), &whole);
        let (mut done, mut own) = (before.len(), false);
        for (number, (from, token, to)) in tokens.iter().enumerate() {
            let begins = number == 0 || matches!(tokens[number - 1].1, Token::Eol | Token::Open);
            if begins {
                let sentence = tokens[number..].iter().take_while(|one| !matches!(one.1, Token::Eol | Token::Open));
                own = sentence.into_iter().any(|one| matches!(one.1, Token::Declared(_)));
            }
            if own || *from < done || matches!(token, Token::Script(_)) {
                continue;
            }
            text += &whole[done..*from];
            let within = matches!(token, Token::Text(_) | Token::TextBlock(_) | Token::Command(_) | Token::Look(_));
            text += &self.replaced(&whole[*from..*to], body.span, start + from - before.len(), within)?;
            done = *to;
        }
        text += &whole[done..];
        Ok(text)
    }

    /// A piece of the file that begins at `base`, with values in the place of its islands; `within` a text they may have
    /// blanks.
    fn replaced(&mut self, piece: &str, of: Span, base: usize, within: bool) -> Result<String, Diagnostic> {
        let (mut text, mut from) = (String::new(), 0);
        while let Some(at) = piece[from..].find("${").map(|at| from + at) {
            let Some(length) = closing_brace(&piece[at + 2..]) else { break };
            let end = at + 2 + length;
            let span = Span::new(of.file, base + at, base + end + 1);
            let island = Island { span, base: (base + at + 2) as u32, text: piece[at + 2..end].to_owned() };
            let value = self.value(&island)?;
            text += &piece[from..at];
            text += &written(&value, span, within)?;
            from = end + 1;
        }
        text += &piece[from..];
        Ok(text)
    }

    fn items(&mut self, list: &Island) -> Result<Vec<Dynamic>, Diagnostic> {
        let value = self.value(list)?;
        let what = values::kind(&value);
        values::items(value).map_err(|_| {
            let diagnostic = Diagnostic::error(Code::BadIsland, "`for` goes through a list");
            let hint = "a list is `[1, 2]`, a range of numbers `1..3`";
            diagnostic.at(list.span, format!("this is {what}, or it is too long")).hint(hint.to_owned())
        })
    }

    fn truth(&mut self, condition: &Island) -> Result<bool, Diagnostic> {
        let value = self.value(condition)?;
        value.as_bool().map_err(|_| {
            let title = format!("{} is neither true nor false", values::kind(&value));
            Diagnostic::error(Code::BadIsland, title).at(condition.span, "expected a comparison")
        })
    }

    fn value(&mut self, island: &Island) -> Result<Dynamic, Diagnostic> {
        let turn = self.turn.clone();
        let rhai = self.rhai();
        let mut scope = rhai.constants.clone();
        for (name, value) in turn {
            scope.push_constant_dynamic(name, value);
        }
        let ast: AST = rhai.engine.compile_expression_with_scope(&scope, &island.text).map_err(|error| {
            let (code, title, label) = parse_problem(error.err_type());
            let label = match error.err_type() {
                ParseErrorType::VariableUndefined(_) => "no variable or constant of that name is known here",
                _ => label,
            };
            Diagnostic::error(code, title).at(island.locate(error.position()), label).hint(SEEN.to_owned())
        })?;
        rhai.evaluate(&ast, &mut scope).map_err(|error| match &*error {
            EvalAltResult::ErrorFunctionNotFound(name, place)
                if FUNCTIONS.iter().any(|known| name.split(' ').next() == Some(known.name)) =>
            {
                let title = format!("`{}` cannot be asked here", name.split(' ').next().unwrap_or_default());
                let diagnostic = Diagnostic::error(Code::BadIsland, title);
                diagnostic.at(island.locate(*place), "there is no cluster yet").hint(SEEN.to_owned())
            }
            _ => script::failure(&error, island, &[]),
        })
    }
}

/// What islands among declarations see.
const SEEN: &str = "around declarations islands see the variables of their `for`s, and the constants and functions of `rhai` \
                    blocks";

/// What stands in the braces of a sentence.
fn inside(statement: Statement) -> Vec<Statement> {
    match statement.kind {
        StatementKind::Namespace { body, .. } => body.statements,
        _ => vec![statement],
    }
}

/// A value as it stands in a declaration: a part of a name or a value, and no sentence.
fn written(value: &Dynamic, span: Span, within: bool) -> Result<String, Diagnostic> {
    let Some(text) = values::for_text(value) else {
        let title = format!("{} cannot stand in a declaration", values::kind(value));
        return Err(Diagnostic::error(Code::BadIsland, title).at(span, "expected a text or a number"));
    };
    let breaks = |c: char| {
        c.is_control() || !within && (c.is_whitespace() || c == ',') || matches!(c, '{' | '}' | ';' | '#' | '"' | '\\')
    };
    if text.is_empty() || text.contains(breaks) {
        let title = format!("{text:?} cannot stand in a declaration");
        let label = "expected a part of a name or of a value";
        return Err(Diagnostic::error(Code::BadIsland, title).at(span, label));
    }
    Ok(text)
}

/// A value in the name of a turn.
fn short(value: &Dynamic) -> String {
    let text = values::for_text(value).unwrap_or_else(|| values::kind(value).to_owned());
    text.chars().filter(|c| !c.is_control() && !matches!(c, '[' | ']')).take(24).collect()
}
