//! What `iptables-restore` reads.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::apply::Editor;
use super::parse::{self, POLICIES, split};
use super::{Action, Named, OnUnknown, TextError, check};
use crate::Origin;
use crate::netfilter::{Counter, Provenance, Ruleset, TableName};

/// The input of one `iptables-restore --noflush`, line by line, with where each line came from.
///
/// ```
/// use netscene_core::netfilter::text::RestoreInput;
/// let dump: RestoreInput = "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n".parse()?;
/// assert_eq!(dump.lines.len(), 3);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreInput {
    /// The lines.
    pub lines: Vec<RestoreLine>,
}

/// A line for `iptables-restore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreLine {
    /// Its text.
    pub text: String,
    /// Who wrote it, and why.
    pub provenance: Option<Arc<Provenance>>,
    /// Leaves the chain alone if it has the rule: agents ask `iptables -C` before they write into a built-in chain.
    pub once: bool,
}

impl RestoreInput {
    /// The lines of a file, each with the place it stands at, so that a rule can tell where it was read.
    ///
    /// ```
    /// use netscene_core::netfilter::{Ruleset, TableName, text};
    /// let dump = text::RestoreInput::from_file("edge1.rules", "*filter\n-A INPUT -j DROP\nCOMMIT\n");
    /// let mut rules = Ruleset::default();
    /// text::restore(&mut rules, &dump)?;
    /// let input = rules.table(TableName::Filter).chains().next().unwrap().1;
    /// assert_eq!(input.rules()[0].provenance.as_ref().unwrap().to_string(), "iptables-save (edge1.rules:2)");
    /// # Ok::<(), text::RestoreError>(())
    /// ```
    pub fn from_file(name: &str, text: &str) -> Self {
        let file: Arc<str> = name.into();
        let [agent, nothing]: [Arc<str>; 2] = ["iptables-save".into(), "".into()];
        let mut input = Self::default();
        let mut start = 0;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let text = line.trim_end();
            let end = start + text.len();
            let origin = Origin { file: file.clone(), line: at as u32 + 1, start: start as u32, end: end as u32 };
            let (object, field) = (nothing.clone(), nothing.clone());
            let by = Arc::new(Provenance { agent: agent.clone(), object, field, origin: None, read: Some(origin) });
            input.lines.push(RestoreLine { text: text.to_owned(), provenance: Some(by), once: false });
            start += line.len();
        }
        input
    }

    /// Adds a line, with where it came from.
    pub fn push(&mut self, text: impl Into<String>, provenance: Option<&Arc<Provenance>>) {
        self.lines.push(RestoreLine { text: text.into(), provenance: provenance.cloned(), once: false });
    }

    /// Adds a line that does nothing where its rule is already in the chain.
    pub fn push_once(&mut self, text: impl Into<String>, provenance: &Arc<Provenance>) {
        self.lines.push(RestoreLine { text: text.into(), provenance: Some(provenance.clone()), once: true });
    }
}

impl FromStr for RestoreInput {
    type Err = std::convert::Infallible;

    /// The lines of a whole dump, nobody having written them.
    fn from_str(dump: &str) -> Result<Self, Self::Err> {
        let mut input = Self::default();
        for line in dump.lines() {
            input.push(line, None);
        }
        Ok(input)
    }
}

/// Why a restore was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RestoreError {
    /// The line at fault, from 1.
    pub line: usize,
    /// What is wrong with it; its span counts from the line's beginning.
    #[source]
    pub error: TextError,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.error)
    }
}

/// Does what `iptables-restore --noflush --counters` does with the lines: all of it, or nothing.
///
/// - `:CHAIN - [0:0]` makes a user's chain, or empties it;
/// - `:PREROUTING ACCEPT [0:0]` sets a policy, with its counters;
/// - `[1:60] -A CHAIN …` sets the rule's counters; `-A`, `-I`, `-D`, `-R`, `-N`, `-X`, `-F` and `-P` do what they do.
///
/// One thing is added: [`RestoreLine::once`].
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// let mut rules = Ruleset::default();
/// let mut input: text::RestoreInput = "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n".parse()?;
/// text::restore(&mut rules, &input)?;
/// text::restore(&mut rules, &input)?;
/// let nat = rules.table(TableName::Nat);
/// assert_eq!(nat.chain_id("POSTROUTING").and_then(|id| nat.chain(id)).map(|chain| chain.rules().len()), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What the model does not know is kept ([`OnUnknown::Keep`]).
pub fn restore(rules: &mut Ruleset, input: &RestoreInput) -> Result<(), RestoreError> {
    restore_with(rules, input, OnUnknown::Keep)
}

/// The same, with a choice of what is done about matches, targets and options that the model does not know.
pub fn restore_with(rules: &mut Ruleset, input: &RestoreInput, unknown: OnUnknown) -> Result<(), RestoreError> {
    let mut edited: [Option<Editor>; TableName::ALL.len()] = Default::default();
    let mut current: Option<TableName> = None;
    for (at, line) in input.lines.iter().enumerate() {
        let failed = |error| RestoreError { line: at + 1, error };
        let text = line.text.trim_end();
        let kind = Kind::of(text).map_err(failed)?;
        let table = match (kind, current) {
            (Kind::Nothing, _) => continue,
            (Kind::Table(name), None) => {
                current = Some(name);
                edited[name as usize].get_or_insert_with(|| Editor::new(rules.table(name).clone()));
                continue;
            }
            (Kind::Table(_), Some(open)) => {
                let problem = format!("table {open} has no COMMIT before this");
                return Err(failed(TextError::new(0..text.len(), problem)));
            }
            (Kind::Commit, Some(_)) => {
                current = None;
                continue;
            }
            (_, None) => {
                let error = TextError::new(0..text.len(), "this stands in no table");
                return Err(failed(error.hint("begin with a line such as `*nat`")));
            }
            (_, Some(table)) => table,
        };
        let Some(editor) = &mut edited[table as usize] else { continue };
        perform(editor, line, text, unknown).map_err(failed)?;
    }
    if let Some(open) = current {
        let error = TextError::new(0..0, format!("table {open} has no COMMIT"));
        return Err(RestoreError { line: input.lines.len().max(1), error });
    }
    for editor in edited.iter().flatten() {
        check::table(&editor.table).map_err(|fault| blame(input, editor, &fault))?;
    }
    for editor in edited.into_iter().flatten() {
        rules.commit(editor.table);
    }
    Ok(())
}

/// What a line is, by its first letter.
#[derive(Clone, Copy)]
enum Kind {
    Nothing,
    Table(TableName),
    Commit,
    Other,
}

impl Kind {
    fn of(text: &str) -> Result<Self, TextError> {
        if text.is_empty() || text.starts_with('#') {
            Ok(Self::Nothing)
        } else if text == "COMMIT" {
            Ok(Self::Commit)
        } else if let Some(name) = text.strip_prefix('*') {
            let missing = || {
                let error = TextError::new(1..text.len(), format!("there is no table `{name}`"));
                error.did_you_mean(name, TableName::ALL.map(TableName::as_str))
            };
            TableName::from_name(name).map(Self::Table).ok_or_else(missing)
        } else {
            Ok(Self::Other)
        }
    }
}

/// Does what a line inside a table says.
fn perform(editor: &mut Editor, line: &RestoreLine, text: &str, unknown: OnUnknown) -> Result<(), TextError> {
    if text.starts_with(':') {
        return chain_line(editor, text);
    }
    editor.perform(rule_line(text, unknown)?, line.provenance.as_ref(), line.once)
}

/// `:CHAIN POLICY [PACKETS:BYTES]`.
fn chain_line(editor: &mut Editor, text: &str) -> Result<(), TextError> {
    let words = split(&text[1..])?;
    let missing = || TextError::new(0..text.len(), "a chain is declared as `:NAME POLICY [0:0]`");
    let [name, policy, counter @ ..] = words.as_slice() else { return Err(missing()) };
    let shifted = |span: &std::ops::Range<usize>| span.start + 1..span.end + 1;
    let chain = Named { text: name.text.clone().into_owned(), span: shifted(&name.span) };
    editor.create_or_flush(&chain)?;
    if policy.text == "-" {
        return Ok(());
    }
    let bad = || TextError::new(shifted(&policy.span), format!("`{}` is not a policy: ACCEPT, DROP or -", policy.text));
    let found = POLICIES.iter().find(|(_, name)| *name == policy.text).map(|(policy, _)| *policy).ok_or_else(bad)?;
    let counter = match counter {
        [] => None,
        [word, ..] => {
            let bad = || TextError::new(shifted(&word.span), format!("`{}` is not [packets:bytes]", word.text));
            Some(bracketed(&word.text).ok_or_else(bad)?)
        }
    };
    editor.set_policy(&chain, found, counter)
}

/// A command, with `[PACKETS:BYTES]` before it or not.
fn rule_line(text: &str, unknown: OnUnknown) -> Result<Action, TextError> {
    let words = split(text)?;
    let counter = match words.first() {
        Some(first) if first.text.starts_with('[') => {
            let bad = || TextError::new(first.span.clone(), format!("`{}` is not [packets:bytes]", first.text));
            Some(bracketed(&first.text).ok_or_else(bad)?)
        }
        _ => None,
    };
    let (table, mut action) = parse::command(&words[usize::from(counter.is_some())..], text, unknown)?;
    if let Some((_, span)) = table {
        return Err(TextError::new(span, "the table is the one after `*`, not `-t`"));
    }
    if let Action::Append { rule, .. } | Action::Insert { rule, .. } | Action::Replace { rule, .. } = &mut action
        && counter.is_some()
    {
        rule.counter = counter;
    }
    Ok(action)
}

fn bracketed(text: &str) -> Option<Counter> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counter { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// The line that made the rule which the kernel refuses. Found by looking again, because only a refusal needs it.
fn blame(input: &RestoreInput, editor: &Editor, fault: &check::Fault) -> RestoreError {
    let chain = editor.table.chain(fault.chain);
    let refused = chain.and_then(|chain| chain.rules().get(fault.rule));
    let mut table = None;
    let mut found = (input.lines.len().max(1), 0..0);
    for (at, line) in input.lines.iter().enumerate() {
        match Kind::of(line.text.trim_end()) {
            Ok(Kind::Table(name)) => table = Some(name),
            Ok(Kind::Other) if table == Some(editor.table.name) && !line.text.starts_with(':') => {
                if let Ok(Action::Append { chain: name, rule } | Action::Insert { chain: name, rule, .. }) =
                    rule_line(line.text.trim_end(), OnUnknown::Keep)
                    && chain.is_some_and(|chain| *chain.name == *name.text)
                    && refused.is_some_and(|refused| refused.header == rule.header && refused.matches == rule.matches)
                {
                    found = (at + 1, rule.target_span);
                }
            }
            _ => {}
        }
    }
    RestoreError { line: found.0, error: TextError::new(found.1, fault.problem.clone()) }
}
