//! Writing the input of `iptables-restore`, and remembering for each line where it came from.

use std::sync::Arc;

use crate::Origin;
use crate::netfilter::text::RestoreInput;
use crate::netfilter::{Provenance, TableName};

/// The provenance of a rule that `agent` writes for `field` of `object`. Both are empty for its fixed rules.
pub(super) fn provenance(
    agent: &str,
    object: impl Into<Arc<str>>,
    field: impl Into<Arc<str>>,
    origin: Option<&Origin>,
) -> Arc<Provenance> {
    let (object, field) = (object.into(), field.into());
    Arc::new(Provenance { agent: agent.into(), object, field, origin: origin.cloned(), read: None })
}

/// One table's part of an input: chains first, then jumps into built-in chains, then rules.
pub(super) struct Section {
    table: TableName,
    chains: RestoreInput,
    jumps: RestoreInput,
    rules: RestoreInput,
}

impl Section {
    pub(super) fn new(table: TableName) -> Self {
        let [chains, jumps, rules] = <[RestoreInput; 3]>::default();
        Self { table, chains, jumps, rules }
    }

    /// Makes `chain`, or empties it.
    pub(super) fn chain(&mut self, chain: &str, why: &Arc<Provenance>) {
        self.chains.push([":", chain, " - [0:0]"].concat(), Some(why));
    }

    /// Puts a rule on top of the built-in chain `hook`, unless it is there. Of two, the later one ends up higher.
    pub(super) fn insert(&mut self, hook: &str, rule: &str, why: &Arc<Provenance>) {
        self.jumps.push_once(["-I ", hook, " ", rule].concat(), why);
    }

    /// Puts a rule at the end of `chain`.
    pub(super) fn append(&mut self, chain: &str, rule: &str, why: &Arc<Provenance>) {
        self.rules.push(["-A ", chain, " ", rule].concat(), Some(why));
    }

    /// Puts a rule at the end of the built-in chain `hook`, unless it is there.
    pub(super) fn append_once(&mut self, hook: &str, rule: &str, why: &Arc<Provenance>) {
        self.rules.push_once(["-A ", hook, " ", rule].concat(), why);
    }

    /// Adds the section to `input`.
    pub(super) fn finish(self, input: &mut RestoreInput) {
        input.push(format!("*{}", self.table), None);
        for part in [self.chains, self.jumps, self.rules] {
            input.lines.extend(part.lines);
        }
        input.push("COMMIT", None);
    }
}
