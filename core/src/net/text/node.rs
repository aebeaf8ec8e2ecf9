use super::{Links, Neighbours, Routes, Rules, Sysctls};
use crate::Time;
use crate::conntrack::{Entry, Jiffies, KernelRules, Settings, Table};
use crate::net::{Device, DeviceKind, KernelProfile, Namespace};
use crate::netfilter::text::{RestoreInput, restore};
use crate::packet::DeviceName;

/// The texts that describe a machine's network. Those that are missing are empty: then the kernel's defaults hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeTexts<'a> {
    /// `ip addr`.
    pub addresses: &'a str,
    /// `ip route show table all`.
    pub routes: &'a str,
    /// `ip rule`.
    pub rules: &'a str,
    /// `ip neigh`.
    pub neighbours: &'a str,
    /// `sysctl -a`.
    pub sysctls: &'a str,
    /// `conntrack -L`.
    pub connections: &'a str,
    /// `iptables-save`.
    pub iptables: &'a str,
    /// The kernel's version, such as (5, 4); (0, 0) for one of today.
    pub kernel: (u16, u16),
}

/// Something in the texts that the namespace does not heed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheeded(pub String);

impl NodeTexts<'_> {
    /// The namespace that the texts describe, at the moment `now`, and what of them it does not heed.
    pub fn build(&self, name: &str, now: Time) -> Result<(Namespace, Vec<Unheeded>), Box<dyn std::error::Error>> {
        let version = if self.kernel == (0, 0) { (6, 12) } else { self.kernel };
        let profile = KernelProfile { postrouting_sees_input: version >= (5, 7) };
        let mut settings = Settings::default();
        settings.timeouts.udp_stream = if version >= (5, 0) { 120 } else { 180 };
        let table = Table::with(settings, KernelRules::of(version));
        let mut namespace = Namespace::new(name, table, profile);
        let mut unheeded = Vec::new();
        let links: Links = self.addresses.parse()?;
        let mut devices = links.devices();
        if !devices.is_empty() {
            // The first device is lo, in every namespace.
            if let Some(at) = devices.iter().position(|device| device.kind == DeviceKind::Loopback) {
                devices[..=at].rotate_right(1);
            } else {
                devices.insert(0, Device::loopback());
            }
            namespace.devices = devices.into_iter().collect();
        }
        for link in links.0.iter().filter(|link| link.master.is_some()) {
            namespace.add_bridge_port(link.master.unwrap_or(DeviceName::LO), link.name);
        }
        let routes: Routes = self.routes.parse()?;
        routes.fill(&mut namespace.fib, &mut namespace.policy);
        let rules: Rules = self.rules.parse()?;
        if !rules.0.is_empty() {
            namespace.policy.set_rules(rules.0);
        }
        let neighbours: Neighbours = self.neighbours.parse()?;
        for neighbour in &neighbours.ipv4 {
            match (namespace.device_index(neighbour.device), neighbour.mac) {
                (Some(device), Some(mac)) => {
                    namespace.neighbours.insert((device, neighbour.address), mac);
                }
                (None, _) => unheeded.push(Unheeded(format!("ip neigh: there is no device {}", neighbour.device))),
                // Nobody had answered; it will be asked again.
                (_, None) => {}
            }
        }
        let sysctls: Sysctls = self.sysctls.parse()?;
        unheeded.extend(sysctls.apply(&mut namespace).into_iter().map(Unheeded));
        unheeded.extend(neighbour_delays(&sysctls, &namespace));
        for (number, line) in super::lines(self.connections) {
            let entry = Entry::read(line, Jiffies::from(now)).map_err(|cause| super::TextError {
                tool: "conntrack -L",
                line: number,
                cause,
            })?;
            if !namespace.conntrack.add(entry) {
                unheeded.push(Unheeded(format!("conntrack -L, line {number}: one of its tuples is taken")));
            }
        }
        let dump: RestoreInput = match self.iptables.parse() {
            Ok(dump) => dump,
            Err(never) => match never {},
        };
        restore(&mut namespace.rules, &dump)?;
        namespace.tracking = namespace.rules.need_tracking();
        Ok((namespace, unheeded))
    }
}

/// A proxy that waits before it answers, which the model's does not.
fn neighbour_delays(sysctls: &Sysctls, namespace: &Namespace) -> Vec<Unheeded> {
    let slow = namespace.devices.iter().filter(|device| device.proxy_arp).filter_map(|device| {
        let name = format!("net.ipv4.neigh.{}.proxy_delay", device.name.as_str().replace('.', "/"));
        let value = sysctls.get(&name).filter(|value| *value != "0")?;
        Some(Unheeded(format!("{name} = {value}")))
    });
    slow.collect()
}
