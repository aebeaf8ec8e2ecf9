//! Which rules and ingress paths tests have touched, and which of them they would miss.
//!
//! A rule is known by its node, table, chain and text, and by the object and field that made an agent write it. It is
//! *touched* if a packet of a test has matched it, and *tested* if a test fails once it is deleted. Matching is cheap to
//! see and says little: a packet that an ACCEPT lets pass would have passed an empty chain as well. So nothing is called
//! tested that was not tried: `--mutate` deletes rules and runs the tests that touched them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netscene_core::Random;
use netscene_core::netfilter::{Provenance, TableName};
use netscene_core::trace::{Flow, Step};
use netscene_core::world::IngressPath;

use super::plan::Plan;
use super::work::{self, Found, Trials, Wishes};

/// A rule on a node, and why it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleKey {
    pub(crate) made: Made,
    pub(crate) node: Arc<str>,
    pub(crate) table: TableName,
    pub(crate) chain: Arc<str>,
    pub(crate) rule: Arc<str>,
}

/// What made an agent write a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Made {
    pub(crate) agent: Arc<str>,
    /// Empty for what the agent writes anyway.
    pub(crate) object: Arc<str>,
    /// Empty where the whole object is the cause.
    pub(crate) field: Arc<str>,
    /// The file and line of the object; empty for what the agent writes anyway.
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
}

impl Made {
    fn of(provenance: &Provenance) -> Self {
        let Provenance { agent, object, field, origin, .. } = provenance;
        let (file, line) = origin.as_ref().map_or(("".into(), 0), |origin| (origin.file.clone(), origin.line));
        Self { agent: agent.clone(), object: object.clone(), field: field.clone(), file, line }
    }

    /// `service default/web, port 80 (shop.scn:9)`.
    pub(crate) fn describe(&self) -> String {
        let mut text =
            if self.object.is_empty() { format!("what {} always writes", self.agent) } else { self.object.to_string() };
        if !self.field.is_empty() {
            let _ = write!(text, ", {}", self.field);
        }
        if !self.file.is_empty() {
            let _ = write!(text, " ({}:{})", self.file, self.line);
        }
        text
    }
}

/// Adds the rules that the packets of a flow have matched.
pub(super) fn note(flow: &Flow, touched: &mut BTreeSet<RuleKey>) {
    for hop in flow.packets.iter().flat_map(|packet| &packet.hops) {
        for step in &hop.steps {
            if let Step::Rule(hit) = step
                && let Some(provenance) = &hit.provenance
            {
                touched.insert(RuleKey {
                    made: Made::of(provenance),
                    node: hop.place.clone(),
                    table: hit.table,
                    chain: hit.chain.clone(),
                    rule: hit.rule.clone(),
                });
            }
        }
    }
}

/// What a path of an ingress is known by.
pub(super) fn path_key(path: &IngressPath) -> (&str, &str, &str, Option<(&str, u32)>) {
    let origin = path.rule.origin.as_ref().map(|origin| (&*origin.file, origin.line));
    (&path.rule.ingress, &path.host, &path.rule.path, origin)
}

/// How much tests have to do with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// No packet of any test has matched it.
    Untouched,
    /// A packet has matched it; it was not tried whether any test needs it.
    Touched,
    /// A packet has matched it, and every test passes without it.
    Survived,
    /// A test fails without it.
    Tested,
}

impl State {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Touched => "touched",
            Self::Survived => "survived",
            Self::Tested => "tested",
        }
    }
}

/// What tests cover.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) rules: BTreeMap<RuleKey, State>,
    pub(crate) paths: Vec<IngressPath>,
    /// Of how many rules it was tried whether any test needs them.
    pub(crate) tried: usize,
}

impl Coverage {
    /// What a run has touched. Rules that only a test's own declarations made count, too.
    pub(super) fn of(found: &Found) -> Self {
        let mut rules = BTreeMap::new();
        for rule in found.written.iter().flatten() {
            let key = RuleKey {
                made: Made::of(&rule.provenance),
                node: rule.node.clone(),
                table: rule.table,
                chain: rule.chain.clone(),
                rule: rule.rule.clone(),
            };
            rules.insert(key, State::Untouched);
        }
        for record in found.records.iter().flatten() {
            rules.extend(record.touched.iter().map(|key| (key.clone(), State::Touched)));
        }
        Self { rules, paths: found.paths.clone(), tried: 0 }
    }

    /// Deletes touched rules, one after the other, and runs the tests that touched them: all of them, or `sample` that
    /// the seed chooses.
    pub(super) fn mutate(
        &mut self,
        plan: &Plan,
        found: &Found,
        wishes: Wishes<'_>,
        sample: Option<usize>,
    ) -> Result<(), String> {
        // A test that fails as it is tells nothing by failing; what is touched outside of tests no test can be run for.
        let mut of_rule: BTreeMap<&RuleKey, Vec<usize>> = BTreeMap::new();
        for (item, record) in found.records.iter().enumerate() {
            let Some(record) = record.as_ref().filter(|record| record.passed) else { continue };
            if plan.items[item].test.is_some() {
                for rule in &record.touched {
                    of_rule.entry(rule).or_default().push(item);
                }
            }
        }
        let mut chosen: Vec<_> = of_rule.into_iter().collect();
        if let Some(sample) = sample {
            let mut random = Random::new(wishes.seed);
            while chosen.len() > sample {
                let at = random.below(chosen.len() as u32) as usize;
                chosen.swap_remove(at);
            }
            chosen.sort();
        }
        let mut of_item = vec![Vec::new(); plan.items.len()];
        for (rule, (_, items)) in chosen.iter().enumerate() {
            for item in items {
                of_item[*item].push(rule);
            }
        }
        let rules: Vec<RuleKey> = chosen.into_iter().map(|(rule, _)| rule.clone()).collect();
        let noticed = rules.iter().map(|_| AtomicBool::new(false)).collect();
        let trials = Trials { rules, of_item, noticed };
        work::run(plan, Wishes { trials: Some(&trials), fail_fast: false, ..wishes }, &|_| ())?;
        self.tried = trials.rules.len();
        for (rule, noticed) in trials.rules.into_iter().zip(trials.noticed) {
            let state = if noticed.load(Ordering::SeqCst) { State::Tested } else { State::Survived };
            self.rules.insert(rule, state);
        }
        Ok(())
    }

    /// How many rules are in a state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.rules.values().filter(|one| **one == state).count()
    }

    /// The coverage for people: what made the rules, and how many of them are touched; where a part is not, which.
    pub(super) fn text(&self) -> String {
        let touched = self.rules.len() - self.count(State::Untouched);
        let paths = self.paths.iter().filter(|path| path.touched).count();
        let mut text = format!("coverage: {touched} of {} rules touched", self.rules.len());
        if self.tried > 0 {
            let _ = write!(text, ", {} of {} tried ones tested", self.count(State::Tested), self.tried);
        }
        let _ = writeln!(text, "; {paths} of {} ingress paths touched", self.paths.len());
        let mut groups: BTreeMap<&Made, Vec<(&RuleKey, State)>> = BTreeMap::new();
        for (rule, state) in &self.rules {
            groups.entry(&rule.made).or_default().push((rule, *state));
        }
        for (made, rules) in groups {
            let touched = rules.iter().filter(|(_, state)| *state != State::Untouched).count();
            let _ = writeln!(text, "  {touched:>4} of {:>4}  {}", rules.len(), made.describe());
        }
        for path in &self.paths {
            let host = if path.host.is_empty() { "*" } else { &*path.host };
            let place = path.rule.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
            let touched = u8::from(path.touched);
            let _ = writeln!(
                text,
                "  {touched:>4} of    1  ingress {}, {host}{}{place}",
                path.rule.ingress, path.rule.path
            );
        }
        if self.tried > 0 {
            let survived: Vec<_> = self.rules.iter().filter(|(_, state)| **state == State::Survived).collect();
            let _ =
                writeln!(text, "{} of {} tried rules survived: no test fails without them", survived.len(), self.tried);
            for (rule, _) in survived {
                let RuleKey { node, table, chain, rule: line, made } = rule;
                let _ = writeln!(text, "  {node} {table} -A {chain} {line}\n      {}", made.describe());
            }
        }
        text
    }
}
