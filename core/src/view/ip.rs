//! `ip addr`, `ip route` and `ip route get`, as iproute2 prints them, without what the model does not have: queueing
//! disciplines, groups, lifetimes.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::fib::{Fib, Route, RouteKind};
use crate::net::{Device, DeviceKind, Devices};

/// `ip addr`: the devices of a namespace, in order of creation.
pub fn addresses(devices: &Devices) -> String {
    let mut text = String::new();
    for (index, device) in devices.iter().enumerate().filter(|(_, device)| device.exists()) {
        // A String takes everything that is written to it.
        let _ = writeln!(
            text,
            "{}: {}: {} mtu {} state {}",
            index + 1,
            name(device),
            flags(device),
            mtu(device),
            state(device)
        );
        let _ = match device.kind {
            DeviceKind::Loopback => writeln!(text, "    link/loopback {} brd 00:00:00:00:00:00", device.mac),
            DeviceKind::Ipip => writeln!(text, "    link/ipip 0.0.0.0 brd 0.0.0.0"),
            DeviceKind::Tunnel { local, remote } if remote.is_unspecified() => {
                writeln!(text, "    link/ipip {local} brd 0.0.0.0")
            }
            DeviceKind::Tunnel { local, remote } => writeln!(text, "    link/ipip {local} peer {remote}"),
            _ => writeln!(text, "    link/ether {} brd ff:ff:ff:ff:ff:ff", device.mac),
        };
        for address in &device.addresses {
            let scope = if device.kind == DeviceKind::Loopback { "host" } else { "global" };
            let _ = writeln!(text, "    inet {address} scope {scope} {}", device.name);
        }
    }
    text
}

fn name(device: &Device) -> String {
    // The tunnel is bound to no device (`@NONE`).
    if is_tunnel(device.kind) { format!("{}@NONE", device.name) } else { device.name.to_string() }
}

const fn is_tunnel(kind: DeviceKind) -> bool {
    matches!(kind, DeviceKind::Ipip | DeviceKind::Tunnel { .. })
}

const fn flags(device: &Device) -> &'static str {
    match (device.kind, device.up) {
        // What it sends has one destination.
        (DeviceKind::Tunnel { remote, .. }, true) if !remote.is_unspecified() => "<POINTOPOINT,NOARP,UP,LOWER_UP>",
        (DeviceKind::Tunnel { remote, .. }, false) if !remote.is_unspecified() => "<POINTOPOINT,NOARP>",
        (DeviceKind::Loopback, true) => "<LOOPBACK,UP,LOWER_UP>",
        (DeviceKind::Loopback, false) => "<LOOPBACK>",
        (DeviceKind::Ipip | DeviceKind::Tunnel { .. }, true) => "<NOARP,UP,LOWER_UP>",
        (DeviceKind::Ipip | DeviceKind::Tunnel { .. }, false) => "<NOARP>",
        (_, true) => "<BROADCAST,MULTICAST,UP,LOWER_UP>",
        (_, false) => "<BROADCAST,MULTICAST>",
    }
}

/// The loopback device has 65536, one more than the model's packets can be long.
fn mtu(device: &Device) -> u32 {
    if device.kind == DeviceKind::Loopback { 65536 } else { device.mtu.into() }
}

const fn state(device: &Device) -> &'static str {
    match (device.kind, device.up) {
        (_, false) => "DOWN",
        // They have no carrier to tell of.
        (DeviceKind::Loopback | DeviceKind::Ipip | DeviceKind::Tunnel { .. }, true) => "UNKNOWN",
        (_, true) => "UP",
    }
}

/// `ip route`: the main table, the default route first.
pub fn routes(fib: &Fib) -> String {
    let listed = fib.routes().filter(|route| !matches!(route.kind, RouteKind::Local | RouteKind::Broadcast));
    listed.map(|route| line(route) + "\n").collect()
}

fn line(route: &Route) -> String {
    let mut text = match route.kind {
        RouteKind::Blackhole => "blackhole ",
        RouteKind::Unreachable => "unreachable ",
        RouteKind::Prohibit => "prohibit ",
        RouteKind::Throw => "throw ",
        RouteKind::Unicast | RouteKind::Local | RouteKind::Broadcast => "",
    }
    .to_owned();
    let _ = match route.destination.prefix_len() {
        0 => write!(text, "default"),
        32 => write!(text, "{}", route.destination.addr()),
        _ => write!(text, "{}", route.destination),
    };
    if let Some(via) = route.via {
        let _ = write!(text, " via {via}");
    }
    if let Some(device) = route.device {
        let _ = write!(text, " dev {device}");
    }
    if route.protocol != "boot" {
        let _ = write!(text, " proto {}", route.protocol);
    }
    if route.kind == RouteKind::Unicast && route.via.is_none() {
        text.push_str(" scope link");
    }
    if let Some(source) = route.source {
        let _ = write!(text, " src {source}");
    }
    if route.metric != 0 {
        let _ = write!(text, " metric {}", route.metric);
    }
    if let Some(mtu) = route.mtu {
        let _ = write!(text, " mtu {mtu}");
    }
    if route.onlink {
        text.push_str(" onlink");
    }
    if route.linkdown {
        text.push_str(" linkdown");
    }
    if let Some(unknown) = &route.unknown {
        let _ = write!(text, " {unknown}");
    }
    text
}

/// `ip route get DESTINATION`: the way that was found, the address that a packet would be sent from, and what has been
/// [learnt](crate::net::Namespace::learnt_path_mtu) of the way's MTU.
pub fn route_get(
    destination: Ipv4Addr,
    route: &Route,
    source: Ipv4Addr,
    learnt: Option<(u16, bool, Duration)>,
) -> String {
    let local = route.kind == RouteKind::Local;
    let mut text = if local { format!("local {destination} dev lo") } else { destination.to_string() };
    if !local {
        if let Some(via) = route.via {
            let _ = write!(text, " via {via}");
        }
        if let Some(device) = route.device {
            let _ = write!(text, " dev {device}");
        }
    }
    let cache = if local { "cache <local>" } else { "cache" };
    let _ = write!(text, " src {source} uid 0\n    {cache}");
    if let Some((mtu, locked, left)) = learnt {
        let lock = if locked { "lock " } else { "" };
        let _ = write!(text, " expires {}sec mtu {lock}{mtu}", left.as_secs());
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{DeviceName, Mac};

    #[test]
    fn devices_with_their_addresses() {
        let mut eth0 = Device::ethernet(DeviceName::ETH0, Mac::CALICO, 1500);
        eth0.addresses.push("10.0.0.1/24".parse().expect("an address"));
        let tunnel = Device::tunl0(Some([192, 168, 0, 1].into()), 1480);
        let devices = Devices::from_iter([Device::loopback(), eth0, tunnel]);
        assert_eq!(
            addresses(&devices),
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN\n    \
             link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n\
             2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    \
             link/ether ee:ee:ee:ee:ee:ee brd ff:ff:ff:ff:ff:ff\n    inet 10.0.0.1/24 scope global eth0\n\
             3: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1480 state UNKNOWN\n    \
             link/ipip 0.0.0.0 brd 0.0.0.0\n    inet 192.168.0.1/32 scope global tunl0\n"
        );
    }

    #[test]
    fn routes_one_a_line() {
        let to = |net: &str| Route::to(net.parse().expect("a network"));
        let (via, device) = (Some([10, 0, 0, 2].into()), Some(DeviceName::TUNL0));
        let tunnel = Route { via, device, protocol: "bird", onlink: true, ..to("192.168.1.0/26") };
        assert_eq!(line(&tunnel), "192.168.1.0/26 via 10.0.0.2 dev tunl0 proto bird onlink");
        let blackhole = Route { kind: RouteKind::Blackhole, protocol: "bird", ..to("192.168.0.0/26") };
        assert_eq!(line(&blackhole), "blackhole 192.168.0.0/26 proto bird");
        let link = Route { device: Some(DeviceName::ETH0), source: Some([10, 0, 0, 1].into()), ..to("10.0.0.0/24") };
        assert_eq!(line(&link), "10.0.0.0/24 dev eth0 scope link src 10.0.0.1");
        assert_eq!(
            route_get([192, 168, 1, 2].into(), &tunnel, [192, 168, 0, 1].into(), None),
            "192.168.1.2 via 10.0.0.2 dev tunl0 src 192.168.0.1 uid 0\n    cache\n"
        );
        let learnt = Some((1480, false, Duration::from_millis(599_900)));
        assert_eq!(
            route_get([192, 168, 1, 2].into(), &tunnel, [192, 168, 0, 1].into(), learnt),
            "192.168.1.2 via 10.0.0.2 dev tunl0 src 192.168.0.1 uid 0\n    cache expires 599sec mtu 1480\n"
        );
    }
}
