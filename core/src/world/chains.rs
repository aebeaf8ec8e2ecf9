//! Whether the chains and devices that an expectation names are there at all: of one that nobody has, nothing is ever true.

use super::{OpError, World};
use crate::did_you_mean;
use crate::kube::ROUTER;
use crate::netfilter::TableName;
use crate::packet::DeviceName;
use crate::trace::{Flow, Hop, Pattern};

impl World {
    /// Refuses a pattern with a chain or a device that neither the flows have met nor the place has, or any place where none
    /// is named.
    pub(super) fn know_names(&mut self, flows: &[&Flow], pattern: &Pattern) -> Result<(), OpError> {
        if let Pattern::Out { device, at } = pattern {
            return self.know_device(*device, at.as_deref());
        }
        let (chains, place): (Vec<&str>, Option<&str>) = match pattern {
            Pattern::Visits { place, chains } => (chains.iter().map(String::as_str).collect(), Some(place)),
            Pattern::Dropped { by: Some(by), at } => (vec![by], at.as_deref()),
            Pattern::Rejected { by: Some(by) } => (vec![by], None),
            _ => return Ok(()),
        };
        let met: Vec<_> =
            flows.iter().flat_map(|flow| &flow.packets).flat_map(|packet| &packet.hops).flat_map(Hop::chains).collect();
        let is_met = |chain: &str| met.iter().any(|one| is_chain(one, chain));
        let mut unmet = chains.into_iter().filter(|chain| !is_met(chain)).peekable();
        if unmet.peek().is_none() {
            return Ok(());
        }
        let places = self.rule_places(place)?;
        for chain in unmet {
            let mut known = false;
            for at in &places {
                self.program(*at)?;
                known = self.chains_of(*at).any(|(table, name)| is_meant(table.as_str(), name, chain));
                if known {
                    break;
                }
            }
            if !known {
                return Err(self.no_such_chain(chain, place, &places));
            }
        }
        Ok(())
    }

    /// The namespaces that may have a chain: the one of the place, or all nodes.
    fn rule_places(&mut self, place: Option<&str>) -> Result<Vec<usize>, OpError> {
        self.grow();
        let names: Vec<String> = match place {
            Some(ROUTER) => vec![ROUTER.to_owned()],
            // A deployment is a place, too: all its pods.
            Some(name) => {
                let pods: Vec<_> = self.state().pods_named(name).map(|pod| pod.key.to_string()).collect();
                if pods.is_empty() { vec![name.to_owned()] } else { pods }
            }
            None => self.state().nodes().map(|node| node.object.name.clone()).collect(),
        };
        names.iter().map(|name| self.namespace_named(name)).collect()
    }

    /// Refuses a device that the place does not have, or no place where none is named.
    fn know_device(&mut self, device: DeviceName, place: Option<&str>) -> Result<(), OpError> {
        self.grow();
        let places = match place {
            Some(_) => self.rule_places(place)?,
            None => (0..self.network.iter().count()).collect(),
        };
        let devices = || places.iter().flat_map(|at| self.network.get(*at).devices.iter());
        if devices().any(|one| one.name == device) {
            return Ok(());
        }
        let names: Vec<_> = devices().map(|one| one.name.to_string()).collect();
        let meant = did_you_mean(device.as_str(), names.iter().map(String::as_str));
        Err(OpError::new(
            match place {
                Some(place) => format!("{place} has no device {device}"),
                None => format!("nobody has a device {device}"),
            },
            meant.map(|meant| format!("did you mean `{meant}`?")),
        ))
    }

    fn chains_of(&self, place: usize) -> impl Iterator<Item = (TableName, &str)> {
        let rules = &self.network.get(place).rules;
        TableName::ALL
            .into_iter()
            .flat_map(|table| rules.table(table).chains().map(move |(_, chain)| (table, chain.name.as_ref())))
    }

    fn no_such_chain(&self, chain: &str, place: Option<&str>, places: &[usize]) -> OpError {
        let all = places.iter().flat_map(|at| self.chains_of(*at));
        let names: Vec<_> = all.map(|(table, name)| format!("{table}/{name}")).collect();
        let bare = |full: &'_ str| full.split_once('/').map_or(0, |(table, _)| table.len() + 1);
        let whole = chain.contains('/');
        let meant = did_you_mean(chain, names.iter().map(|full| if whole { full } else { &full[bare(full)..] }));
        OpError::new(
            match place {
                Some(place) => format!("{place} has no chain {chain}"),
                None => format!("no node has a chain {chain}"),
            },
            meant.map(|meant| format!("did you mean `{meant}`?")),
        )
    }
}

/// Whether `chain`, which may leave the table out, is this one.
pub(super) fn is_chain(full: &str, chain: &str) -> bool {
    full.split_once('/').is_some_and(|(table, name)| is_meant(table, name, chain))
}

/// Whether `chain`, which may leave the table out, means this one.
fn is_meant(table: &str, name: &str, chain: &str) -> bool {
    match chain.split_once('/') {
        Some((of, rest)) => (of, rest) == (table, name),
        None => chain == name,
    }
}
