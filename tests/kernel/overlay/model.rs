//! The model's side of the overlay: both nodes, and the Ethernet between them.

use std::collections::VecDeque;
use std::time::Duration;

use netscene_core::Random;
use netscene_core::conntrack::{KernelRules, Settings, Table};
use netscene_core::net::fib::Route;
use netscene_core::net::wire::{Arp, Frame, Payload};
use netscene_core::net::{Context, Device, Effect, KernelProfile, Namespace};
use netscene_core::netfilter::text;
use netscene_core::packet::{DeviceName, Mac, Packet};
use netscene_core::trace::{PacketId, Recorder};

use super::cluster::{Cluster, Node, OUTSIDE, OUTSIDE_MAC};
use crate::Result;
use crate::compare::Network;
use crate::event::{Event, Observed};
use crate::model::{act, listed};
use crate::wire;

/// Packets, and where they went.
type Sent = Vec<(&'static str, Vec<u8>)>;

/// The nodes in the order of the cluster's, and what they need of a world.
pub(crate) struct Model<'a> {
    cluster: &'a Cluster,
    nodes: Vec<Namespace>,
    /// The release of the kernel that it is held against.
    kernel: (u16, u16),
    random: Random,
    next_packet: u64,
}

impl<'a> Model<'a> {
    /// The nodes of a cluster under that release of the kernel.
    pub(crate) fn new(cluster: &'a Cluster, kernel: (u16, u16)) -> Result<Self> {
        let nodes = cluster.nodes.iter().map(|node| namespace(node, kernel)).collect::<Result<_>>()?;
        let mut model = Self { cluster, nodes, kernel, random: Random::new(0), next_packet: 0 };
        model.meet_neighbours()?;
        Ok(model)
    }

    /// Everybody asks for a node's address once, and so the nodes know everybody's.
    fn meet_neighbours(&mut self) -> Result<()> {
        let cluster = self.cluster;
        for (at, node) in cluster.nodes.iter().enumerate() {
            let others = cluster.nodes.iter().map(|other| (node.device, other.mac, other.address.addr()));
            let outside = (node.device, OUTSIDE_MAC, cluster.gateway);
            let pods = node.pods.iter().map(|pod| (pod.device, pod.mac, pod.address));
            for (device, mac, sender) in others.chain([outside]).chain(pods) {
                let arp = Arp { request: true, sender_mac: mac, sender, target: node.address.addr() };
                let frame = Frame { source: mac, destination: Mac::BROADCAST, payload: Payload::Arp(arp) };
                let device = self.device(at, device)?;
                self.act(at, Duration::ZERO, |node, cx| node.receive_frame(device, frame, cx))?;
            }
        }
        Ok(())
    }

    fn device(&self, node: usize, name: DeviceName) -> Result<usize> {
        self.nodes[node].device_index(name).ok_or_else(|| format!("no device {name}").into())
    }

    fn act(
        &mut self,
        at: usize,
        after: Duration,
        action: impl FnOnce(&mut Namespace, &mut Context<'_, Recorder>),
    ) -> Result<(Vec<Effect>, Vec<Event>)> {
        act(&mut self.nodes[at], self.cluster.nodes[at].name, &mut self.random, &mut self.next_packet, after, action)
    }

    fn frame(&mut self, source: Mac, destination: Mac, packet: Packet) -> Frame {
        self.next_packet += 1;
        Frame { source, destination, payload: Payload::Ipv4(PacketId(self.next_packet), packet) }
    }

    /// A packet comes from the far end of a wire, or from a process of a node, and goes as far as it gets.
    fn perform_one(
        &mut self,
        from: &str,
        mut packet: Packet,
        after: Duration,
        events: &mut Vec<Event>,
        (between, arrived): (&mut Sent, &mut Sent),
    ) -> Result<()> {
        let cluster = self.cluster;
        let (mut at, (mut effects, found)) = if from == OUTSIDE {
            let at = cluster.node_for(packet.destination);
            let (frame, device) =
                (self.frame(OUTSIDE_MAC, cluster.nodes[at].mac, packet), self.device(at, cluster.nodes[at].device)?);
            (at, self.act(at, after, |node, cx| node.receive_frame(device, frame, cx))?)
        } else if let Some((at, pod)) = cluster.pod(from) {
            let pod = &cluster.nodes[at].pods[pod];
            let (frame, device) = (self.frame(pod.mac, Mac::CALICO, packet), self.device(at, pod.device)?);
            (at, self.act(at, after, |node, cx| node.receive_frame(device, frame, cx))?)
        } else {
            let at = cluster.node(from)?;
            if packet.source.is_unspecified() {
                packet.source = self.nodes[at].source_towards(packet.destination).ok_or("no source address")?;
            }
            (at, self.act(at, after, |node, cx| node.send(packet, cx))?)
        };
        events.extend(found);
        let mut under_way = VecDeque::new();
        loop {
            for effect in effects {
                let Effect::Transmit { device, frame } = effect else { continue };
                let Payload::Ipv4(_, packet) = &frame.payload else { continue };
                let bytes = wire::bytes(packet)?;
                let device = self.nodes[at].devices[device].name;
                if let Some(pod) = cluster.nodes[at].pods.iter().find(|pod| pod.device == device) {
                    arrived.push((pod.name, bytes));
                } else if frame.destination == OUTSIDE_MAC {
                    arrived.push((OUTSIDE, bytes));
                } else if let Some(to) = cluster.nodes.iter().position(|node| node.mac == frame.destination) {
                    between.push((cluster.nodes[to].name, bytes));
                    under_way.push_back((to, frame));
                }
            }
            let Some((to, frame)) = under_way.pop_front() else { break };
            at = to;
            let device = self.device(at, cluster.nodes[at].device)?;
            let more;
            (effects, more) = self.act(at, after, |node, cx| node.receive_frame(device, frame, cx))?;
            events.extend(more);
        }
        Ok(())
    }
}

impl Network for Model<'_> {
    fn perform(&mut self, from: &str, packets: Vec<Packet>, after: Duration) -> Result<Observed> {
        let (mut events, mut between, mut arrived) = (Vec::new(), Vec::new(), Vec::new());
        for packet in packets {
            self.perform_one(from, packet, after, &mut events, (&mut between, &mut arrived))?;
        }
        // Each node has its own story: which of two events on two nodes was the first, no kernel tells.
        events.sort_by_key(|event| event.node);
        Ok(Observed { events, sent: [between, arrived].concat(), ..Observed::default() })
    }

    fn connections(&mut self, after: Duration) -> Result<Vec<(&'static str, String)>> {
        let nodes = self.cluster.nodes.iter().zip(&self.nodes);
        Ok(nodes.flat_map(|(node, made)| listed(made, after).map(|line| (node.name, line))).collect())
    }

    fn flush(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.conntrack = connections(self.kernel);
        }
        Ok(())
    }
}

fn connections(kernel: (u16, u16)) -> Table {
    Table::with(Settings::default(), KernelRules::of(kernel))
}

/// A node as the model has it. `tunl0` is the first device after `lo`, as in a namespace that is made after `ipip` was
/// loaded.
fn namespace(plan: &Node, kernel: (u16, u16)) -> Result<Namespace> {
    let profile = KernelProfile { postrouting_sees_input: kernel >= (5, 7) };
    let mut node = Namespace::new(plan.name, connections(kernel), profile);
    node.forwarding = true;
    node.tracking = true;
    node.conf.send_redirects = false;
    node.icmp.ratelimit = Duration::ZERO;
    node.devices.push(Device::tunl0(Some(plan.tunnel), plan.tunnel_mtu));
    let mut card = Device::ethernet(plan.device, plan.mac, 1500);
    card.addresses.push(plan.address);
    node.devices.push(card);
    node.fib.add(Route { device: Some(plan.device), ..Route::to(plan.address.trunc()) });
    for pod in &plan.pods {
        let device = Device::ethernet(pod.device, Mac::CALICO, pod.mtu);
        node.devices.push(Device { proxy_arp: true, ..device });
    }
    for place in 0..node.devices.len() {
        node.devices.change(place, |device| device.conf.send_redirects = false);
    }
    for route in &plan.routes {
        node.fib.add(route.clone());
    }
    node.sets.restore(&plan.rules.sets.join("\n"))?;
    let Ok(input) = plan.rules.rules().parse::<text::RestoreInput>();
    text::restore(&mut node.rules, &input)?;
    Ok(node)
}
