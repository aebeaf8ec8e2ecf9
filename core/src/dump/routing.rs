//! Routes, rules of routing, neighbours and sysctls of a dump, with what is assumed where they are missing.

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;

use super::build::{Notes, device, wrong};
use super::{Dump, DumpError, DumpKind};
use crate::net::fib::Route;
use crate::net::rules::MAIN;
use crate::net::text::{Neighbours, Routes, Rules, Sysctls};
use crate::net::{Device, DeviceKind, Namespace};
use crate::packet::Mac;

/// Tables that the dump calls by names of `/etc/iproute2/rt_tables`: which number each has makes no difference, as long as
/// routes and rules mean the same.
#[derive(Default)]
pub(super) struct TableNames(FxHashMap<String, u32>);

/// Above what anybody gives a table of his own.
const FIRST_NAMED: u32 = 0x7000_0000;

impl TableNames {
    /// The line with a number for the name that follows `word`.
    fn numbered(&mut self, line: &str, word: &str) -> String {
        let Some((before, rest)) = line.split_once(&format!(" {word} ")) else { return line.to_owned() };
        let name = rest.split_whitespace().next().unwrap_or_default();
        if matches!(name, "local" | "main" | "default")
            || name.starts_with(|letter: char| !letter.is_ascii_alphabetic())
        {
            return line.to_owned();
        }
        let next = FIRST_NAMED + self.0.len() as u32;
        let number = *self.0.entry(name.to_owned()).or_insert(next);
        format!("{before} {word} {number}{}", &rest[name.len()..])
    }
}

/// The lines of `ip route`, each with those that continue it, and the number of its first.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match lines.last_mut() {
            Some((_, last)) if line.starts_with(char::is_whitespace) => {
                last.push('\n');
                last.push_str(line);
            }
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    lines
}

impl Dump {
    /// Without `ip addr`, the devices that routes name, with the addresses that the local table gives them.
    pub(super) fn devices_of_routes(&self, namespace: &mut Namespace, notes: &mut Notes) {
        let mut found: Vec<(crate::packet::DeviceName, Vec<Ipv4Net>)> = Vec::new();
        for line in self.of_kind(DumpKind::Routes).flat_map(|file| file.text.lines()) {
            let words: Vec<_> = line.split_whitespace().collect();
            let after = |word: &str| words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1));
            let Some(name) = after("dev").and_then(|name| device(name)) else { continue };
            let at = found.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                found.push((name, Vec::new()));
                found.len() - 1
            });
            let own = if words.first() == Some(&"local") { words.get(1) } else { after("src") };
            if let Some(Ok(own)) = own.map(|own| own.parse::<std::net::Ipv4Addr>())
                && !found[at].1.iter().any(|known| known.addr() == own)
            {
                found[at].1.push(own.into());
            }
        }
        let names: Vec<_> = found.iter().map(|(name, _)| name.to_string()).collect();
        found.retain(|(name, _)| namespace.device_index(*name).is_none());
        for (name, addresses) in found {
            namespace
                .devices
                .push(Device { addresses, ..Device::ethernet(name, made_up(namespace.devices.len()), 1500) });
        }
        let devices = if names.is_empty() { "there is no device but lo".to_owned() } else { names.join(", ") };
        notes
            .assumed
            .push(format!("no `ip addr`: the devices are those of the routes ({devices}), with an MTU of 1500"));
    }

    pub(super) fn routes(
        &self,
        namespace: &mut Namespace,
        names: &mut TableNames,
        notes: &mut Notes,
    ) -> Result<(), DumpError> {
        let mut any = false;
        for file in self.of_kind(DumpKind::Routes) {
            for (number, line) in joined(&file.text) {
                let line = names.numbered(&line, "table");
                let mut read: Routes = line.parse().map_err(|error| wrong(file, number, &error))?;
                for one in &mut read.ipv4 {
                    if let Some(what) = &one.route.unknown {
                        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
                        one.route.unknown = Some(format!("{what} ({}:{number})", file.name).into());
                    }
                    any |= one.table == MAIN;
                }
                read.fill(&mut namespace.fib, &mut namespace.policy);
            }
        }
        if !any {
            let mut connected = Vec::new();
            for device in namespace.devices.iter().filter(|device| device.kind != DeviceKind::Loopback && device.up) {
                let networks = device.addresses.iter().filter(|own| own.prefix_len() < 32);
                connected.extend(networks.map(|own| Route { device: Some(device.name), ..Route::to(own.trunc()) }));
            }
            let command = "ip route show table all";
            notes.assumed.push(match connected.len() {
                0 => format!("no `{command}`: there are no routes"),
                1 => format!("no `{command}`: the network of {} is the only route", connected[0].destination),
                count => format!("no `{command}`: the {count} networks of `ip addr` are the only routes"),
            });
            for route in connected {
                namespace.fib.add(route);
            }
        }
        Ok(())
    }

    pub(super) fn rules(
        &self,
        namespace: &mut Namespace,
        names: &mut TableNames,
        notes: &mut Notes,
    ) -> Result<(), DumpError> {
        let mut rules = Vec::new();
        for file in self.of_kind(DumpKind::Rules) {
            for (at, line) in file.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let line = names.numbered(line, "lookup");
                let mut read: Rules = line.parse().map_err(|error| wrong(file, at + 1, &error))?;
                for rule in &mut read.0 {
                    rule.unknown = rule.unknown.take().map(|what| format!("{what} ({}:{})", file.name, at + 1).into());
                }
                rules.extend(read.0);
            }
        }
        if rules.is_empty() {
            let others = namespace.policy.tables.len();
            let unasked = match others {
                0 => String::new(),
                1 => ", and one other table of routes is never asked".to_owned(),
                _ => format!(", and {others} other tables of routes are never asked"),
            };
            notes.assumed.push(format!("no `ip rule`: the kernel's own three rules (local, main, default){unasked}"));
        } else {
            namespace.policy.set_rules(rules);
        }
        Ok(())
    }

    pub(super) fn neighbours(&self, namespace: &mut Namespace, notes: &mut Notes) -> Result<(), DumpError> {
        for file in self.of_kind(DumpKind::Neighbours) {
            for (at, line) in file.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let read: Neighbours = line.parse().map_err(|error| wrong(file, at + 1, &error))?;
                for one in read.ipv4 {
                    let place = format!("{}:{}", file.name, at + 1);
                    match one.mac {
                        _ if namespace.device_index(one.device).is_none() => {
                            notes.unheeded.push(format!("there is no device {} ({place})", one.device));
                        }
                        Some(mac) => namespace.know_neighbour(one.device, one.address, mac),
                        None if one.state.iter().any(|state| state == "FAILED" || state == "INCOMPLETE") => {
                            notes.silent.push((one.device, one.address, place));
                        }
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn sysctls(&self, namespace: &mut Namespace, notes: &mut Notes) -> Result<(), DumpError> {
        let (mut any, mut network) = (false, false);
        for file in self.of_kind(DumpKind::Sysctls) {
            for (at, line) in file.text.lines().enumerate().filter(|(_, line)| line.starts_with("net.")) {
                let read: Sysctls = line.parse().map_err(|error| wrong(file, at + 1, &error))?;
                any = true;
                network |= line.starts_with("net.ipv4.ip_forward ");
                let unheeded = read.apply(namespace);
                notes.unheeded.extend(unheeded.into_iter().map(|what| format!("{what} ({}:{})", file.name, at + 1)));
            }
        }
        if !network {
            namespace.forwarding = true;
            let what = if any { "no net.ipv4.ip_forward in `sysctl -a`" } else { "no `sysctl -a`" };
            let rest =
                if any { "" } else { ", net.bridge.bridge-nf-call-iptables = 1, the kernel's defaults for the rest" };
            namespace.bridge_calls_iptables |= !any;
            notes.assumed.push(format!("{what}: net.ipv4.ip_forward = 1{rest}"));
        }
        Ok(())
    }
}

/// An Ethernet address that nobody has been given: locally administered.
pub(super) fn made_up(number: usize) -> Mac {
    let [.., a, b] = (number as u32).to_be_bytes();
    Mac([0x02, 0x64, 0x75, 0x6d, a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_number_wherever_it_is_named() {
        let mut names = TableNames::default();
        assert_eq!(
            names.numbered("default dev eth1 table vpn scope link", "table"),
            "default dev eth1 table 1879048192 scope link"
        );
        assert_eq!(names.numbered("100:\tfrom all lookup vpn", "lookup"), "100:\tfrom all lookup 1879048192");
        assert_eq!(names.numbered("0:\tfrom all lookup local", "lookup"), "0:\tfrom all lookup local");
        assert_eq!(names.numbered("100:\tfrom all lookup 7", "lookup"), "100:\tfrom all lookup 7");
    }
}
