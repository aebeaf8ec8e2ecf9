//! Surroundings for rules: every answer follows from the question, but for chance and counting, which are kept.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use netscene_core::netfilter::walk::{Chance, Connection, Ends, Environment, Rewritten, View};
use netscene_core::netfilter::{
    AddressType, CtDirection, CtStatuses, LogTarget, MatchId, Memory, Rpfilter, SetDirection, SetMatch,
};
use netscene_core::packet::DeviceName;
use netscene_core::{Crossroads, Random};

/// What rules ask, and what they leave behind.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) random: Random,
    nth: BTreeMap<MatchId, u32>,
    log: Vec<String>,
    memory: Memory,
    rewritten: Rewritten,
    connection_mark: u32,
    untracked: bool,
}

impl PartialEq for Around {
    /// Of the same chance is left as much as the next number tells, which the caller compares.
    fn eq(&self, other: &Self) -> bool {
        self.nth == other.nth
            && self.log == other.log
            && self.rewritten == other.rewritten
            && self.connection_mark == other.connection_mark
            && self.untracked == other.untracked
            && self.memory.account("seen") == other.memory.account("seen")
    }
}

impl Around {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            nth: BTreeMap::new(),
            log: Vec::new(),
            memory: Memory::default(),
            rewritten: Rewritten::default(),
            connection_mark: 0,
            untracked: false,
        }
    }
}

impl Environment for Around {
    fn address_type(&self, address: Ipv4Addr, device: Option<DeviceName>) -> AddressType {
        match address.octets()[3] {
            1 => AddressType::Local,
            2 if device.is_none() => AddressType::Local,
            3 => AddressType::Broadcast,
            _ => AddressType::Unicast,
        }
    }

    fn reverse_path(&self, view: &View<'_>, _: u32, options: Rpfilter) -> Option<bool> {
        let odd = usize::from(view.packet.source.octets()[3] % 2);
        Some(options.loose || view.in_device.is_some_and(|device| device.as_str().len() % 2 == odd))
    }

    fn in_set(&self, set: &SetMatch, view: &View<'_>, _: u32) -> Option<bool> {
        let address = match set.directions.first() {
            Some(SetDirection::Source) | None => view.packet.source,
            Some(SetDirection::Destination) => view.packet.destination,
        };
        Some((usize::from(address.octets()[3]) + set.name.len()).is_multiple_of(2))
    }

    fn chance(&mut self, chance: &Chance<'_>) -> bool {
        self.random.chance(chance.probability, || Crossroads::Rule {
            place: "around".into(),
            packet: 0,
            table: "",
            chain: chance.name.clone(),
            number: chance.number,
        })
    }

    fn nth(&mut self, which: MatchId, every: u32) -> u32 {
        let seen = self.nth.entry(which).or_default();
        let place = *seen;
        *seen = (place + 1) % every;
        place
    }

    fn log(&mut self, target: &LogTarget, view: &View<'_>, mark: u32) {
        self.log.push(format!("{} {} {mark:#x}", target.prefix, view.packet));
    }

    fn memory(&mut self) -> Option<&mut Memory> {
        Some(&mut self.memory)
    }

    fn connection(&self) -> Option<Connection> {
        let ends = Ends {
            source: Ipv4Addr::new(10, 0, 0, 1),
            source_port: 80,
            destination: Ipv4Addr::new(10, 0, 0, 2),
            destination_port: 53,
        };
        Some(Connection {
            protocol: 17,
            original: ends,
            reply: ends,
            direction: CtDirection::Original,
            status: CtStatuses::CONFIRMED,
            expires: 30,
            mark: self.connection_mark,
        })
    }

    fn set_connection_mark(&mut self, mark: u32) {
        self.connection_mark = mark;
    }

    fn untrack(&mut self) {
        self.untracked = true;
    }

    fn is_untracked(&self) -> bool {
        self.untracked
    }

    fn rewritten(&self) -> Rewritten {
        self.rewritten
    }

    fn rewrite(&mut self, fields: Rewritten) {
        self.rewritten = fields;
    }
}
