//! `route -n`.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::net::fib::{Fib, RouteKind};

/// What `route -n` of net-tools prints of the main table.
///
/// Routes to the machine's own addresses are in another table and are left out. A blackhole has no device, which the
/// kernel writes as `*`.
pub fn route_n(fib: &Fib) -> String {
    let mut text = String::from(
        "Kernel IP routing table\n\
         Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n",
    );
    for route in fib.routes().filter(|route| route.kind != RouteKind::Local) {
        let (destination, mask) = (route.destination.network().to_string(), route.destination.netmask().to_string());
        let host = if route.destination.prefix_len() == 32 { "H" } else { "" };
        // A String takes everything that is written to it.
        let _ = if matches!(route.kind, RouteKind::Unreachable | RouteKind::Prohibit) {
            // RTF_REJECT: there is nothing to say of gateway, users and device (net-tools, inet_gr.c).
            let flags = format!("!{host}");
            writeln!(text, "{destination:<15} {:<15} {mask:<15} {flags:<5} 0      -        0 -", "-")
        } else {
            let gateway = route.via.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string();
            let flags = format!("U{}{host}", if route.via.is_some() { "G" } else { "" });
            let device = route.device.map_or_else(|| "*".to_owned(), |device| device.to_string());
            writeln!(text, "{destination:<15} {gateway:<15} {mask:<15} {flags:<5} 0      0        0 {device}")
        };
    }
    text
}
