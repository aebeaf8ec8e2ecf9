//! What tests may touch, and how a rule is left out to see whether a test notices.

use std::sync::Arc;

use super::{OpError, World};
use crate::agents::ingress_nginx::{Config, Rule as IngressRule};
use crate::apps::App;
use crate::netfilter::text::rule_text;
use crate::netfilter::{Provenance, Rule, Table, TableName};
use crate::trace::Place;

/// A rule that an agent has written on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRule {
    /// The node.
    pub node: Place,
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: Arc<str>,
    /// What follows `-A CHAIN` in `iptables-save`.
    pub rule: Arc<str>,
    /// The agent, and the object and field that made it write the rule.
    pub provenance: Arc<Provenance>,
}

/// A path of an ingress, for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressPath {
    /// The host; empty for any.
    pub host: Arc<str>,
    /// The ingress and the path.
    pub rule: IngressRule,
    /// Whether a request has come to it.
    pub touched: bool,
}

/// A rule that is left out on a node, whenever an agent writes it.
#[derive(Clone, Debug)]
pub(super) struct Omission {
    place: usize,
    table: TableName,
    chain: String,
    rule: String,
    /// The generation of the objects for which it has been left out last.
    done: u64,
}

impl World {
    /// Every rule that agents have written on nodes, node by node, in the order of tables, chains and rules.
    ///
    /// A rule that stands twice in a chain is listed once: the second is never reached by what the first decides.
    pub fn written_rules(&mut self) -> Result<Vec<WrittenRule>, OpError> {
        self.grow();
        let nodes: Vec<String> = self.state.nodes().map(|node| node.object.name.clone()).collect();
        let mut found: Vec<WrittenRule> = Vec::new();
        for name in nodes {
            let place = self.node_named(&name)?;
            self.program(place)?;
            let namespace = self.network.get(place);
            for table in TableName::ALL {
                let rules = namespace.rules.table(table);
                for (_, chain) in rules.chains() {
                    let first = found.len();
                    for rule in chain.rules() {
                        let Some(provenance) = rule.provenance.clone() else { continue };
                        let text = rule_text(rule, rules);
                        if found[first..].iter().all(|one| *one.rule != *text) {
                            let (node, chain) = (namespace.name.clone(), chain.name.clone());
                            found.push(WrittenRule { node, table, chain, rule: text.into(), provenance });
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Every path of an ingress that a controller serves, and whether a request has come to it.
    pub fn ingress_paths(&self) -> Vec<IngressPath> {
        let controllers = self.network.processes.iter().filter_map(|process| match &process.app {
            App::Nginx(nginx) => Some(nginx),
            _ => None,
        });
        let controllers: Vec<_> = controllers.collect();
        if controllers.is_empty() {
            return Vec::new();
        }
        let mut paths: Vec<IngressPath> = Vec::new();
        for (host, server) in Config::of(&self.state).servers {
            let host: Arc<str> =
                if host == crate::agents::ingress_nginx::DEFAULT_SERVER { "".into() } else { host.into() };
            for rule in server.locations.into_iter().map(|location| location.rule) {
                // One path may have several locations: exact, and by prefix.
                if paths.iter().all(|one| (&one.host, &one.rule) != (&host, &rule)) {
                    let touched = controllers.iter().any(|nginx| nginx.has_used(&rule));
                    paths.push(IngressPath { host: host.clone(), rule, touched });
                }
            }
        }
        paths
    }

    /// Leaves a rule out of what agents have written on a node, and whenever they write it again.
    pub(super) fn omit(&mut self, node: &str, table: TableName, chain: &str, rule: &str) -> Result<(), OpError> {
        let place = self.node_named(node)?;
        self.program(place)?;
        let (chain, rule) = (chain.to_owned(), rule.to_owned());
        let omission = Omission { place, table, chain, rule, done: self.generation };
        self.leave_one_out(&omission);
        self.omissions.push(omission);
        Ok(())
    }

    /// Leaves out what agents have just written again on a node.
    pub(super) fn leave_out(&mut self, place: usize) {
        for at in 0..self.omissions.len() {
            if self.omissions[at].place == place && self.omissions[at].done != self.generation {
                self.omissions[at].done = self.generation;
                let omission = self.omissions[at].clone();
                self.leave_one_out(&omission);
            }
        }
    }

    fn leave_one_out(&mut self, omission: &Omission) {
        let Omission { place, table, chain, rule, .. } = omission;
        let rules = self.network.get_mut(*place).rules.table_mut(*table);
        let Some(id) = rules.chain_id(chain) else { return };
        let is_it = |one: &Rule, rules: &Table| one.provenance.is_some() && rule_text(one, rules) == *rule;
        // From the last to the first, so that the places of the others stay.
        let count = rules.chain(id).map_or(0, |chain| chain.rules().len());
        for at in (0..count).rev() {
            let there = rules.chain(id).and_then(|chain| chain.rules().get(at)).is_some_and(|one| is_it(one, rules));
            if there && let Some(chain) = rules.chain_mut(id) {
                chain.remove(at);
            }
        }
    }

    /// From now on nothing that is sent ever arrives: every flow times out where it begins, without a packet. To see whether
    /// what is said of flows is true whatever becomes of them.
    pub fn mute(&mut self) {
        self.muted = true;
    }
}
