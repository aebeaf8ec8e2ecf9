//! Doing to a table what a command says.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::parse::targets::{FOREIGN, KNOWN};
use super::parse::{self, split};
use super::{Action, Command, Named, OnUnknown, ParsedRule, ParsedTarget, TextError, check};
use crate::netfilter::{Chain, ChainId, Counter, Policy, Provenance, Rule, Ruleset, Table, TableName, Target};

type Result<T> = std::result::Result<T, TextError>;

/// Does what one `iptables` command says, or nothing at all if it cannot be done.
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// let mut rules = Ruleset::default();
/// text::apply(&mut rules, "-t nat -N KUBE-SERVICES")?;
/// text::apply(&mut rules, "-t nat -A PREROUTING -j KUBE-SERVICES")?;
/// let error = text::apply(&mut rules, "-t nat -A OUTPUT -j KUBE-SERVCES").unwrap_err();
/// assert_eq!(error.problem, "there is no chain or target `KUBE-SERVCES` in table nat");
/// assert_eq!(error.hint.as_deref(), Some("did you mean `KUBE-SERVICES`?"));
/// # Ok::<(), text::TextError>(())
/// ```
pub fn apply(rules: &mut Ruleset, text: &str) -> Result<()> {
    apply_with(rules, text, OnUnknown::Refuse)
}

/// The same, with a choice of what is done about matches, targets and options that the model does not know.
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// let mut rules = Ruleset::default();
/// text::apply_with(&mut rules, "-A INPUT -m string --string x --algo bm -j DROP", text::OnUnknown::Keep)?;
/// assert!(text::save(&rules, &[TableName::Filter], false).contains("-A INPUT -m string --string x --algo bm -j DROP\n"));
/// # Ok::<(), text::TextError>(())
/// ```
pub fn apply_with(rules: &mut Ruleset, text: &str, unknown: OnUnknown) -> Result<()> {
    let (table, action) = parse::command(&split(text)?, text, unknown)?;
    let command = Command { table: table.map_or(TableName::Filter, |(table, _)| table), action };
    if let Action::Check { chain, rule } = command.action {
        return Editor::new(rules.table(command.table).clone()).find(&chain, rule).map(drop);
    }
    let blamed = match &command.action {
        Action::Append { rule, .. } | Action::Insert { rule, .. } | Action::Replace { rule, .. } => {
            rule.target_span.clone()
        }
        _ => 0..text.len(),
    };
    let mut editor = Editor::new(rules.table(command.table).clone());
    editor.perform(command.action, None, false)?;
    check::table(&editor.table).map_err(|fault| TextError::new(blamed, fault.problem))?;
    rules.commit(editor.table);
    Ok(())
}

/// A copy of a table, being changed.
#[derive(Debug)]
pub(super) struct Editor {
    pub(super) table: Table,
    /// How many rules jump or go to each chain: counted when a chain is to be deleted for the first time, kept since.
    references: Option<FxHashMap<ChainId, u32>>,
}

impl Editor {
    pub(super) const fn new(table: Table) -> Self {
        Self { table, references: None }
    }

    /// Does what `action` says. With `once`, a rule that is in the chain already is neither added nor moved.
    pub(super) fn perform(&mut self, action: Action, by: Option<&Arc<Provenance>>, once: bool) -> Result<()> {
        match action {
            Action::Append { chain, rule } => {
                let (id, rule, counter) = self.resolve(&chain, rule, by)?;
                let rules = self.chain(id).rules();
                if once && rules.iter().any(|other| same(other, &rule)) {
                    return Ok(());
                }
                let at = rules.len();
                self.insert(id, at, rule, counter);
            }
            Action::Insert { chain, position, rule } => {
                let (id, rule, counter) = self.resolve(&chain, rule, by)?;
                let rules = self.chain(id).rules();
                if once && rules.iter().any(|other| same(other, &rule)) {
                    return Ok(());
                }
                let at = match position {
                    Some((number, span)) if number as usize > rules.len() + 1 => {
                        return Err(out_of_range(&chain, number, span, rules.len() + 1));
                    }
                    Some((number, _)) => number as usize - 1,
                    None => 0,
                };
                self.insert(id, at, rule, counter);
            }
            Action::Replace { chain, number, rule } => {
                let (id, rule, counter) = self.resolve(&chain, rule, by)?;
                let at = self.numbered(&chain, id, number)?;
                self.remove(id, at);
                self.insert(id, at, rule, counter);
            }
            Action::Delete { chain, rule } => {
                let (id, at) = self.find(&chain, rule)?;
                self.remove(id, at);
            }
            Action::DeleteNumber { chain, number } => {
                let id = self.lookup(&chain)?;
                let at = self.numbered(&chain, id, number)?;
                self.remove(id, at);
            }
            Action::Check { chain, rule } => drop(self.find(&chain, rule)?),
            Action::NewChain(chain) => {
                if self.table.chain_id(&chain.text).is_some() {
                    let problem = format!("chain `{}` is in table {} already", chain.text, self.table.name);
                    return Err(TextError::new(chain.span, problem));
                }
                self.create(&chain)?;
            }
            Action::DeleteChain(chain) => self.delete_chains(chain)?,
            Action::Flush(chain) => {
                for id in self.one_or_all(chain)? {
                    self.flush(id);
                }
            }
            Action::Zero(chain) => {
                for id in self.one_or_all(chain)? {
                    self.zero(id);
                }
            }
            Action::Policy(chain, policy) => self.set_policy(&chain, policy, None)?,
        }
        Ok(())
    }

    /// Makes the chain of a `:CHAIN` line, or empties it if it is there.
    pub(super) fn create_or_flush(&mut self, chain: &Named) -> Result<()> {
        match self.table.chain_id(&chain.text) {
            Some(id) if self.chain(id).policy.is_none() => self.flush(id),
            Some(_) => {}
            None => self.create(chain)?,
        }
        Ok(())
    }

    pub(super) fn set_policy(&mut self, chain: &Named, policy: Policy, counter: Option<Counter>) -> Result<()> {
        let id = self.lookup(chain)?;
        if self.chain(id).policy.is_none() {
            let problem = format!("`{}` is not a built-in chain, and only those have a policy", chain.text);
            return Err(TextError::new(chain.span.clone(), problem));
        }
        if self.table.name == TableName::Nat && policy == Policy::Drop {
            return Err(no_filtering(chain.span.clone()));
        }
        if let Some(found) = self.table.chain_mut(id) {
            found.policy = Some(policy);
            found.policy_counter = counter.unwrap_or(found.policy_counter);
        }
        Ok(())
    }

    fn create(&mut self, chain: &Named) -> Result<()> {
        let name = chain.text.as_str();
        let problem = if name.len() > 28 {
            // XT_EXTENSION_MAXNAMELEN is 29 with the closing zero.
            "a chain's name has at most 28 characters"
        } else if name.is_empty() || name.starts_with(['-', '!']) || name.contains(char::is_whitespace) {
            "this cannot be a chain's name"
        } else if KNOWN.contains(&name) || FOREIGN.contains(&name) {
            "this is the name of a target"
        } else {
            self.table.add_chain(name);
            return Ok(());
        };
        Err(TextError::new(chain.span.clone(), problem))
    }

    fn delete_chains(&mut self, chain: Option<Named>) -> Result<()> {
        let named = chain.is_some();
        let span = chain.as_ref().map_or(0..0, |chain| chain.span.clone());
        for id in self.one_or_all(chain)? {
            let found = self.chain(id);
            let problem = if found.policy.is_some() {
                if !named {
                    continue;
                }
                "is built in and cannot be deleted"
            } else if !found.rules().is_empty() {
                "is not empty"
            } else if self.references(id) > 0 {
                "is still the target of a rule"
            } else {
                self.table.delete_chain(id);
                continue;
            };
            return Err(TextError::new(span, format!("chain `{}` {problem}", self.chain(id).name)));
        }
        Ok(())
    }

    /// A chain that is known to be there.
    fn chain(&self, id: ChainId) -> &Chain {
        self.table.chain(id).expect("ids come from the table's own names, and nothing has deleted this one since")
    }

    fn lookup(&self, chain: &Named) -> Result<ChainId> {
        self.table.chain_id(&chain.text).ok_or_else(|| {
            let problem = format!("there is no chain `{}` in table {}", chain.text, self.table.name);
            let error = TextError::new(chain.span.clone(), problem);
            self.chain_hint(error, &chain.text, &[])
        })
    }

    /// Offers a name that is near; or the table that has such a chain; or to make it.
    fn chain_hint(&self, error: TextError, name: &str, targets: &[&str]) -> TextError {
        let chains = self.table.chains().map(|(_, chain)| chain.name.as_ref());
        let error = error.did_you_mean(name, chains.chain(targets.iter().copied()));
        if error.hint.is_some() {
            return error;
        }
        let elsewhere = TableName::ALL.into_iter().find(|table| table.hooks().iter().any(|hook| hook.chain() == name));
        match elsewhere {
            Some(table) => error.hint(format!("table {table} has one: `-t {table}`")),
            None => error.hint(format!("make the chain first: `-t {} -N {name}`", self.table.name)),
        }
    }

    fn one_or_all(&self, chain: Option<Named>) -> Result<Vec<ChainId>> {
        match chain {
            Some(chain) => Ok(vec![self.lookup(&chain)?]),
            None => Ok(self.table.chains().map(|(id, _)| id).collect()),
        }
    }

    fn numbered(&self, chain: &Named, id: ChainId, (number, span): (u32, Range<usize>)) -> Result<usize> {
        let count = self.chain(id).rules().len();
        if number as usize > count { Err(out_of_range(chain, number, span, count)) } else { Ok(number as usize - 1) }
    }

    /// The place of the first rule equal to `rule`.
    fn find(&self, chain: &Named, rule: ParsedRule) -> Result<(ChainId, usize)> {
        let span = chain.span.start..rule.target_span.end.max(chain.span.end);
        let (id, rule, _) = self.resolve(chain, rule, None)?;
        let found = self.chain(id).rules().iter().position(|other| same(other, &rule));
        let missing = || TextError::new(span, format!("chain `{}` has no such rule", chain.text));
        Ok((id, found.ok_or_else(missing)?))
    }

    /// The rule with its chains looked up, if it may stand in that chain of this table.
    fn resolve(
        &self,
        chain: &Named,
        rule: ParsedRule,
        by: Option<&Arc<Provenance>>,
    ) -> Result<(ChainId, Rule, Option<Counter>)> {
        let id = self.lookup(chain)?;
        self.check_devices(chain, id, &rule)?;
        let (counter, span) = (rule.counter, rule.target_span);
        let target = match rule.target {
            ParsedTarget::Known(target) => target,
            ParsedTarget::Jump(name) => Target::Jump(self.jump(&name, &KNOWN)?),
            ParsedTarget::Goto(name) => Target::Goto(self.jump(&name, &[])?),
        };
        let rule = Rule { header: rule.header, matches: rule.matches, target, provenance: by.cloned() };
        if let Some(problem) = check::rule(self.table.name, &rule) {
            return Err(TextError::new(span, problem));
        }
        if self.table.name == TableName::Nat && rule.target == Target::Drop {
            return Err(no_filtering(span));
        }
        Ok((id, rule, counter))
    }

    /// The user's chain that a rule jumps or goes to.
    fn jump(&self, chain: &Named, targets: &[&str]) -> Result<ChainId> {
        let found = self.table.chain_id(&chain.text).ok_or_else(|| {
            let what = if targets.is_empty() { "chain" } else { "chain or target" };
            let problem = format!("there is no {what} `{}` in table {}", chain.text, self.table.name);
            self.chain_hint(TextError::new(chain.span.clone(), problem), &chain.text, targets)
        })?;
        if self.chain(found).policy.is_some() {
            let problem =
                format!("`{}` is a built-in chain: packets come there by their hook, not by a jump", chain.text);
            return Err(TextError::new(chain.span.clone(), problem));
        }
        Ok(found)
    }

    /// `-i` and `-o` stand only where the device is known (`generic_opt_check` in `xshared.c`).
    fn check_devices(&self, chain: &Named, id: ChainId, rule: &ParsedRule) -> Result<()> {
        if self.chain(id).policy.is_none() {
            return Ok(());
        }
        let name = chain.text.as_str();
        let (option, span) = if rule.header.in_device.is_some() && matches!(name, "OUTPUT" | "POSTROUTING") {
            ("-i", &rule.in_device)
        } else if rule.header.out_device.is_some() && matches!(name, "PREROUTING" | "INPUT") {
            ("-o", &rule.out_device)
        } else {
            return Ok(());
        };
        Err(TextError::new(span.clone(), format!("`{option}` has no meaning in {name}: iptables refuses it there")))
    }

    fn insert(&mut self, id: ChainId, at: usize, rule: Rule, counter: Option<Counter>) {
        if let Some(to) = called(&rule)
            && let Some(references) = &mut self.references
        {
            *references.entry(to).or_default() += 1;
        }
        if let Some(chain) = self.table.chain_mut(id) {
            chain.insert(at, rule);
            if let Some(counter) = counter {
                chain.set_counter(at, counter);
            }
        }
    }

    fn remove(&mut self, id: ChainId, at: usize) {
        let removed = self.table.chain_mut(id).and_then(|chain| chain.remove(at));
        self.forget(removed.iter().filter_map(called));
    }

    fn flush(&mut self, id: ChainId) {
        if self.references.is_some() {
            let called: Vec<_> = self.chain(id).rules().iter().filter_map(called).collect();
            self.forget(called);
        }
        if let Some(chain) = self.table.chain_mut(id) {
            chain.flush();
        }
    }

    fn zero(&mut self, id: ChainId) {
        if let Some(chain) = self.table.chain_mut(id) {
            chain.policy_counter = Counter::default();
            for at in 0..chain.rules().len() {
                chain.set_counter(at, Counter::default());
            }
        }
    }

    fn references(&mut self, id: ChainId) -> u32 {
        let table = &self.table;
        let references = self.references.get_or_insert_with(|| {
            let mut counts = FxHashMap::default();
            for to in table.chains().flat_map(|(_, chain)| chain.rules()).filter_map(called) {
                *counts.entry(to).or_default() += 1;
            }
            counts
        });
        references.get(&id).copied().unwrap_or(0)
    }

    fn forget(&mut self, called: impl IntoIterator<Item = ChainId>) {
        if let Some(references) = &mut self.references {
            for to in called {
                if let Some(count) = references.get_mut(&to) {
                    *count -= 1;
                }
            }
        }
    }
}

/// The chain that a rule jumps or goes to.
pub(super) const fn called(rule: &Rule) -> Option<ChainId> {
    match rule.target {
        Target::Jump(to) | Target::Goto(to) => Some(to),
        _ => None,
    }
}

/// Whether iptables takes the rules for equal: whoever wrote them.
fn same(a: &Rule, b: &Rule) -> bool {
    a.target == b.target && a.header == b.header && a.matches == b.matches
}

fn out_of_range(chain: &Named, number: u32, span: Range<usize>, last: usize) -> TextError {
    let problem = format!("{number} is out of range: chain `{}` goes up to {last} here", chain.text);
    TextError::new(span, problem)
}

/// iptables refuses `DROP` in nat, where only the first packet of a connection comes by.
fn no_filtering(span: Range<usize>) -> TextError {
    TextError::new(span, "table nat sees only first packets, and iptables refuses to filter there")
        .hint("drop in table filter")
}
