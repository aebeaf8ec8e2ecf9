//! Policy routing: which table is asked for a packet's route (`net/core/fib_rules.c`, `net/ipv4/fib_rules.c`).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::fib::{Fib, Route, RouteKind};
use super::{DeviceConf, Devices, Namespace};
use crate::packet::DeviceName;

/// Number of the table of a namespace's own addresses.
pub const LOCAL: u32 = 255;
/// Number of the table that `ip route` shows.
pub const MAIN: u32 = 254;
/// Number of the table that is asked last.
pub const DEFAULT: u32 = 253;

/// A line of `ip rule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// Its place: the smallest is asked first.
    pub priority: u32,
    /// It is for all packets that the conditions do not hold for.
    pub not: bool,
    /// Sources.
    pub from: Option<Ipv4Net>,
    /// Destinations.
    pub to: Option<Ipv4Net>,
    /// The type of service.
    pub tos: Option<u8>,
    /// The mark and its mask.
    pub fwmark: Option<(u32, u32)>,
    /// The device the packet came in on; `lo` for packets made here.
    pub iif: Option<DeviceName>,
    /// The device a socket is bound to.
    pub oif: Option<DeviceName>,
    /// What it says.
    pub action: RuleAction,
    /// Routes with a prefix no longer than this do not count (`suppress_prefixlength`).
    pub suppress: Option<u8>,
    /// What `ip rule` says of it that the model does not know.
    pub unknown: Option<Arc<str>>,
}

/// What a rule says (`FR_ACT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Ask a table; if it has no answer, the next rule.
    Lookup(u32),
    /// Go on at the rule with this priority.
    Goto(u32),
    /// Go on.
    Nop,
    /// Drop, and tell the sender: network unreachable.
    Unreachable,
    /// Drop in silence.
    Blackhole,
    /// Drop, and tell the sender: prohibited.
    Prohibit,
}

impl PolicyRule {
    /// A rule for every packet.
    pub const fn all(priority: u32, action: RuleAction) -> Self {
        Self {
            priority,
            not: false,
            from: None,
            to: None,
            tos: None,
            fwmark: None,
            iif: None,
            oif: None,
            action,
            suppress: None,
            unknown: None,
        }
    }

    /// `fib4_rule_match` and `fib_rule_match`.
    fn matches(&self, flow: &Flow) -> bool {
        let fits = self.iif.is_none_or(|iif| iif == flow.in_device.unwrap_or(DeviceName::LO))
            && self.oif.is_none_or(|oif| flow.out_device == Some(oif))
            && self.fwmark.is_none_or(|(mark, mask)| (flow.mark ^ mark) & mask == 0)
            && self.from.is_none_or(|from| from.contains(&flow.source))
            && self.to.is_none_or(|to| to.contains(&flow.destination))
            && self.tos.is_none_or(|tos| tos == flow.tos & 0x1c);
        fits != self.not
    }
}

/// The rules of a namespace, and the tables they name beside the main one.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<PolicyRule>,
    /// Whether the rules are those that every namespace begins with.
    pub(super) plain: bool,
    /// Tables by number, without the main one. That of number 255 is asked after the namespace's own addresses.
    pub tables: BTreeMap<u32, Fib>,
}

impl Default for Policy {
    /// The three rules of every namespace: local, main, default.
    fn default() -> Self {
        let rule = |priority, table| PolicyRule::all(priority, RuleAction::Lookup(table));
        let rules = vec![rule(0, LOCAL), rule(32_766, MAIN), rule(32_767, DEFAULT)];
        Self { rules, plain: true, tables: BTreeMap::new() }
    }
}

impl Policy {
    /// The rules, in the order in which they are asked.
    pub fn rules(&self) -> &[PolicyRule] {
        &self.rules
    }

    /// Puts rules in the place of all there are.
    pub fn set_rules(&mut self, mut rules: Vec<PolicyRule>) {
        rules.sort_by_key(|rule| rule.priority);
        self.plain = rules == Self::default().rules;
        self.rules = rules;
    }

    /// Adds a rule, after those of the same priority.
    pub fn add_rule(&mut self, rule: PolicyRule) {
        let mut rules = std::mem::take(&mut self.rules);
        rules.push(rule);
        self.set_rules(rules);
    }
}

/// What a route is looked up by: `struct flowi4`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) mark: u32,
    pub(super) tos: u8,
    pub(super) in_device: Option<DeviceName>,
    pub(super) out_device: Option<DeviceName>,
}

impl Flow {
    /// Towards an address, by a packet that says nothing else.
    pub(super) const fn to(destination: Ipv4Addr) -> Self {
        let source = Ipv4Addr::UNSPECIFIED;
        Self { source, destination, mark: 0, tos: 0, in_device: None, out_device: None }
    }
}

/// Why there is no route to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoWay {
    /// Nobody knows one: "network unreachable".
    None,
    /// There is a route, or a rule, that drops.
    Drops(RouteKind, Option<Ipv4Net>),
    /// Its source is of the loopback network, which no wire has.
    Loopback,
    /// The model does not know.
    Unknown(Arc<str>),
}

impl Namespace {
    /// `fib_lookup`: the way to the flow's destination.
    pub(super) fn find_route(&self, flow: &Flow) -> Result<Route, NoWay> {
        self.ways().find(flow)
    }

    /// What ways are found by.
    pub(super) const fn ways(&self) -> Ways<'_> {
        Ways { devices: &self.devices, fib: &self.fib, policy: &self.policy, conf: &self.conf }
    }
}

/// The parts of a namespace that ways are found by.
#[derive(Clone, Copy)]
pub(super) struct Ways<'a> {
    pub(super) devices: &'a Devices,
    pub(super) fib: &'a Fib,
    pub(super) policy: &'a Policy,
    /// `net.ipv4.conf.all`.
    pub(super) conf: &'a DeviceConf,
}

impl Ways<'_> {
    pub(super) fn find(&self, flow: &Flow) -> Result<Route, NoWay> {
        if self.policy.plain && self.policy.tables.is_empty() {
            let local = self.local_route(flow.destination);
            let found = local.or_else(|| self.ask(self.fib, flow));
            return found.map_or(Err(NoWay::None), |route| answer(route).unwrap_or(Err(NoWay::None)));
        }
        let mut from = 0;
        for rule in &self.policy.rules {
            if rule.priority < from {
                continue;
            }
            if !rule.matches(flow) && (rule.unknown.is_none() || !rule.not) {
                continue;
            }
            if let Some(what) = &rule.unknown {
                return Err(NoWay::Unknown(format!("ip rule {}: {what}", rule.priority).into()));
            }
            let table = match rule.action {
                RuleAction::Lookup(table) => table,
                RuleAction::Nop => continue,
                RuleAction::Goto(priority) => {
                    from = priority;
                    continue;
                }
                // FR_ACT_UNREACHABLE is -ENETUNREACH: what "no route" says.
                RuleAction::Unreachable => return Err(NoWay::None),
                RuleAction::Blackhole => return Err(NoWay::Drops(RouteKind::Blackhole, None)),
                RuleAction::Prohibit => return Err(NoWay::Drops(RouteKind::Prohibit, None)),
            };
            let suppressed = |route: &Route| rule.suppress.is_some_and(|most| route.destination.prefix_len() <= most);
            if let Some(route) = self.look_into(table, flow).filter(|route| !suppressed(route))
                && let Some(found) = answer(route)
            {
                return found;
            }
        }
        Err(NoWay::None)
    }

    fn look_into(&self, table: u32, flow: &Flow) -> Option<Route> {
        let other = || self.ask(self.policy.tables.get(&table)?, flow);
        match table {
            LOCAL => self.local_route(flow.destination).or_else(other),
            MAIN => self.ask(self.fib, flow),
            _ => other(),
        }
    }

    fn ask(&self, table: &Fib, flow: &Flow) -> Option<Route> {
        let ignores = |name| {
            let own = self.devices.place(name).map(|place| self.devices[place].conf).unwrap_or_default();
            own.with(*self.conf).ignore_routes_with_linkdown
        };
        table.lookup_past(flow.destination, flow.out_device, ignores).cloned()
    }

    /// What the local table says of the namespace's own addresses and the broadcast addresses of its networks.
    fn local_route(&self, address: Ipv4Addr) -> Option<Route> {
        let route =
            |kind, device| Route { kind, device: Some(device), protocol: "kernel", ..Route::to(address.into()) };
        if address.is_loopback() || self.devices.have(address) {
            return Some(route(RouteKind::Local, DeviceName::LO));
        }
        let device = self.devices.broadcast_to(address)?;
        Some(route(RouteKind::Broadcast, device))
    }
}

/// What a route that was found comes to; nothing where the next rule is to be asked.
fn answer(route: Route) -> Option<Result<Route, NoWay>> {
    if let Some(what) = &route.unknown {
        return Some(Err(NoWay::Unknown(format!("ip route {}: {what}", route.destination).into())));
    }
    match route.kind {
        RouteKind::Unicast | RouteKind::Local | RouteKind::Broadcast => Some(Ok(route)),
        RouteKind::Throw => None,
        kind => Some(Err(NoWay::Drops(kind, Some(route.destination)))),
    }
}
