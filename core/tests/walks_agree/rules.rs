//! Random rule sets, as text, and random packets. Both draw from the same few addresses, ports and devices, so that rules
//! share what they look for, and packets hit them.

use std::fmt::Write;
use std::net::Ipv4Addr;

use netscene_core::Random;
use netscene_core::netfilter::walk::CtView;
use netscene_core::netfilter::{CtState, Hook, TableName};
use netscene_core::packet::{Body, DeviceName, Icmp, Packet, Tcp, TcpFlags, TcpOptions, Udp};

/// Every table with one of its hooks, as often as it is to come up.
const PLACES: [(TableName, Hook); 8] = [
    (TableName::Raw, Hook::Prerouting),
    (TableName::Mangle, Hook::Forward),
    (TableName::Nat, Hook::Prerouting),
    (TableName::Nat, Hook::Output),
    (TableName::Nat, Hook::Postrouting),
    (TableName::Filter, Hook::Input),
    (TableName::Filter, Hook::Forward),
    (TableName::Filter, Hook::Output),
];
/// Lengths of chains: too short for an index, about as long as it takes, and long.
const LENGTHS: [u32; 6] = [1, 4, 12, 16, 40, 90];
const PORTS: [u16; 4] = [53, 80, 443, 8080];
const DEVICES: [&str; 3] = ["eth0", "cali1", "cali22"];

/// One of several.
pub(crate) fn pick<T: Copy>(random: &mut Random, among: &[T]) -> T {
    among[random.below(among.len() as u32) as usize]
}

fn one_in(random: &mut Random, many: u32) -> bool {
    random.below(many) == 0
}

fn address(random: &mut Random) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, random.below(5) as u8)
}

fn bang(random: &mut Random) -> &'static str {
    if one_in(random, 6) { "! " } else { "" }
}

/// The table, the hook at which it has rules, and its text.
pub(crate) fn any_rules(random: &mut Random) -> (TableName, Hook, String) {
    let (table, hook) = pick(random, &PLACES);
    let chains: Vec<_> = (0..random.below(5)).map(|number| format!("user{number}")).collect();
    let mut text = format!("*{table}\n");
    if table != TableName::Nat && one_in(random, 2) {
        writeln!(text, ":{hook} DROP [0:0]").unwrap();
    }
    for chain in &chains {
        writeln!(text, ":{chain} - [0:0]").unwrap();
    }
    let own = std::iter::once(hook.chain()).chain(chains.iter().map(String::as_str));
    for (place, chain) in own.enumerate() {
        // A chain jumps to later ones only, so that there is no loop.
        let later = &chains[place.min(chains.len())..];
        // Some chains are all of a kind, as an agent writes them.
        let uniform = one_in(random, 2).then(|| random.below(6));
        for _ in 0..pick(random, &LENGTHS) {
            // What can stand only with certain others, or at certain hooks.
            if table == TableName::Mangle && one_in(random, 30) {
                writeln!(text, "-A {chain} -p tcp -m tcp --syn -j TCPMSS --set-mss 1000").unwrap();
            }
            if hook == Hook::Output && one_in(random, 30) {
                writeln!(text, "-A {chain} -m owner --socket-exists").unwrap();
            }
            let kind = uniform.unwrap_or_else(|| random.below(6));
            let target = any_target(random, table, hook, later);
            let tcp = target.contains("tcp-reset");
            let conditions = any_conditions(random, kind, tcp, table, hook);
            writeln!(text, "-A {chain}{conditions}{target}").unwrap();
        }
    }
    text.push_str("COMMIT\n");
    (table, hook, text)
}

/// Conditions of one of six kinds; the last is anything.
fn any_conditions(random: &mut Random, kind: u32, tcp: bool, table: TableName, hook: Hook) -> String {
    let protocol = if tcp { "tcp" } else { pick(random, &["tcp", "udp", "tcp", "udp", "sctp"]) };
    let port = pick(random, &PORTS);
    match kind {
        0 => format!(" -d {} -p {protocol} -m {protocol} --dport {port}", address(random)),
        1 if hook != Hook::Output && hook != Hook::Postrouting => {
            format!(" -p {protocol} -i {}", pick(random, &DEVICES))
        }
        2 if hook != Hook::Prerouting && hook != Hook::Input => {
            format!(" -p {protocol} -o {}", pick(random, &DEVICES))
        }
        3 => format!(" -p {protocol} -s {} -m {protocol} --dport {port}", address(random)),
        4 => format!(" -p {protocol} -d {} -m comment --comment \"to one\"", address(random)),
        _ => anything(random, protocol, tcp, table, hook),
    }
}

fn anything(random: &mut Random, protocol: &str, tcp: bool, table: TableName, hook: Hook) -> String {
    let mut text = String::new();
    for side in ["-s", "-d"] {
        if one_in(random, 3) {
            let length = pick(random, &[32, 32, 31, 30, 24]);
            write!(text, " {}{side} {}/{length}", bang(random), address(random)).unwrap();
        }
    }
    let device = |random: &mut Random| pick(random, &["eth0", "cali1", "cali22", "cali+", "+"]);
    if hook != Hook::Output && hook != Hook::Postrouting && one_in(random, 4) {
        write!(text, " {}-i {}", bang(random), device(random)).unwrap();
    }
    if hook != Hook::Prerouting && hook != Hook::Input && one_in(random, 4) {
        write!(text, " {}-o {}", bang(random), device(random)).unwrap();
    }
    // `protocol` matches need it; without them it may be any, or negated, or absent.
    let number = match random.below(6) {
        _ if tcp => "tcp",
        0 => "",
        1 => "icmp",
        2 => "! udp",
        _ => protocol,
    };
    match number {
        "" => {}
        "! udp" => text.push_str(" ! -p udp"),
        name => write!(text, " -p {name}").unwrap(),
    }
    let mut matches: Vec<String> = (0..random.below(4)).map(|_| any_match(random, number)).collect();
    // Each match once, as iptables has it.
    matches.sort_by_key(|one| one.split_whitespace().nth(1).map(str::to_owned));
    matches.dedup_by_key(|one| one.split_whitespace().nth(1).map(str::to_owned));
    if table == TableName::Raw && one_in(random, 5) {
        matches.push(format!(" -m rpfilter{}", pick(random, &["", " --loose", " --invert", " --validmark --invert"])));
    }
    // In any order: a `statistic` may stand before the ports or after them.
    for at in (1..matches.len()).rev() {
        matches.swap(at, random.below(at as u32 + 1) as usize);
    }
    text + &matches.concat()
}

/// Matches that few rules have. Of the last one the model knows nothing.
const RARE: [&str; 18] = [
    "connmark --mark 0x1",
    "recent --set --name a",
    "recent --rcheck --seconds 2 --name a",
    "recent ! --update --hitcount 2 --name a",
    "recent --remove --name a --rdest",
    "limit --limit 10/sec --limit-burst 3",
    "hashlimit --hashlimit-upto 1/sec --hashlimit-burst 2 --hashlimit-mode srcip,dstport --hashlimit-name h",
    "physdev ! --physdev-is-in",
    "physdev --physdev-in eth0",
    "iprange --src-range 10.0.0.1-10.0.0.3",
    "length ! --length 0:30",
    "ttl --ttl-eq 64",
    "tos --tos 0x10",
    "dscp --dscp 4",
    "pkttype --pkt-type unicast",
    "nfacct --nfacct-name seen",
    "conntrack --ctstate NEW --ctorigdst 10.0.0.1",
    "string --string word --algo bm",
];

fn any_match(random: &mut Random, protocol: &str) -> String {
    if one_in(random, 6) {
        return format!(" -m {}", pick(random, &RARE));
    }
    let bang = bang(random);
    let port = pick(random, &PORTS);
    match (random.below(12), protocol) {
        (0..=4, "tcp" | "udp" | "sctp") => {
            let ports = pick(random, &[format!("{port}").as_str(), "53:80", "80:8080"]).to_owned();
            let side = pick(random, &["--dport", "--dport", "--dport", "--sport"]);
            format!(" -m {protocol} {bang}{side} {ports}")
        }
        (5, "tcp") => format!(" -m tcp {bang}--tcp-flags SYN,ACK SYN"),
        (5 | 6, "tcp" | "udp" | "sctp") => {
            format!(" -m multiport {bang}{} {port},8000:9000", pick(random, &["--dports", "--sports", "--ports"]))
        }
        (0..=4, "icmp") => format!(" -m icmp {bang}--icmp-type {}", pick(random, &["8", "0", "3/1", "3"])),
        (7, _) => format!(" -m mark {bang}--mark {}", pick(random, &["0x4000/0x4000", "0x0", "0x1/0xff"])),
        (8, _) => match random.below(3) {
            0 => format!(" -m conntrack {bang}--ctstate RELATED,ESTABLISHED"),
            1 => " -m conntrack --ctstate NEW,DNAT".to_owned(),
            _ => format!(" -m state {bang}--state INVALID,NEW"),
        },
        (9, _) => format!(" -m addrtype {bang}--{}-type LOCAL", pick(random, &["src", "dst"])),
        (10, _) => {
            format!(" -m set {bang}--match-set {} {}", pick(random, &["a", "ab"]), pick(random, &["src", "dst"]))
        }
        (11, _) => " -m comment --comment \"a word\"".to_owned(),
        _ => match random.below(2) {
            0 => {
                format!(" -m statistic --mode random {bang}--probability {}", pick(random, &["0.5", "0.33333", "0.01"]))
            }
            _ => format!(" -m statistic --mode nth {bang}--every 3 --packet {}", random.below(3)),
        },
    }
}

/// Targets that few rules have.
fn rare_target(random: &mut Random, table: TableName, hook: Hook) -> &'static str {
    match (table, hook) {
        (TableName::Raw, _) => pick(random, &["NOTRACK", "CT --notrack", "TRACE", "CT", "CT --zone 1"]),
        (TableName::Mangle, _) => pick(
            random,
            &[
                "TOS --set-tos 0x10",
                "DSCP --set-dscp 4",
                "TTL --ttl-set 64",
                "TTL --ttl-dec 1",
                "CLASSIFY --set-class 1:2",
            ],
        ),
        (TableName::Nat, Hook::Postrouting) => "NETMAP --to 10.0.0.0/24",
        (TableName::Nat, _) => pick(random, &["REDIRECT", "NETMAP --to 10.0.0.0/24"]),
        _ => pick(random, &["NFLOG --nflog-group 1", "CONNMARK --save-mark", "CONNMARK --restore-mark", "NFQUEUE"]),
    }
}

fn any_target(random: &mut Random, table: TableName, hook: Hook, later: &[String]) -> String {
    if one_in(random, 16) {
        return format!(" -j {}", rare_target(random, table, hook));
    }
    let text = match (random.below(16), table, hook) {
        (0..=4, ..) if !later.is_empty() => {
            let chain = &later[random.below(later.len() as u32) as usize];
            return format!(" {} {chain}", pick(random, &["-j", "-j", "-g"]));
        }
        (0 | 5, ..) => " -j RETURN",
        (1 | 6, ..) => " -j ACCEPT",
        (2 | 7 | 8, ..) => " -j LOG --log-prefix \"seen: \"",
        (9, TableName::Nat, Hook::Prerouting | Hook::Output) => " -j DNAT --to-destination 10.0.0.4",
        (9, TableName::Nat, Hook::Postrouting) => {
            pick(random, &[" -j SNAT --to-source 10.0.0.1", " -j MASQUERADE", " -j MASQUERADE --random-fully"])
        }
        (9, TableName::Filter, _) => {
            pick(random, &[" -j REJECT", " -j REJECT --reject-with icmp-admin-prohibited", " -p tcp"])
        }
        (9 | 10, TableName::Filter | TableName::Mangle | TableName::Raw, _) => " -j DROP",
        (11..=13, ..) => {
            pick(random, &[" -j MARK --or-mark 0x4000", " -j MARK --set-mark 0x1", " -j MARK --set-xmark 0x4000/0x0"])
        }
        _ => "",
    };
    // The kernel wants TCP where a reset is sent.
    if text == " -p tcp" { " -j REJECT --reject-with tcp-reset".to_owned() } else { text.to_owned() }
}

/// A packet with the devices and the connection's state that it may have at `hook`.
pub(crate) fn any_packet(
    random: &mut Random,
    hook: Hook,
) -> (Packet, Option<DeviceName>, Option<DeviceName>, Option<CtView>) {
    let (from, to) = (pick(random, &PORTS), pick(random, &PORTS));
    let body: Body = match random.below(10) {
        0..=4 => Udp::new(from, to, vec![0; 8]).into(),
        5..=7 => {
            let flags = pick(random, &[TcpFlags::SYN, TcpFlags::ACK, TcpFlags::SYN.with(TcpFlags::ACK)]);
            let (seq, ack, window, options) = (1, 1, 1000, TcpOptions::None);
            Tcp { source: from, destination: to, seq, ack, flags, window, options, payload: bytes::Bytes::new() }.into()
        }
        8 => Icmp::EchoRequest { id: 1, seq: 1, payload: bytes::Bytes::new() }.into(),
        _ => {
            // Of SCTP these are the ports.
            let payload = [from.to_be_bytes(), to.to_be_bytes()].concat();
            let payload = if one_in(random, 3) { Vec::new() } else { payload };
            Body::Other { protocol: pick(random, &[6, 47, 132, 132]), payload: payload.into() }
        }
    };
    let packet = Packet::new(address(random), address(random), body);
    let device = |random: &mut Random| pick(random, &["eth0", "cali1", "cali22", "lo"]).parse().ok();
    let in_device = if hook == Hook::Output { None } else { device(random) };
    let in_device = in_device.filter(|_| hook != Hook::Postrouting || one_in(random, 2));
    let out_device = if matches!(hook, Hook::Prerouting | Hook::Input) { None } else { device(random) };
    let states = [CtState::New, CtState::Established, CtState::Related, CtState::Invalid];
    let ct = CtView { state: pick(random, &states), src_nat: one_in(random, 3), dst_nat: one_in(random, 3) };
    let seen = !one_in(random, 5);
    (packet, in_device, out_device, seen.then_some(ct))
}
