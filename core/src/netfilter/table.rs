use std::fmt;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::index::{Candidates, Index, Key};
use super::{Hook, Rule, TableName, Target};

/// A chain of one table, by its place in it. Stays valid as long as the chain exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub u32);

/// What happens at the end of a built-in chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The packet passes.
    #[default]
    Accept,
    /// The packet is gone.
    Drop,
}

/// Packets and bytes that a rule or a policy has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes, IPv4 headers included.
    pub bytes: u64,
}

impl Counter {
    /// One more packet of `length` bytes.
    pub fn add(&mut self, length: usize) {
        self.packets += 1;
        self.bytes += length as u64;
    }
}

/// A chain: rules in order, with what they have counted.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The chain's name.
    pub name: Arc<str>,
    /// The policy of a built-in chain; `None` for a user's.
    pub policy: Option<Policy>,
    /// What the policy has counted.
    pub policy_counter: Counter,
    /// The rules. Shared by every copy of the table until one of them changes it.
    rules: Arc<Rules>,
    /// What each rule has counted, by its place.
    counters: Vec<Counter>,
    /// Who each rule is, by its place: a number that no other rule of the chain has had.
    ids: Vec<u32>,
    next_id: u32,
}

/// One match of one rule, wherever the rule has moved to: what the kernel keeps for it is found by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchId {
    /// The table.
    pub table: TableName,
    /// How often all the table's matches have been made anew.
    pub generation: u32,
    chain: ChainId,
    rule: u32,
    at: u32,
}

/// The rules of a chain, and the index that the first walk makes of them.
#[derive(Default)]
struct Rules {
    list: Vec<Rule>,
    /// Nothing inside: an index would be of no use.
    index: OnceLock<Option<Index>>,
    /// How each rule is written, once somebody has asked: every packet that comes by a rule tells it.
    texts: OnceLock<Box<[OnceLock<Arc<str>>]>>,
}

/// The rules of a chain as they were at some moment: a change to the chain makes a copy.
#[derive(Clone, Debug, Default)]
pub struct SharedRules(Arc<Rules>);

impl SharedRules {
    /// The rule at a place, from 0.
    pub fn get(&self, at: usize) -> Option<&Rule> {
        self.0.list.get(at)
    }
}

impl fmt::Debug for Rules {
    /// The list alone: the rest follows from it, and is there or not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}

impl Clone for Rules {
    /// The list alone: a copy is made in order to change it.
    fn clone(&self) -> Self {
        Self { list: self.list.clone(), ..Self::default() }
    }
}

impl Chain {
    fn new(name: Arc<str>, policy: Option<Policy>) -> Self {
        Self {
            name,
            policy,
            policy_counter: Counter::default(),
            rules: Arc::default(),
            counters: Vec::new(),
            ids: Vec::new(),
            next_id: 0,
        }
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules.list
    }

    /// The same, to be kept.
    pub(super) fn shared_rules(&self) -> SharedRules {
        SharedRules(self.rules.clone())
    }

    /// The rules, to be changed: whatever is known of them is void.
    fn rules_mut(&mut self) -> &mut Vec<Rule> {
        let rules = Arc::make_mut(&mut self.rules);
        (rules.index, rules.texts) = Default::default();
        &mut rules.list
    }

    /// How the rule at a place, from 0, is written; `write` writes it the first time.
    pub(crate) fn text(&self, at: usize, write: impl FnOnce(&Rule) -> Arc<str>) -> Option<Arc<str>> {
        let texts = self.rules.texts.get_or_init(|| self.rules.list.iter().map(|_| OnceLock::new()).collect());
        Some(texts.get(at)?.get_or_init(|| write(&self.rules.list[at])).clone())
    }

    /// The rules from number `from` on (from 0) that a packet of this key may match, in order; without a key, every rule.
    pub(super) fn candidates(&self, key: Option<&Key>, from: usize) -> Candidates<'_> {
        match key.and_then(|key| Some((self.index()?, key))) {
            Some((index, key)) => index.candidates(key, from),
            None => Candidates::All(from..self.rules().len()),
        }
    }

    fn index(&self) -> Option<&Index> {
        self.rules.index.get_or_init(|| Index::of(&self.rules.list)).as_ref()
    }

    /// What each rule has counted, in the same order.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Counts a packet of `length` bytes at rule `index`, from 0.
    pub fn count(&mut self, index: usize, length: usize) {
        if let Some(counter) = self.counters.get_mut(index) {
            counter.add(length);
        }
    }

    /// Sets what rule `index` (from 0) has counted, as `iptables-restore --counters` does.
    pub fn set_counter(&mut self, index: usize, value: Counter) {
        if let Some(counter) = self.counters.get_mut(index) {
            *counter = value;
        }
    }

    fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Puts `rule` at the end.
    pub fn append(&mut self, rule: Rule) {
        let id = self.new_id();
        self.rules_mut().push(rule);
        self.counters.push(Counter::default());
        self.ids.push(id);
    }

    /// Puts `rule` at `index`, counted from 0; past the end it goes to the end.
    pub fn insert(&mut self, index: usize, rule: Rule) {
        let index = index.min(self.rules().len());
        self.rules_mut().insert(index, rule);
        self.counters.insert(index, Counter::default());
        let id = self.new_id();
        self.ids.insert(index, id);
    }

    /// Takes the rule at `index`, counted from 0, away.
    pub fn remove(&mut self, index: usize) -> Option<Rule> {
        if index >= self.rules().len() {
            return None;
        }
        self.counters.remove(index);
        self.ids.remove(index);
        Some(self.rules_mut().remove(index))
    }

    /// Takes every rule away.
    pub fn flush(&mut self) {
        self.rules = Arc::default();
        self.counters.clear();
        self.ids.clear();
    }
}

/// One table of a network namespace.
///
/// ```
/// use netscene_core::netfilter::{Table, TableName};
/// let mut nat = Table::new(TableName::Nat);
/// let services = nat.add_chain("KUBE-SERVICES");
/// assert_eq!(nat.chain_id("KUBE-SERVICES"), Some(services));
/// assert_eq!(nat.references(services), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    /// Which table.
    pub name: TableName,
    /// The chains; a deleted one leaves a gap, so that ids stay valid.
    chains: Vec<Option<Chain>>,
    by_name: FxHashMap<Arc<str>, ChainId>,
    /// Whether there is nothing in it, once somebody has asked and until it may have changed: every packet asks, of every
    /// table at every hook.
    vacant: OnceLock<bool>,
    generation: u32,
}

impl Table {
    /// A table with its built-in chains, empty, policy ACCEPT.
    pub fn new(name: TableName) -> Self {
        let mut table =
            Self { name, chains: Vec::new(), by_name: FxHashMap::default(), vacant: OnceLock::new(), generation: 0 };
        for hook in name.hooks() {
            table.push(Chain::new(hook.chain().into(), Some(Policy::Accept)));
        }
        table
    }

    fn push(&mut self, chain: Chain) -> ChainId {
        let id = ChainId(self.chains.len() as u32);
        self.by_name.insert(chain.name.clone(), id);
        self.chains.push(Some(chain));
        self.vacant = OnceLock::new();
        id
    }

    /// The chain of that name; a new, empty one if there was none (`iptables -N`).
    pub fn add_chain(&mut self, name: &str) -> ChainId {
        match self.by_name.get(name) {
            Some(id) => *id,
            None => self.push(Chain::new(name.into(), None)),
        }
    }

    /// The chain of that name.
    pub fn chain_id(&self, name: &str) -> Option<ChainId> {
        self.by_name.get(name).copied()
    }

    /// The chain behind an id. `None` if it has been deleted.
    pub fn chain(&self, id: ChainId) -> Option<&Chain> {
        self.chains.get(id.0 as usize)?.as_ref()
    }

    /// The chain behind an id, to be changed.
    pub fn chain_mut(&mut self, id: ChainId) -> Option<&mut Chain> {
        self.vacant = OnceLock::new();
        self.chains.get_mut(id.0 as usize)?.as_mut()
    }

    /// The same for a walk, which changes nothing but counters.
    pub(super) fn counting(&mut self, id: ChainId) -> Option<&mut Chain> {
        self.chains.get_mut(id.0 as usize)?.as_mut()
    }

    /// The built-in chain at `hook`, if this table has one there.
    pub fn builtin(&self, hook: Hook) -> Option<ChainId> {
        let place = self.name.hooks().iter().position(|&at| at == hook)?;
        Some(ChainId(place as u32))
    }

    /// How many chains there are, those that have been deleted included.
    pub(super) const fn size(&self) -> usize {
        self.chains.len()
    }

    /// Who the match `at` of rule `index` of a chain is, both from 0.
    pub(super) fn match_id(&self, chain: ChainId, index: usize, at: usize) -> MatchId {
        let rule = self.chain(chain).and_then(|chain| chain.ids.get(index)).copied().unwrap_or_default();
        MatchId { table: self.name, generation: self.generation, chain, rule, at: at as u32 }
    }

    /// Every chain, built-in ones first, then in order of creation.
    pub fn chains(&self) -> impl Iterator<Item = (ChainId, &Chain)> {
        self.chains.iter().enumerate().filter_map(|(at, chain)| Some((ChainId(at as u32), chain.as_ref()?)))
    }

    /// The number of rules of this table that jump or go to `chain`, as `iptables -L` shows it.
    pub fn references(&self, chain: ChainId) -> usize {
        let targets = self.chains().flat_map(|(_, chain)| chain.rules()).map(|rule| &rule.target);
        targets.filter(|target| matches!(target, Target::Jump(to) | Target::Goto(to) if *to == chain)).count()
    }

    /// Makes the index of every chain that has none yet. Walks make them as they need them; this is for those who want to
    /// have paid for it before the first packet.
    pub fn make_indexes(&self) {
        for (_, chain) in self.chains() {
            chain.index();
        }
    }

    /// Whether there is nothing in it: no rule, no user's chain, every policy ACCEPT. Such a table is as good as absent, as
    /// it is in a namespace where nobody has run `iptables`: packets do not meet it.
    pub fn is_vacant(&self) -> bool {
        let vacant = |chain: &Chain| chain.rules().is_empty() && chain.policy == Some(Policy::Accept);
        *self.vacant.get_or_init(|| self.chains.iter().flatten().all(vacant))
    }

    /// Deletes a user's chain. The caller has seen to it that nothing refers to it and that it is empty.
    pub fn delete_chain(&mut self, id: ChainId) {
        if let Some(slot) = self.chains.get_mut(id.0 as usize)
            && slot.as_ref().is_some_and(|chain| chain.policy.is_none())
            && let Some(chain) = slot.take()
        {
            self.vacant = OnceLock::new();
            self.by_name.remove(&chain.name);
        }
    }
}

/// Which of the kernel's two packet filters holds the rules. They walk them alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// `ip_tables`, of `iptables-legacy`. A command gives it the whole table anew, and with it every match that remembers:
    /// `limit` is full again, `statistic --mode nth` counts from the beginning (`xt_check_match` of `x_tables.c`).
    #[default]
    Legacy,
    /// `nf_tables`, of `iptables-nft`: a rule that stays keeps what it remembers.
    Nft,
}

/// The five tables of a network namespace.
#[derive(Clone, Debug)]
pub struct Ruleset {
    /// What they are in.
    pub backend: Backend,
    tables: [Table; TableName::ALL.len()],
}

impl Default for Ruleset {
    fn default() -> Self {
        Self { backend: Backend::default(), tables: TableName::ALL.map(Table::new) }
    }
}

impl Ruleset {
    /// One of the tables.
    pub fn table(&self, name: TableName) -> &Table {
        &self.tables[name as usize]
    }

    /// Puts in the place of a table what a command has made of it.
    pub(super) fn commit(&mut self, mut table: Table) {
        if self.backend == Backend::Legacy {
            table.generation += 1;
        }
        let name = table.name;
        *self.table_mut(name) = table;
    }

    /// One of the tables, to be changed.
    pub fn table_mut(&mut self, name: TableName) -> &mut Table {
        &mut self.tables[name as usize]
    }
}
