//! Names of protocols and ports, as the C library gives them to iptables on a Debian machine.

/// Names from `/etc/protocols`, which `iptables-save` prints after `-p`.
const PROTOCOLS: [(u8, &str); 22] = [
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipencap"),
    (6, "tcp"),
    (8, "egp"),
    (17, "udp"),
    (33, "dccp"),
    (41, "ipv6"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (88, "eigrp"),
    (89, "ospf"),
    (94, "ipip"),
    (103, "pim"),
    (112, "vrrp"),
    (115, "l2tp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// The few ports that people write by name, from `/etc/services`.
const PORTS: [(u16, &str); 14] = [
    (20, "ftp-data"),
    (21, "ftp"),
    (22, "ssh"),
    (23, "telnet"),
    (25, "smtp"),
    (53, "domain"),
    (67, "bootps"),
    (68, "bootpc"),
    (80, "http"),
    (123, "ntp"),
    (179, "bgp"),
    (443, "https"),
    (3306, "mysql"),
    (6379, "redis"),
];

/// The protocol's name in `/etc/protocols`.
pub(crate) fn protocol_name(number: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The protocol of that name.
pub(super) fn protocol_number(name: &str) -> Option<u8> {
    PROTOCOLS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| *number)
}

/// The name that iptables itself knows (`xtables_chain_protos`), and so prints even with `-n`.
pub(crate) fn chain_protocol(number: u8) -> Option<&'static str> {
    matches!(number, 1 | 6 | 17 | 50 | 51 | 58 | 132 | 136).then(|| protocol_name(number))?
}

/// The port's name in `/etc/services`.
pub(crate) fn port_name(number: u16) -> Option<&'static str> {
    PORTS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The port of that name.
pub(super) fn port_number(name: &str) -> Option<u16> {
    PORTS.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}
