//! Surroundings for rules: every answer follows from the question, but for chance and counting, which are kept.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use netscene_core::Random;
use netscene_core::netfilter::walk::{Environment, View};
use netscene_core::netfilter::{AddressType, ChainId, LogTarget, Rpfilter, Target};
use netscene_core::packet::DeviceName;

/// What rules ask, and what they leave behind.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) random: Random,
    nth: BTreeMap<(ChainId, usize), u32>,
    log: Vec<String>,
}

impl PartialEq for Around {
    /// Of the same chance is left as much as the next number tells, which the caller compares.
    fn eq(&self, other: &Self) -> bool {
        self.nth == other.nth && self.log == other.log
    }
}

impl Around {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), nth: BTreeMap::new(), log: Vec::new() }
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

    fn reverse_path(&self, source: Ipv4Addr, device: Option<DeviceName>, options: Rpfilter) -> bool {
        options.loose || device.is_some_and(|device| device.as_str().len() % 2 == usize::from(source.octets()[3] % 2))
    }

    fn set_contains(&self, name: &str, address: Ipv4Addr) -> bool {
        (usize::from(address.octets()[3]) + name.len()).is_multiple_of(2)
    }

    fn chance(&mut self, _: ChainId, _: &Target, probability: u32) -> bool {
        self.random.chance(probability)
    }

    fn nth(&mut self, chain: ChainId, index: usize, every: u32) -> u32 {
        let seen = self.nth.entry((chain, index)).or_default();
        let place = *seen;
        *seen = (place + 1) % every;
        place
    }

    fn log(&mut self, target: &LogTarget, view: &View<'_>, mark: u32) {
        self.log.push(format!("{} {} {mark:#x}", target.prefix, view.packet));
    }
}
