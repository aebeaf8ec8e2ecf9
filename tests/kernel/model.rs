//! The model's node: the same topology, rules and packets, through `netscene_core::net::Namespace`.

use std::net::Ipv4Addr;
use std::time::Duration;

use netscene_core::conntrack::{Jiffies, Table, Timeouts};
use netscene_core::net::fib::{Fib, Route, RouteKind};
use netscene_core::net::rules::MAIN;
use netscene_core::net::text::{Routes, Rules, Sysctls};
use netscene_core::net::wire::{Arp, Frame, Payload};
use netscene_core::net::{Context, Device, Effect, KernelProfile, Namespace};
use netscene_core::netfilter::{Backend, Hook, TableName, text};
use netscene_core::packet::{Body, DeviceName, Mac, Packet};
use netscene_core::trace::{Hop, PacketId, Recorder, Step};
use netscene_core::view::{self, conntrack::line};
use netscene_core::{Random, Time};

use crate::Result;
use crate::case::{Case, TABLES};
use crate::compare::Network;
use crate::event::{Event, Observed, What};
use crate::step as case;
use crate::topology::{BRIDGE, LINKS, NODE, ROUTES};
use crate::wire::{self, Ends};

/// The node, and what it needs of a world.
pub(crate) struct Model {
    node: Namespace,
    /// Tables that count as absent.
    vacant: Vec<TableName>,
    random: Random,
    next_packet: u64,
}

impl Model {
    /// A node with the case's rules, and chance from a seed.
    pub(crate) fn new(case: &Case, backend: Backend, seed: u64) -> Result<Self> {
        let kernel = KernelProfile { postrouting_sees_input: true };
        let mut node = Namespace::new("node", connections(), kernel);
        node.forwarding = true;
        // As `SYSCTLS` tells the real one.
        node.conf.send_redirects = false;
        node.icmp.ratelimit = Duration::ZERO;
        for link in &LINKS {
            let mut device = Device::ethernet(link.device.parse()?, link.node_mac, link.mtu);
            if let Some(address) = link.address {
                let address: ipnet::Ipv4Net = address.parse()?;
                device.addresses.push(address);
                node.fib.add(route(address.trunc(), RouteKind::Unicast, None, Some(link.device))?);
            }
            device.proxy_arp = link.address.is_none();
            device.conf.send_redirects = false;
            node.devices.push(device);
        }
        for one in &ROUTES {
            let kind = if one.kind.is_empty() { RouteKind::Unicast } else { RouteKind::Blackhole };
            node.fib.add(route(one.to.parse()?, kind, one.via, one.device)?);
        }
        node.rules.backend = backend;
        node.sets.restore(&case.sets.join("\n"))?;
        let Ok(input) = case.rules().parse::<text::RestoreInput>();
        text::restore(&mut node.rules, &input)?;
        node.tracking = !case.tracks_as_needed || node.rules.need_tracking();
        let vacant = TABLES.into_iter().filter(|table| case.is_vacant(*table)).collect();
        let mut model = Self { node, vacant, random: Random::new(seed), next_packet: 0 };
        model.meet_neighbours()?;
        Ok(model)
    }

    /// A node that was made elsewhere, with the topology of the suite.
    pub(crate) fn of(node: Namespace, case: &Case, seed: u64) -> Self {
        let vacant = TABLES.into_iter().filter(|table| case.is_vacant(*table)).collect();
        Self { node, vacant, random: Random::new(seed), next_packet: 0 }
    }

    /// Everybody asks for the node's address once, and so the node knows everybody's.
    fn meet_neighbours(&mut self) -> Result<()> {
        for (at, link) in LINKS.iter().enumerate() {
            for &sender in link.neighbours {
                let arp = Arp { request: true, sender_mac: link.far_mac, sender, target: NODE };
                let frame = Frame { source: link.far_mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
                self.act(Duration::ZERO, |node, cx| node.receive_frame(at + 1, frame, cx))?;
            }
        }
        Ok(())
    }

    fn perform_one(&mut self, from: &str, packet: Packet, after: Duration, observed: &mut Observed) -> Result<()> {
        let node_mac = LINKS.iter().find(|link| link.far == from).map(|link| link.node_mac);
        self.perform_to(from, node_mac.unwrap_or(Mac::BROADCAST), packet, after, observed)
    }

    /// A packet comes from a pod for another one on the same bridge.
    fn bridged(&mut self, from: &str, to: &str, packet: Packet, after: Duration) -> Result<Observed> {
        let mut observed = Observed::default();
        let to = LINKS.iter().find(|link| link.far == to).ok_or("nobody of that name")?;
        self.perform_to(from, to.far_mac, packet, after, &mut observed)?;
        Ok(observed)
    }

    fn perform_to(
        &mut self,
        from: &str,
        destination: Mac,
        packet: Packet,
        after: Duration,
        observed: &mut Observed,
    ) -> Result<()> {
        let (effects, events) = match LINKS.iter().position(|link| link.far == from) {
            Some(at) => {
                let source = LINKS[at].far_mac;
                self.next_packet += 1;
                let payload = Payload::Ipv4(PacketId(self.next_packet), packet);
                let frame = Frame { source, destination, payload };
                self.act(after, |node, cx| node.receive_frame(at + 1, frame, cx))?
            }
            None => self.act(after, |node, cx| node.send(packet, cx))?,
        };
        observed.events.extend(events.into_iter().filter(|event| !self.vacant.contains(&event.table)));
        for effect in effects {
            if let Effect::Transmit { device, frame: Frame { payload: Payload::Ipv4(_, packet), .. } } = effect {
                observed.sent.push((LINKS[device - 1].far, wire::bytes(&packet)?));
            }
        }
        Ok(())
    }

    fn act(
        &mut self,
        after: Duration,
        action: impl FnOnce(&mut Namespace, &mut Context<'_, Recorder>),
    ) -> Result<(Vec<Effect>, Vec<Event>)> {
        act(&mut self.node, "", &mut self.random, &mut self.next_packet, after, action)
    }

    /// Somebody asks who has an address: the answer, as the suite writes it.
    fn ask(&mut self, from: &str, sender: Ipv4Addr, target: Ipv4Addr) -> Result<Vec<String>> {
        let at = LINKS.iter().position(|link| link.far == from).ok_or("nobody of that name")?;
        let arp = Arp { request: true, sender_mac: LINKS[at].far_mac, sender, target };
        let frame = Frame { source: LINKS[at].far_mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
        let (effects, _) = self.act(Duration::ZERO, |node, cx| node.receive_frame(at + 1, frame, cx))?;
        let answer = |effect| match effect {
            Effect::Transmit { device, frame: Frame { payload: Payload::Arp(arp), .. } } if !arp.request => {
                Some(format!("arp to {}: {} is at {}", LINKS[device - 1].far, arp.sender, arp.sender_mac))
            }
            _ => None,
        };
        Ok(effects.into_iter().filter_map(answer).collect())
    }

    /// Does what a command says.
    fn command(&mut self, text: &str, after: Duration) -> Result<()> {
        let node = &mut self.node;
        let (tool, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (tool, rest.split_once(' ')) {
            ("sysctl", Some((name, value))) => {
                let name = name.replace('/', ".");
                if !Sysctls::knows(&name) || !Sysctls(vec![(name, value.to_owned())]).apply(node).is_empty() {
                    return Err(format!("the model does not know {text}").into());
                }
            }
            ("route", _) => {
                for line in rest.parse::<Routes>()?.ipv4 {
                    if line.table == MAIN {
                        node.fib.add(line.route);
                    } else {
                        node.policy.tables.entry(line.table).or_default().add(line.route);
                    }
                }
            }
            ("unroute", _) => {
                for line in rest.parse::<Routes>()?.ipv4 {
                    let keep = node.fib.routes().filter(|route| route.destination != line.route.destination);
                    let keep: Vec<_> = keep.cloned().collect();
                    node.fib = Fib::default();
                    for route in keep {
                        node.fib.add(route);
                    }
                }
            }
            ("rule", _) => {
                for rule in rest.parse::<Rules>()?.0 {
                    node.policy.add_rule(rule);
                }
            }
            ("iptables", _) => text::apply(&mut node.rules, rest)?,
            ("ipset", _) => node.sets.restore_at(rest, Time::ZERO + after)?,
            ("bridge", _) => {
                let bridge: DeviceName = "br0".parse()?;
                node.devices.push(Device::ethernet(bridge, BRIDGE, 1440));
                for port in rest.split_whitespace() {
                    node.add_bridge_port(bridge, port.parse()?);
                }
                node.bridge_calls_iptables = true;
            }
            _ => return Err(format!("`{text}` is no command of a case").into()),
        }
        Ok(())
    }

    /// What LOG rules have written since the last time.
    fn log(&mut self) -> Vec<String> {
        let lines = self.node.log.drain(..).map(|record| view::log::line(&record));
        lines.filter_map(|line| Some(line.split_once("] ")?.1.to_owned())).collect()
    }
}

impl Network for Model {
    fn perform(&mut self, from: &str, packets: Vec<Packet>, after: Duration) -> Result<Observed> {
        let mut observed = Observed::default();
        for packet in packets {
            self.perform_one(from, packet, after, &mut observed)?;
        }
        Ok(observed)
    }

    fn connections(&mut self, after: Duration) -> Result<Vec<(&'static str, String)>> {
        Ok(listed(&self.node, after).map(|line| ("", line)).collect())
    }

    fn flush(&mut self) -> Result<()> {
        self.node.conntrack = connections();
        Ok(())
    }

    fn other(&mut self, step: &case::Step, after: Duration) -> Result<Observed> {
        let mut observed = Observed::default();
        match step {
            case::Step::Bridged { from, source, destination, to, what } => {
                observed = self.bridged(from, to, what.packet(*source, *destination), after)?;
            }
            case::Step::Ask { from, sender, target } => observed.others = self.ask(from, *sender, *target)?,
            case::Step::Do(command) => self.command(command, after)?,
            case::Step::Log => observed.others = self.log(),
            case::Step::Send { .. } | case::Step::Reply(_) | case::Step::Wait(_) | case::Step::Flush => {}
        }
        Ok(observed)
    }
}

/// Lets a node do something, and gives what it wants to happen outside, and its story.
pub(crate) fn act(
    node: &mut Namespace,
    name: &'static str,
    random: &mut Random,
    next_packet: &mut u64,
    after: Duration,
    action: impl FnOnce(&mut Namespace, &mut Context<'_, Recorder>),
) -> Result<(Vec<Effect>, Vec<Event>)> {
    let (mut recorder, mut effects) = (Recorder::default(), Vec::new());
    let now = Time::ZERO + after;
    let mut cx = Context { now, random, observer: &mut recorder, next_packet, effects: &mut effects };
    action(node, &mut cx);
    let (mut found, mut marks) = (Vec::new(), Vec::new());
    for packet in recorder.into_packets() {
        for hop in &packet.hops {
            events(name, packet.id, hop, &mut marks, &mut found)?;
        }
    }
    Ok((effects, found))
}

/// The connections of a node, as `conntrack -L` lists them.
pub(crate) fn listed(node: &Namespace, after: Duration) -> impl Iterator<Item = String> + '_ {
    let now = Jiffies::from(Time::ZERO + after);
    node.conntrack.entries(now).map(move |entry| line(entry, now))
}

fn connections() -> Table {
    Table::new(Timeouts::default(), true)
}

fn route(destination: ipnet::Ipv4Net, kind: RouteKind, via: Option<Ipv4Addr>, device: Option<&str>) -> Result<Route> {
    let device = device.map(str::parse).transpose()?;
    Ok(Route { kind, via, device, ..Route::to(destination) })
}

/// The events of one hop. Devices and addresses are those that the steps before have left.
fn events(
    node: &'static str,
    id: PacketId,
    hop: &Hop,
    marks: &mut Vec<(PacketId, u32)>,
    into: &mut Vec<Event>,
) -> Result<()> {
    let mut packet = wire::ends(&wire::bytes(&hop.before)?)?;
    let mut mark = marks.iter().find(|(known, _)| *known == id).map_or(0, |(_, mark)| *mark);
    // A bridged packet has no route; at POSTROUTING it has no input device either.
    let bridged = hop.in_device.is_some()
        && hop.in_device == hop.out_device
        && !hop.steps.iter().any(|step| matches!(step, Step::Route { .. }));
    let bridge = hop.out_device.filter(|_| bridged).map(|name| name.to_string());
    let (mut out, mut returned) = (bridge, None);
    for step in &hop.steps {
        let (hook, table, chain, what, before) = match step {
            Step::Rule(hit) => {
                let leaves = hit.rule.ends_with("-j RETURN");
                returned = leaves.then(|| hit.chain.clone());
                let before = hit.mark;
                mark = hit.mark_after;
                (hit.hook, hit.table, &hit.chain, What::Rule(hit.number), before)
            }
            // The kernel tells of RETURN as of any rule; only that of a built-in chain leads to another event, the policy.
            Step::ChainEnd { chain, policy: None, .. } if returned.take().as_ref() == Some(chain) => continue,
            Step::ChainEnd { hook, table, chain, policy } => {
                let what = if policy.is_some() { What::Policy } else { What::Return };
                (*hook, *table, chain, what, mark)
            }
            Step::Dnat { to, .. } => {
                translate(&mut packet, None, Some(*to));
                continue;
            }
            Step::Snat { to, .. } => {
                translate(&mut packet, Some(*to), None);
                continue;
            }
            Step::Route { device, .. } => {
                out = device.map(|name| name.to_string());
                continue;
            }
            _ => continue,
        };
        let none = hook == Hook::Output || bridged && hook == Hook::Postrouting;
        let in_device = match hook {
            _ if none => None,
            // The recorder has what a tunnel made as sent from here. To the rules it has come in by the tunnel.
            Hook::Postrouting if matches!(hop.before.body, Body::Ipip(_)) => Some(DeviceName::TUNL0.to_string()),
            _ => hop.in_device.map(|name| name.to_string()),
        };
        let out_device = if matches!(hook, Hook::Prerouting | Hook::Input) { None } else { out.clone() };
        let chain = chain.to_string();
        into.push(Event { node, hook, table, chain, what, mark: before, in_device, out_device, packet });
    }
    marks.retain(|(known, _)| *known != id);
    marks.push((id, mark));
    Ok(())
}

fn translate(packet: &mut Ends, source: Option<std::net::SocketAddrV4>, destination: Option<std::net::SocketAddrV4>) {
    let (mut from, mut to) = packet.ports.unwrap_or_default();
    if let Some(source) = source {
        packet.source = *source.ip();
        from = source.port();
    }
    if let Some(destination) = destination {
        packet.destination = *destination.ip();
        to = destination.port();
    }
    packet.ports = packet.ports.map(|_| (from, to));
}
