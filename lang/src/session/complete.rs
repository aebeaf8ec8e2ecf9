//! What may be written at a place: by the grammar, and by what there is in the world.

use netscene_core::map::IndexSet;
use serde::Serialize;

use super::{Session, islands, names};
use crate::sentences::{self, Beginning, LOOKING};
use crate::token::{Token, closing_brace};
use crate::words::BlockKind;
use crate::{SourceFiles, Word, parse};

/// What may be written at a place, in the place of a part of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the part begins that a candidate replaces, in bytes; it ends at the cursor.
    pub from: usize,
    /// What may stand there: names before words, each in order.
    pub candidates: Vec<Candidate>,
}

/// One thing that may be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: CandidateKind,
    /// What it is for, in a line; may be empty.
    pub help: String,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CandidateKind {
    /// A word of the language.
    Word,
    /// A command that people type on a machine, or a part of one.
    Command,
    /// A pod.
    Pod,
    /// A deployment, a daemonSet or a statefulSet.
    Deployment,
    /// A service.
    Service,
    /// An ingress.
    Ingress,
    /// A network policy.
    NetworkPolicy,
    /// A config map.
    ConfigMap,
    /// A node.
    Node,
    /// A host.
    Host,
    /// A router.
    Router,
    /// A pool.
    Pool,
    /// MetalLB's own pool.
    IpAddressPool,
    /// An advertisement of MetalLB's.
    L2Advertisement,
    /// A namespace.
    Namespace,
    /// A container.
    Container,
    /// A device.
    Device,
    /// A chain, with its table.
    Chain,
    /// A table of iptables.
    Table,
    /// What was sent.
    Flow,
    /// A label, `key=value`.
    Label,
    /// The beginning of a URL.
    Url,
    /// A property of an object in an island.
    Property,
    /// A function of islands.
    Function,
    /// A hook of netfilter.
    Hook,
    /// A code of diagnostics.
    Code,
    /// A test.
    Test,
}

impl Candidate {
    pub(super) fn new(text: impl Into<String>, kind: CandidateKind, help: impl Into<String>) -> Self {
        Self { text: text.into(), kind, help: help.into() }
    }

    fn word(word: Word) -> Self {
        Self::new(word.text(), CandidateKind::Word, word.help())
    }
}

impl Session {
    /// What may be written in a text at `cursor`, a place in bytes.
    ///
    /// ```
    /// use netscene_lang::session::Session;
    /// let mut session = Session::new(0);
    /// session.enter("node worker1 at 10.0.0.1\nnamespace default { pod client on worker1 }");
    /// let texts = |text: &str| -> Vec<String> {
    ///     session.complete(text, text.len()).candidates.into_iter().map(|one| one.text).collect()
    /// };
    /// assert_eq!(texts("ping cl"), ["client"]);
    /// assert_eq!(texts("names"), ["namespace"]);
    /// assert_eq!(texts("fail node w"), ["worker1"]);
    /// assert_eq!(texts("cluster c { overl"), ["overlay"]);
    /// ```
    pub fn complete(&self, text: &str, cursor: usize) -> Completion {
        let before = text.get(..cursor).unwrap_or(text);
        if let Some(island) = island(before) {
            return islands::complete(self, before, island);
        }
        let from = behind(before, |c| !c.is_alphanumeric() && !"-_./".contains(c));
        let chunk = behind(before, char::is_whitespace);
        let sight = self.sight();
        let world = names::Names { session: self, sight: &sight };
        let (from, candidates) = if before[chunk..].contains("://") {
            (chunk, world.urls())
        } else {
            let file = SourceFiles::default().add("<>", &before[..from]);
            let beginning = sentences::begin(&file);
            let written = beginning.tokens.last().map_or(0, |(.., end)| *end);
            if before.get(written..from).is_some_and(|gap| gap.contains('#')) {
                // A remark is the user's.
                (from, Vec::new())
            } else if let Some((place, line)) = typed(&beginning) {
                (from, world.command(&place, line))
            } else {
                (from, candidates(&world, &beginning, &file))
            }
        };
        let written = &before[from..];
        let mut seen = IndexSet::default();
        let fits = |one: &Candidate| one.text.starts_with(written) && one.text != written;
        let candidates = candidates.into_iter().filter(|one| fits(one) && seen.insert(one.text.clone())).collect();
        Completion { from, candidates }
    }
}

/// Where the part of a text begins that is behind the last character of a kind.
pub(super) fn behind(text: &str, kind: impl Fn(char) -> bool) -> usize {
    let found = text.char_indices().rev().find(|(_, char)| kind(*char));
    found.map_or(0, |(at, char)| at + char.len_utf8())
}

/// Where the Rhai begins of an island that is open at the end of a text.
fn island(before: &str) -> Option<usize> {
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let mut from = line;
    while let Some(at) = before[from..].find("${").map(|at| from + at + 2) {
        match closing_brace(&before[at..]) {
            None => return Some(at),
            Some(end) => from = at + end + 1,
        }
    }
    None
}

/// The command line that is being typed in an `on` block, and the place it is typed at.
fn typed<'s>(beginning: &Beginning<'s>) -> Option<(String, &'s str)> {
    let (_, last, _) = beginning.tokens.last()?;
    let line = match last {
        Token::Command(line) | Token::Look(line) => *line,
        // A command's first words: `iptables` without an option is the word still.
        Token::Word(Word::Iptables) if beginning.block == BlockKind::OnNode => "",
        _ => return None,
    };
    let on = beginning.tokens.iter().rposition(|(_, token, _)| *token == Token::Word(Word::On))?;
    let (_, place, _) = beginning.tokens.get(on + 1)?;
    Some((name(place).unwrap_or_default().to_owned(), line))
}

/// The text of a token that can be a name.
pub(super) fn name<'s>(token: &Token<'s>) -> Option<&'s str> {
    match token {
        Token::Name(text) | Token::Qualified(text) | Token::NamePort(text) | Token::Fraction(text) => Some(*text),
        Token::Word(word) => Some(word.text()),
        _ => None,
    }
}

fn candidates(world: &names::Names<'_>, beginning: &Beginning<'_>, file: &crate::SourceFile) -> Vec<Candidate> {
    if beginning.at_head {
        let mut all: Vec<_> = beginning.block.words().map(Candidate::word).collect();
        if beginning.block == BlockKind::OnNode {
            all.extend(LOOKING.iter().map(|tool| Candidate::new(*tool, CandidateKind::Command, "")));
        }
        return all;
    }
    let expected = parse::expected(file, beginning);
    let has = |terminal: &str| expected.iter().any(|one| one == terminal);
    let words = Word::ALL.iter().copied().filter(|word| has(word.text()));
    // Where every word may be a name, those that mean something are the ones of the sentence's own form.
    let any_name = Word::ALL.iter().filter(|word| word.may_be_a_name()).all(|word| has(word.text()));
    let form = beginning.head.map_or("", Word::syntax);
    let belongs = |word: &Word| form.split(|c: char| !c.is_alphanumeric()).any(|part| part == word.text());
    // Behind a word or a sign it is a name that is wanted.
    let signs = |(_, token, _): &sentences::Spanned<'_>| matches!(token, Token::Word(_) | Token::Arrow | Token::Comma);
    let name_wanted = beginning.tokens.last().is_some_and(signs);
    let words = words.filter(|word| !any_name || belongs(word) && !(name_wanted && word.may_be_a_name()));
    let words: Vec<_> = words.map(Candidate::word).collect();
    let named = ["name", "namespace/name", "name:port"].iter().any(|terminal| has(terminal));
    let mut all = if named { world.at(beginning) } else { Vec::new() };
    if has("key=value") {
        all.extend(world.labels());
    }
    if has("URL") {
        all.push(Candidate::new("http://", CandidateKind::Url, "a page"));
    }
    if has("kubectl …") {
        all.push(Candidate::new("kubectl", CandidateKind::Command, "what `kubectl get` and `describe` print"));
        all.push(Candidate::new("calicoctl", CandidateKind::Command, "what `calicoctl get` prints"));
    }
    all.extend(words);
    all
}
