//! Names of protocols and ports, as the C library gives them to iptables on a Debian machine.

/// `/etc/protocols` of Debian, from which `iptables-save` takes what it prints after `-p`.
const PROTOCOLS: [(u8, &str); 54] = [
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipencap"),
    (5, "st"),
    (6, "tcp"),
    (8, "egp"),
    (9, "igp"),
    (12, "pup"),
    (17, "udp"),
    (20, "hmp"),
    (22, "xns-idp"),
    (27, "rdp"),
    (29, "iso-tp4"),
    (33, "dccp"),
    (36, "xtp"),
    (37, "ddp"),
    (38, "idpr-cmtp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (45, "idrp"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (57, "skip"),
    (58, "ipv6-icmp"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (73, "rspf"),
    (81, "vmtp"),
    (88, "eigrp"),
    (89, "ospf"),
    (93, "ax.25"),
    (94, "ipip"),
    (97, "etherip"),
    (98, "encap"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (124, "isis"),
    (132, "sctp"),
    (133, "fc"),
    (135, "mobility-header"),
    (136, "udplite"),
    (137, "mpls-in-ip"),
    (138, "manet"),
    (139, "hip"),
    (140, "shim6"),
    (141, "wesp"),
    (142, "rohc"),
    (143, "ethernet"),
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
pub(crate) fn protocol_number(name: &str) -> Option<u8> {
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
pub(crate) fn port_number(name: &str) -> Option<u16> {
    PORTS.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}
