//! BIRD: routes to the pods of other nodes, as the BGP mesh brings them (Calico 3.16's `bird.cfg`, BIRD 1.6).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::kube::{MachineNetwork, Node, Overlay, State};
use crate::net::fib::{Route, RouteKind};
use crate::packet::DeviceName;

const PROTOCOL: &str = "bird";

/// The routes that BIRD gives the kernel of `node`: its own blocks, which swallow what no pod of it has, and the blocks of
/// all other nodes.
pub fn routes(state: &State, node: &str) -> Vec<Route> {
    let Some(own) = state.node(node).map(|node| &node.object) else { return Vec::new() };
    let blackholes = state.blocks(node).map(|block| Route {
        destination: block,
        kind: RouteKind::Blackhole,
        via: None,
        device: None,
        source: None,
        protocol: PROTOCOL,
        onlink: false,
        ..Route::to(block)
    });
    let name = own.name.as_str().into();
    let others = state.nodes().map(|node| &node.object).filter(|other| other.name != own.name);
    // What a session has brought goes with it.
    let others = others.filter(|other| state.has_session(&name, &other.name.as_str().into()));
    let network = state.network_of(own.address);
    let remote = others.filter_map(|other| Some((other, next_hop(state, network, own, other)?)));
    let remote = remote.flat_map(|(other, (via, device))| {
        // What a node has borrowed it announces address by address.
        let all = state.blocks(&other.name).chain(state.borrowed(&other.name).map(Ipv4Net::from));
        all.map(move |block| Route {
            destination: block,
            kind: RouteKind::Unicast,
            via: Some(via),
            device: Some(device),
            source: None,
            protocol: PROTOCOL,
            // A tunnel has no network of its own on which its far end could be.
            onlink: device == DeviceName::TUNL0,
            ..Route::to(block)
        })
    });
    blackholes.chain(remote).collect()
}

/// Where to send what is for pods of `other`: the peer itself, or what leads to it (`gateway recursive`). `network` is the
/// one that `own` is on.
fn next_hop(state: &State, network: MachineNetwork, own: &Node, other: &Node) -> Option<(Ipv4Addr, DeviceName)> {
    let neighbour = network.network.contains(&other.address);
    let tunnelled = match state.cluster().overlay {
        Overlay::Always => true,
        Overlay::CrossSubnet => !neighbour,
        Overlay::Never => false,
    };
    match (tunnelled, neighbour) {
        (true, _) => Some((other.address, DeviceName::TUNL0)),
        (false, true) => Some((other.address, own.device)),
        (false, false) => Some((network.gateway?, own.device)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::validate::tests::{declare, node, plain_pod, pool};
    use crate::kube::{Cluster, Object, Pod, Pool, PoolPurpose};
    use crate::net::fib::Fib;

    fn shown(overlay: Overlay) -> Vec<String> {
        let mut state = State::new(0);
        declare(&mut state, Object::Cluster(Cluster { overlay, ..Cluster::default() }));
        let Object::Pool(near) = pool("near", "10.0.0.0", "10.0.0.255", PoolPurpose::Machines) else { return vec![] };
        let far = Pool {
            name: "far".into(),
            first: [10, 0, 1, 0].into(),
            last: [10, 0, 1, 255].into(),
            network: "10.0.1.0/24".parse().ok(),
            ..near.clone()
        };
        declare(&mut state, Object::Pool(Pool { gateway: Some([10, 0, 0, 254].into()), ..near }));
        declare(&mut state, Object::Pool(far));
        declare(&mut state, node("a", "10.0.0.1", "192.168.0.0/26"));
        declare(&mut state, node("b", "10.0.0.2", "192.168.1.0/26"));
        declare(&mut state, node("c", "10.0.1.3", "192.168.2.0/26"));
        let show = |route: &Route| match (route.via, route.device) {
            (Some(via), Some(device)) => format!("{} via {via} dev {device} {}", route.destination, route.onlink),
            _ => format!("blackhole {}", route.destination),
        };
        routes(&state, "a").iter().map(show).collect()
    }

    #[test]
    fn the_overlay_decides_about_the_tunnel() {
        let own = "blackhole 192.168.0.0/26";
        assert_eq!(
            shown(Overlay::Always),
            [own, "192.168.1.0/26 via 10.0.0.2 dev tunl0 true", "192.168.2.0/26 via 10.0.1.3 dev tunl0 true"]
        );
        assert_eq!(
            shown(Overlay::CrossSubnet),
            [own, "192.168.1.0/26 via 10.0.0.2 dev ens192 false", "192.168.2.0/26 via 10.0.1.3 dev tunl0 true"]
        );
        assert_eq!(
            shown(Overlay::Never),
            [own, "192.168.1.0/26 via 10.0.0.2 dev ens192 false", "192.168.2.0/26 via 10.0.0.254 dev ens192 false"]
        );
    }

    /// Figures 77 and 110: what `route -n` printed on worker 2, less what the machine's own network brings.
    #[test]
    fn worker_twos_routes_are_those_of_figure_77() {
        let figure = include_str!("../../../tests/whitepaper/fig077_fig110_route-n_worker2.txt");
        let rows = figure.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let rows: Vec<_> = rows.filter(|row| row[7] != "ens192").collect();

        let mut state = State::new(0);
        for (name, hostname, address) in [
            ("control1", "controlpl-1c6b752d90", "10.1.110.108"),
            ("worker1", "iks-networ-7ab29bc950", "10.1.110.102"),
            ("worker2", "iks-networ-ac625d72ba", "10.1.110.107"),
        ] {
            // No podCIDR: which blocks they have follows from their names.
            let Object::Node(plain) = node(name, address, "") else { continue };
            let hostname = format!("iks-networking-example-cl-{hostname}");
            declare(&mut state, Object::Node(Node { hostname, ..plain }));
        }
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row[7].starts_with("cali")) {
            let plain = plain_pod(&format!("default/pod-{index}"), "worker2");
            let pod = Pod { address: row[0].parse().ok(), interface_name: row[7].parse().ok(), ..plain };
            declare(&mut state, Object::Pod(pod));
        }
        let mut fib = Fib::default();
        for route in super::super::felix::routes(&state, "worker2").into_iter().chain(routes(&state, "worker2")) {
            fib.add(route);
        }
        let shown = |route: &Route| {
            let via = route.via.unwrap_or(Ipv4Addr::UNSPECIFIED);
            let device = route.device.map_or_else(|| "*".to_owned(), |device| device.to_string());
            [route.destination.network().to_string(), via.to_string(), route.destination.netmask().to_string(), device]
        };
        let found: Vec<_> = fib.routes().map(shown).collect();
        let expected: Vec<_> = rows.iter().map(|row| [0, 1, 2, 7].map(|column| row[column].to_owned())).collect();
        assert_eq!(found, expected);
    }
}
