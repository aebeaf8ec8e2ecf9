//! Why packets were dropped: the namespace knows the rule or the route, the world knows what they are there for.

use std::net::Ipv4Addr;

use super::World;
use crate::agents::metallb;
use crate::kube::endpoints::all_endpoints;
use crate::kube::{Holder, ROUTER, RunningPod, Service, TrafficPolicy};
use crate::net::{DeviceKind, Namespace};
use crate::netfilter::TableName;
use crate::packet::{Body, protocol};
use crate::trace::{DropReason, End, Flow, Hop, RuleHit, Step, Why};

impl World {
    /// Fills in, wherever a packet of the flow was dropped, what is known of the cause and of its cure.
    pub(super) fn explain(&self, flow: &mut Flow) {
        for packet in &mut flow.packets {
            let places: Vec<_> = packet.hops.iter().map(|hop| hop.place.clone()).collect();
            for hop in &mut packet.hops {
                if let End::Dropped(reason) = &hop.end {
                    hop.why = self.why(hop, reason, &places);
                }
            }
        }
    }

    fn why(&self, hop: &Hop, reason: &DropReason, places: &[crate::trace::Place]) -> Option<Why> {
        let namespace = self.network.place(&hop.place).map(|place| self.network.get(place));
        let (place, packet) = (&hop.place, &hop.after);
        let (source, to) = (packet.source, packet.destination);
        Some(match reason {
            DropReason::Rule { table, chain, number, .. } => return self.rule(hop, *table, chain, *number),
            DropReason::NoRoute => self.no_route(place, to),
            DropReason::Blackhole => match self.holder_of_block(to) {
                Some(node) => Why::new(
                    format!("{to} lies in a block of pod addresses of {node}, and no pod has it"),
                    "it were sent to the address of a pod",
                ),
                None => Why::new(format!("a route of {place} drops what goes to {to}"), "that route were deleted"),
            },
            DropReason::Unreachable | DropReason::Prohibit => {
                Why::new(format!("a route of {place} refuses what goes to {to}"), "that route were deleted")
            }
            DropReason::ForwardingOff => Why::new(
                format!("{to} is no address of {place}, which forwards nothing"),
                format!("net.ipv4.ip_forward were 1 on {place}, or it were sent to another next hop"),
            ),
            DropReason::Martian => Why::new(
                format!("{source} cannot be the sender of what comes to {place} there"),
                "it had the sender's own address",
            ),
            DropReason::TtlExceeded => {
                let circles = places.iter().filter(|one| *one == place).count();
                if circles > 1 {
                    let cause = format!("it came to {place} {circles} times: routes send it round in a circle");
                    Why::new(cause, format!("the route to {to} led on from there"))
                } else {
                    let cause =
                        format!("it came with a TTL of {}, and {place} would have forwarded it", hop.before.ttl);
                    Why::new(cause, "it were sent with a larger TTL")
                }
            }
            DropReason::TooBig { mtu } => too_big(hop, *mtu, namespace),
            DropReason::NoNeighbour { address } => self.no_neighbour(place, *address),
            DropReason::NoListener => self.no_listener(hop),
            DropReason::Broadcast => broadcast(hop),
            DropReason::Conntrack => Why {
                cause: "no free port or tuple was left for its translation, or another packet of it was first".into(),
                cure: None,
            },
            DropReason::RedirectOfNat => Why {
                cause: "the connection is translated, or not settled yet: whom the redirect is for would leave the \
                        translation out"
                    .into(),
                cure: None,
            },
            DropReason::NothingToMasquerade => {
                Why::new("the device has no IPv4 address that a packet could get", "the device had an address")
            }
            DropReason::MasqueradeMoved => Why::new(
                "the route has changed since the connection began, which is forgotten now",
                "it began anew: the next packet of it is translated for the new device",
            ),
            DropReason::ConntrackFull => Why::new(
                format!("{place} tracks as many connections as it may"),
                "net.netfilter.nf_conntrack_max were larger, or connections ended",
            ),
            DropReason::ReversePath => reverse_path(hop, namespace),
            DropReason::DeviceDown => Why::new(format!("a device of {place} is down"), "the link were restored"),
            DropReason::MachineDown => Why::new(format!("{place} is down"), format!("{place} were restored")),
            DropReason::Unknown(_) => Why { cause: "the model says what it knows, and no more".into(), cure: None },
            DropReason::BadChecksum | DropReason::FragmentTimeout | DropReason::Congestion => return None,
        })
    }

    /// A rule or a policy.
    fn rule(&self, hop: &Hop, table: TableName, chain: &str, number: Option<u32>) -> Option<Why> {
        let Some(number) = number else {
            return Some(Why::new(
                format!("no rule of {table}/{chain} accepted it, and what is left over is dropped there"),
                format!("a rule accepted it: iptables -t {table} -A {chain} … -j ACCEPT on {}", hop.place),
            ));
        };
        let hits = || {
            hop.steps.iter().filter_map(|step| match step {
                Step::Rule(hit) => Some(hit),
                _ => None,
            })
        };
        let found = hits().rev().find(|hit| hit.table == table && *hit.chain == *chain && hit.number == number)?;
        // kube-proxy marks in one table what it drops in another: the cause is where it was marked.
        let marked = hits().rev().find(|hit| hit.rule.ends_with("-j KUBE-MARK-DROP"));
        let hit = marked.filter(|_| chain == "KUBE-FIREWALL").unwrap_or(found);
        let only = |condition: &str| hit.rule.contains(condition) && !hit.rule.contains(&format!("! {condition}"));
        if only("--ctstate INVALID ") || only("--state INVALID ") {
            return Some(Why::new(
                format!("to the connection tracking of {} it is INVALID: it fits no connection there", hop.place),
                "its connection had begun there, both ways through this machine",
            ));
        }
        let object = hit.provenance.as_ref().map_or("", |by| &*by.object);
        if let Some(service) = object.strip_prefix("service ").and_then(|name| self.state.service(name)) {
            return Some(self.service(&service.object, hop, hit));
        }
        match &hit.provenance {
            Some(by) if !by.object.is_empty() => {
                let field = if by.field.is_empty() { String::new() } else { format!(", {}", by.field) };
                Some(Why::new(
                    format!("{} wrote the rule for {}{field}", by.agent, by.object),
                    format!("{} allowed it", by.object),
                ))
            }
            Some(by) => Some(Why { cause: format!("it is one of the fixed rules of {}", by.agent), cure: None }),
            None => Some(Why::new(
                format!("somebody put the rule into {}/{} of {}", hit.table, hit.chain, hop.place),
                format!("the rule were deleted: iptables -t {} -D {} {}", hit.table, hit.chain, hit.number),
            )),
        }
    }

    /// A rule of a service that lets nothing pass.
    fn service(&self, service: &Service, hop: &Hop, hit: &RuleHit) -> Why {
        let name = format!("service {}/{}", service.namespace, service.name);
        let all: Vec<_> = service.ports.iter().flat_map(|port| all_endpoints(&self.state, service, port)).collect();
        let ready = all.iter().filter(|endpoint| endpoint.ready).count();
        if ready > 0 {
            let local = [
                ("externalTrafficPolicy", service.external_traffic_policy),
                ("internalTrafficPolicy", service.internal_traffic_policy),
            ];
            let here = all.iter().any(|endpoint| endpoint.ready && endpoint.node.as_deref() == Some(&*hop.place));
            if let Some((field, _)) = local.into_iter().find(|(_, policy)| *policy == TrafficPolicy::Local)
                && !here
            {
                return Why::new(
                    format!("{name} has no endpoint on {}, and its {field} is Local", hop.place),
                    format!("a pod of it ran on {}, or {field} were Cluster", hop.place),
                );
            }
            if !service.load_balancer_source_ranges.is_empty() {
                let ranges: Vec<_> = service.load_balancer_source_ranges.iter().map(ToString::to_string).collect();
                return Why::new(
                    format!("{} is in none of {name}'s loadBalancerSourceRanges", hop.before.source),
                    format!("it came from {}", ranges.join(" or ")),
                );
            }
            return Why { cause: format!("kube-proxy wrote the rule for {name}: {}", hit.rule), cure: None };
        }
        if !all.is_empty() {
            let names: Vec<_> = all.iter().filter_map(|endpoint| endpoint.pod.as_deref()).collect();
            return Why::new(
                format!("none of {name}'s endpoints is ready ({})", names.join(", ")),
                "one of its pods were ready",
            );
        }
        if service.selector.is_empty() {
            return Why::new(format!("{name} has neither a selector nor endpoints"), "it had one of them");
        }
        let labels: Vec<_> = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(", ");
        let fits = |pod: &&RunningPod| {
            *pod.namespace == *service.namespace
                && service.selector.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
        };
        match self.state.pods().find(fits) {
            Some(pod) if !pod.runs() => {
                Why::new(format!("{name} selects {labels}, and {} does not run", pod.key), "the pod ran")
            }
            Some(pod) => Why::new(
                format!("{name} selects {labels}, and {} has no port of the name in targetPort", pod.key),
                "a container named its port so",
            ),
            None => Why::new(
                format!("{name} selects {labels}, and no pod of namespace {} has these labels", service.namespace),
                "a pod had them, or the selector were that of a pod",
            ),
        }
    }

    /// The node that has the block of pod addresses that an address lies in.
    fn holder_of_block(&self, address: Ipv4Addr) -> Option<&str> {
        let mut nodes = self.state.nodes().map(|node| node.object.name.as_str());
        nodes.find(|node| self.state.blocks(node).any(|block| block.contains(&address)))
    }

    fn no_route(&self, place: &str, to: Ipv4Addr) -> Why {
        let cluster = self.state.cluster();
        let cause = format!("{place} has no route that covers {to}");
        if let Some(node) = self.holder_of_block(to) {
            // The router of the machines learns nothing: who sent it there had no route of its own.
            let learner = if place == ROUTER { "the node that sent it there" } else { place };
            return Why::new(
                cause,
                format!("BIRD of {learner} had learnt the block of {node}: is the BGP session up?"),
            );
        }
        if cluster.pod_cidr.contains(&to) {
            return Why::new(format!("{cause}: no node has a block with that pod address"), "a pod had the address");
        }
        if cluster.service_cidr.contains(&to) {
            return Why::new(format!("{cause}: no service's rule has translated the address"), "a service had it");
        }
        Why::new(cause, "it had a default gateway, or a route there")
    }

    fn no_neighbour(&self, place: &str, address: Ipv4Addr) -> Why {
        let owner = self.network.iter().enumerate().find(|(_, one)| one.is_local(address) && !address.is_loopback());
        match owner {
            Some((at, owner)) if self.network.is_down(at) => {
                Why::new(format!("{} has {address}, and is down", owner.name), format!("{} were restored", owner.name))
            }
            Some((_, owner)) => Why::new(
                format!("{} has {address}, and the question of {place} does not reach it", owner.name),
                format!("{} were on the same network, or the link between them restored", owner.name),
            ),
            None => match self.silent_service(address) {
                Some((cause, cure)) => Why::new(cause, cure),
                None => Why::new(
                    format!("nobody on the network of {place} has {address}"),
                    "a machine had that address, or MetalLB announced it",
                ),
            },
        }
    }

    /// Of the address of a service, why MetalLB does not answer for it.
    fn silent_service(&self, address: Ipv4Addr) -> Option<(String, &'static str)> {
        let Some(Holder::LoadBalancer(service)) = self.state.holder(address) else { return None };
        let service = &self.state.service(service)?.object;
        metallb::silence(&self.state, service).or_else(|| {
            let node = &metallb::announcer(&self.state, service)?.name;
            let cause = format!("the speaker of {node} is to announce {address}, and does not run");
            (!self.agents_of(node).speaker).then_some((cause, "it were restored"))
        })
    }

    fn no_listener(&self, hop: &Hop) -> Why {
        let port = match &hop.after.body {
            Body::Ipip(_) => {
                return Why::new(
                    format!("{} has no tunnel from {}", hop.place, hop.after.source),
                    "it were a node with tunl0",
                );
            }
            _ => hop.after.ports().map(|(_, port)| port),
        };
        let Some(port) = port else {
            return Why { cause: format!("nobody at {} waits for it", hop.place), cure: None };
        };
        let kind = protocol::name(hop.after.protocol()).unwrap_or_default();
        let cause = format!("no process at {} listens on port {port}/{kind}", hop.place);
        let pod = self.state.pod_itself(&hop.place);
        let open: Vec<_> = pod.iter().flat_map(|pod| pod.containers.iter()).flat_map(|one| &one.ports).collect();
        let names: Vec<_> = open.iter().map(|port| format!("{}/{}", port.port, port.protocol.lower())).collect();
        let named = open.iter().any(|one| one.port == port && one.protocol.lower() == kind);
        if named {
            return Why::new(format!("{cause}, though a container has that port"), "the container served it");
        }
        if names.is_empty() {
            return Why::new(cause, "a process listened there, or it went to another port");
        }
        Why::new(
            format!("{cause}; its containers have {}", names.join(", ")),
            "it went to one of them: is targetPort right?",
        )
    }
}

/// `room` is what the kernel has measured it by: the MTU of a device, or what a route, a tunnel or ICMP leaves of it.
fn too_big(hop: &Hop, room: u16, namespace: Option<&Namespace>) -> Why {
    let device = hop.steps.iter().rev().find_map(|step| match step {
        Step::Route { device, .. } => *device,
        _ => None,
    });
    let device =
        device.zip(namespace).and_then(|(name, namespace)| namespace.devices.iter().find(|device| device.name == name));
    let (length, place) = (hop.after.length(), &hop.place);
    let Some(device) = device else {
        let cause = format!("{length} bytes do not fit a device of {place}, which takes {room}, and DF is set");
        return Why::new(cause, "it were smaller");
    };
    let name = device.name;
    let limit = if device.mtu == room {
        format!("{name} of {place}, whose MTU is {room}")
    } else if matches!(device.kind, DeviceKind::Ipip | DeviceKind::Tunnel { .. }) {
        format!("{name} of {place}, which has room for {room} beside the outer header")
    } else {
        format!("the route by {name} of {place}, which takes {room}")
    };
    Why::new(
        format!("{length} bytes do not fit {limit}, and DF is set"),
        "its sender heard of that MTU (ICMP fragmentation needed), or had a smaller one itself",
    )
}

fn broadcast(hop: &Hop) -> Why {
    let (to, place) = (hop.after.destination, &hop.place);
    if hop.after.tcp().is_some() {
        let cause = format!("{to} is the address of everybody on a network, and TCP connects two machines");
        return Why::new(cause, "it went to the address of one of them");
    }
    Why::new(
        format!("{to} is the address of everybody on a network, and {place} does not answer pings of that"),
        format!("net.ipv4.icmp_echo_ignore_broadcasts were 0 on {place}, or it went to the address of one machine"),
    )
}

fn reverse_path(hop: &Hop, namespace: Option<&Namespace>) -> Why {
    let source = hop.before.source;
    let came = hop.in_device.map(|device| device.to_string()).unwrap_or_default();
    let back = namespace.and_then(|namespace| namespace.fib.lookup(source)).and_then(|route| route.device);
    let back = back.map_or_else(|| "there is none".to_owned(), |device| format!("it leads by {device}"));
    Why::new(
        format!("it came by {came}, and of the route back to {source} {back}"),
        format!("the route to {source} led by {came}, or net.ipv4.conf.{came}.rp_filter were 0 on {}", hop.place),
    )
}
