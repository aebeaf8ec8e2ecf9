//! Random cases from a seed: rule sets with every match and target the model knows, and short flows for them.

use std::fmt::Write;
use std::net::Ipv4Addr;

use netscene_core::Random;
use netscene_core::netfilter::{Hook, TableName};

use crate::Result;
use crate::case::{Case, TABLES};
use crate::topology::{CLIENT, NODE, OTHER, POD1, POD2, SERVICE};

/// User chains of each table.
const CHAINS: [&str; 3] = ["alpha", "beta", "gamma"];
/// Another service, so that rules can tell the two apart.
const SERVICE2: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 11);
/// Ports that flows go to and rules ask for.
const PORTS: [u16; 5] = [53, 80, 443, 8080, 30080];
/// The sets that rules ask.
const SETS: [&str; 18] = [
    "create pods hash:net",
    "add pods 10.244.0.0/24",
    "create some hash:net",
    "add some 10.0.0.2",
    "add some 10.96.0.10",
    "add some 10.244.0.2/31",
    "create ports bitmap:port range 1-50000",
    "add ports 80",
    "add ports 10000-10050",
    "create served hash:ip,port",
    "add served 10.244.0.1,tcp:80",
    "add served 10.96.0.10,udp:53",
    "create wires hash:net,iface",
    "add wires 10.0.0.0/8,eth0",
    "add wires 10.244.0.1,cali1",
    "create both list:set",
    "add both pods",
    "add both some",
];

/// A part of a case that rolls dice.
struct Dice {
    random: Random,
    /// Names given so far.
    named: usize,
}

/// A chain that rules are being written for, and where it can be reached from.
struct Place<'a> {
    table: TableName,
    chain: &'a str,
    hooks: &'a [Hook],
    /// The user chains a jump may lead to: those behind this one, so that no jump comes back.
    below: &'a [&'a str],
}

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u32) as usize
    }

    /// Comes true once in `of`.
    fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn negation(&mut self) -> &'static str {
        if self.once_in(4) { "! " } else { "" }
    }
}

/// The case of a seed, with about so many packets.
pub(crate) fn case(seed: u64, packets: usize) -> Result<Case> {
    let mut dice = Dice { random: Random::new(seed), named: 0 };
    let mut case = Case { sets: SETS.map(str::to_owned).to_vec(), ..Case::default() };
    for table in TABLES {
        // Often a table is empty: what the others do then goes farther.
        if dice.once_in(4) {
            continue;
        }
        case.tables[table as usize] = table_lines(table, &mut dice);
    }
    let mut made = 0;
    let mut flow = 0;
    while made < packets {
        let lines = flow_lines(flow, &mut dice);
        for line in lines {
            case.steps.push(line.parse()?);
            made += 1;
        }
        case.steps.push("flush".parse()?);
        flow += 1;
    }
    Ok(case)
}

fn table_lines(table: TableName, dice: &mut Dice) -> Vec<String> {
    let mut lines = Vec::new();
    if table != TableName::Nat {
        for hook in table.hooks() {
            if dice.once_in(25) {
                lines.push(format!(":{} DROP [0:0]", hook.chain()));
            }
        }
    }
    lines.extend(CHAINS.map(|chain| format!(":{chain} - [0:0]")));
    for hook in table.hooks() {
        let place = Place { table, chain: hook.chain(), hooks: &[*hook], below: &CHAINS };
        for _ in 0..dice.below(5) {
            lines.push(rule(&place, dice));
        }
    }
    for (at, chain) in CHAINS.iter().enumerate() {
        let place = Place { table, chain, hooks: table.hooks(), below: &CHAINS[at + 1..] };
        for _ in 0..dice.below(6) {
            lines.push(rule(&place, dice));
        }
    }
    lines
}

fn rule(place: &Place<'_>, dice: &mut Dice) -> String {
    let mut text = format!("-A {} ", place.chain);
    let protocol = conditions(&mut text, place, dice);
    target(&mut text, place, protocol, dice);
    text.trim_end().to_owned()
}

/// Writes the conditions; the protocol that they leave, if it is one.
fn conditions(text: &mut String, place: &Place<'_>, dice: &mut Dice) -> Option<&'static str> {
    // A String takes everything that is written to it, here and below.
    if dice.once_in(4) {
        let _ = write!(text, "{}-s {} ", dice.negation(), network(dice));
    }
    if dice.once_in(4) {
        let _ = write!(text, "{}-d {} ", dice.negation(), network(dice));
    }
    let receiving = [Hook::Prerouting, Hook::Input, Hook::Forward];
    let sending = [Hook::Forward, Hook::Output, Hook::Postrouting];
    if dice.once_in(6) && place.hooks.iter().all(|hook| receiving.contains(hook)) {
        let _ = write!(text, "{}-i {} ", dice.negation(), dice.pick(&["eth0", "cali1", "cali+", "eth+", "lo"]));
    }
    if dice.once_in(6) && place.hooks.iter().all(|hook| sending.contains(hook)) {
        let _ = write!(text, "{}-o {} ", dice.negation(), dice.pick(&["eth0", "cali2", "cali+", "+", "lo"]));
    }
    let protocol = match dice.below(8) {
        0..3 => Some("tcp"),
        3..5 => Some("udp"),
        5 => Some("icmp"),
        _ => None,
    };
    if let Some(name) = protocol {
        let negated = dice.once_in(12);
        let _ = write!(text, "{}-p {name} ", if negated { "! " } else { "" });
        if negated {
            matches(text, place, dice);
            return None;
        }
        protocol_match(text, name, dice);
    }
    matches(text, place, dice);
    protocol
}

fn network(dice: &mut Dice) -> String {
    let address = dice.pick(&[CLIENT, OTHER, NODE, POD1, POD2, SERVICE, SERVICE2]);
    match dice.below(4) {
        0 => dice.pick(&["10.244.0.0/16", "10.96.0.0/16", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/1"]).to_owned(),
        _ => format!("{address}/32"),
    }
}

fn ports(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => "80:8080".to_owned(),
        1 => "1024:49999".to_owned(),
        _ => dice.pick(&PORTS).to_string(),
    }
}

fn protocol_match(text: &mut String, name: &str, dice: &mut Dice) {
    let _ = match (name, dice.below(6)) {
        ("tcp" | "udp", 0 | 1) => write!(text, "-m {name} {}--dport {} ", dice.negation(), ports(dice)),
        ("tcp" | "udp", 2) => write!(text, "-m {name} {}--sport {} ", dice.negation(), ports(dice)),
        ("tcp" | "udp", 3) => {
            let side = dice.pick(&["--dports", "--sports", "--ports"]);
            write!(text, "-m multiport {}{side} {},{} ", dice.negation(), dice.pick(&PORTS), ports(dice))
        }
        ("tcp", 4) => {
            let flags = dice.pick(&["FIN,SYN,RST,ACK SYN", "SYN,ACK SYN,ACK", "RST RST", "ALL ACK", "FIN,PSH FIN"]);
            write!(text, "-m tcp {}--tcp-flags {flags} ", dice.negation())
        }
        ("icmp", 0..3) => {
            let kind = dice.pick(&["8", "0", "3", "3/3", "11", "any"]);
            // `! --icmp-type any` is for nobody; the tool refuses it.
            let negation = if kind == "any" { "" } else { dice.negation() };
            write!(text, "-m icmp {negation}--icmp-type {kind} ")
        }
        _ => Ok(()),
    };
}

fn matches(text: &mut String, place: &Place<'_>, dice: &mut Dice) {
    let receiving = [Hook::Prerouting, Hook::Input, Hook::Forward];
    let sending = [Hook::Forward, Hook::Output, Hook::Postrouting];
    let only = |hooks: &[Hook]| place.hooks.iter().all(|hook| hooks.contains(hook));
    for _ in 0..2 {
        let not = dice.negation();
        if dice.once_in(3) {
            more_matches(text, place, not, dice);
            continue;
        }
        let _ = match dice.below(20) {
            0 | 1 => {
                write!(text, "-m mark {not}--mark {} ", dice.pick(&["0x1/0x1", "0x4000/0x4000", "0x0", "0x3/0xf"]))
            }
            2 | 3 => {
                let states =
                    dice.pick(&["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID", "NEW,DNAT", "SNAT", "DNAT"]);
                write!(text, "-m conntrack {not}--ctstate {states} ")
            }
            4 => write!(text, "-m state {not}--state {} ", dice.pick(&["NEW", "RELATED,ESTABLISHED", "INVALID"])),
            5 => write!(text, "-m addrtype {not}--dst-type {} ", dice.pick(&["LOCAL", "UNICAST", "LOCAL,UNICAST"])),
            6 => write!(text, "-m addrtype {not}--src-type {} ", dice.pick(&["LOCAL", "UNICAST", "MULTICAST"])),
            7 if only(&receiving) => write!(text, "-m addrtype --dst-type LOCAL --limit-iface-in "),
            8 if only(&sending) => write!(text, "-m addrtype --src-type LOCAL --limit-iface-out "),
            9 | 10 => {
                let (set, side) = dice.pick(&[
                    ("pods", "src"),
                    ("some", "dst"),
                    ("both", "src"),
                    ("ports", "src"),
                    ("ports", "dst"),
                    ("served", "dst,dst"),
                    ("served", "src,src"),
                    ("wires", "src,src"),
                    ("wires", "dst,dst"),
                ]);
                write!(text, "-m set {not}--match-set {set} {side} ")
            }
            11 => write!(text, "-m statistic --mode random {not}--probability {} ", dice.pick(&["0", "1"])),
            12 => {
                let every = 2 + dice.below(3);
                write!(text, "-m statistic --mode nth {not}--every {every} --packet {} ", dice.below(every))
            }
            13 if only(&[Hook::Prerouting]) && matches!(place.table, TableName::Raw | TableName::Mangle) => {
                let options = dice.pick(&["", "--loose ", "--invert ", "--loose --invert ", "--accept-local "]);
                write!(text, "-m rpfilter {options}")
            }
            14 => write!(text, "-m comment --comment \"{}\" ", dice.pick(&["a", "two words"])),
            _ => Ok(()),
        };
    }
}

/// Matches that a cluster has more rarely.
fn more_matches(text: &mut String, place: &Place<'_>, not: &str, dice: &mut Dice) {
    let only = |hooks: &[Hook]| place.hooks.iter().all(|hook| hooks.contains(hook));
    let status = ["SEEN_REPLY", "ASSURED", "CONFIRMED", "NONE", "EXPECTED,SEEN_REPLY"];
    let _ = match dice.below(18) {
        0 => write!(text, "-m connmark {not}--mark {} ", dice.pick(&["0x1/0x1", "0x0", "0x2/0xf"])),
        1 => write!(text, "-m conntrack --ctdir {} ", dice.pick(&["ORIGINAL", "REPLY"])),
        2 => write!(text, "-m conntrack {not}--ctstatus {} ", dice.pick(&status)),
        3 => write!(text, "-m conntrack {not}--ctorigdst {} ", dice.pick(&["10.96.0.10", "10.244.0.0/24"])),
        4 => write!(text, "-m conntrack {not}--ctorigdstport {} ", ports(dice)),
        5 => write!(text, "-m conntrack {not}--ctreplsrc {} --ctproto 6 ", dice.pick(&["10.244.0.1", "10.0.0.0/8"])),
        6 => {
            let side = dice.pick(&["src", "dst"]);
            write!(text, "-m iprange {not}--{side}-range 10.0.0.2-10.96.0.10 ")
        }
        7 => write!(text, "-m length {not}--length {} ", dice.pick(&["0:40", "60", "40:100", "1000:65535"])),
        8 => write!(text, "-m ttl {} ", dice.pick(&["--ttl-eq 64", "--ttl-lt 64", "--ttl-gt 1"])),
        9 => write!(text, "-m tos {not}--tos {} ", dice.pick(&["0x10/0x3f", "0x00/0xff", "0xc0/0xc0"])),
        10 => write!(text, "-m dscp {not}--dscp {} ", dice.pick(&["0x04", "0x00", "0x30"])),
        11 => write!(text, "-m pkttype {not}--pkt-type {} ", dice.pick(&["unicast", "multicast", "broadcast"])),
        12 if only(&[Hook::Output, Hook::Postrouting]) => {
            let option = dice.pick(&["--uid-owner 0", "--uid-owner 1000", "--gid-owner 0", "--socket-exists"]);
            write!(text, "-m owner {not}{option} ")
        }
        13 => {
            let name = dice.pick(&["one", "two"]);
            let side = dice.pick(&["--rsource", "--rdest"]);
            let action = dice.pick(&["--set", "--rcheck --seconds 3600", "--update --hitcount 2", "--remove"]);
            write!(text, "-m recent {not}{action} --name {name} --mask 255.255.255.255 {side} ")
        }
        14 => write!(text, "-m limit --limit 1/hour --limit-burst {} ", 1 + dice.below(4)),
        15 => {
            dice.named += 1;
            let mode = dice.pick(&["srcip", "dstip", "srcip,dstport", "srcip,srcport,dstip,dstport"]);
            let (which, burst) = (dice.pick(&["upto", "above"]), 1 + dice.below(3));
            let expire = "--hashlimit-htable-expire 3600000";
            let name = format!("--hashlimit-name h{}", dice.named);
            write!(text, "-m hashlimit --hashlimit-{which} 1/hour --hashlimit-burst {burst} ")
                .and_then(|()| write!(text, "--hashlimit-mode {mode} {name} {expire} "))
        }
        16 => write!(text, "-m physdev {not}{} ", dice.pick(&["--physdev-is-bridged", "--physdev-in cali1"])),
        17 => write!(text, "-m nfacct --nfacct-name suite "),
        _ => Ok(()),
    };
}

fn target(text: &mut String, place: &Place<'_>, protocol: Option<&str>, dice: &mut Dice) {
    let with_ports = matches!(protocol, Some("tcp" | "udp"));
    if place.table == TableName::Nat && dice.once_in(2) && nat_target(text, place, with_ports, dice) {
        return;
    }
    if dice.once_in(4) && changing_target(text, place, protocol, dice) {
        return;
    }
    let _ = match dice.below(16) {
        0..4 if !place.below.is_empty() => write!(text, "-j {}", dice.pick(place.below)),
        4 if !place.below.is_empty() => write!(text, "-g {}", dice.pick(place.below)),
        5 | 6 => write!(text, "-j RETURN"),
        7 => write!(text, "-j ACCEPT"),
        8 if dice.once_in(3) && place.table != TableName::Nat => write!(text, "-j DROP"),
        9 if place.table == TableName::Filter => {
            let mut kinds = vec![
                "icmp-port-unreachable",
                "icmp-host-prohibited",
                "icmp-net-unreachable",
                "icmp-host-unreachable",
                "icmp-proto-unreachable",
                "icmp-net-prohibited",
                "icmp-admin-prohibited",
            ];
            if protocol == Some("tcp") {
                kinds.push("tcp-reset");
            }
            write!(text, "-j REJECT --reject-with {}", dice.pick(&kinds))
        }
        10..13 => {
            let change = dice.pick(&["--set-xmark 0x4000/0x4000", "--set-xmark 0x1/0xffffffff", "--or-mark 0x2"]);
            let other = dice.pick(&["--and-mark 0xfffe", "--xor-mark 0x4000", "--set-mark 0x3"]);
            write!(text, "-j MARK {}", dice.pick(&[change, other]))
        }
        13 if dice.once_in(4) => write!(text, "-j LOG --log-prefix \"suite \""),
        _ => Ok(()),
    };
}

/// Writes a target that changes a packet or its connection, or tells of it, if one can stand there.
fn changing_target(text: &mut String, place: &Place<'_>, protocol: Option<&str>, dice: &mut Dice) -> bool {
    let sending = [Hook::Forward, Hook::Output, Hook::Postrouting];
    let at_sending = place.hooks.iter().all(|hook| sending.contains(hook));
    let _ = match (place.table, dice.below(6)) {
        (_, 0) => write!(text, "-j NFLOG --nflog-prefix suite --nflog-group 7"),
        (TableName::Raw, 1) => write!(text, "-j {}", dice.pick(&["NOTRACK", "CT --notrack", "CT --zone 3"])),
        (TableName::Mangle, 1 | 2) => {
            let set = dice.pick(&["--set-xmark 0x1/0xff", "--set-xmark 0x2/0xffffffff"]);
            let save =
                dice.pick(&["--save-mark --nfmask 0xf --ctmask 0xff", "--restore-mark --nfmask 0xff --ctmask 0x3"]);
            write!(text, "-j CONNMARK {}", dice.pick(&[set, save]))
        }
        (TableName::Mangle, 3) => {
            write!(text, "-j TTL {}", dice.pick(&["--ttl-set 9", "--ttl-inc 1", "--ttl-dec 2"]))
        }
        (TableName::Mangle, 4) => {
            write!(text, "-j {}", dice.pick(&["TOS --set-tos 0x10/0x3f", "DSCP --set-dscp 0x04"]))
        }
        (TableName::Mangle, 5) if protocol == Some("tcp") && !text.contains("tcp-flags") => {
            let clamp = if at_sending { "--clamp-mss-to-pmtu" } else { "--set-mss 1300" };
            write!(text, "-m tcp --tcp-flags SYN,RST SYN -j TCPMSS {}", dice.pick(&["--set-mss 1000", clamp]))
        }
        _ => return false,
    };
    true
}

/// Writes a target of NAT, if one can stand there.
fn nat_target(text: &mut String, place: &Place<'_>, with_ports: bool, dice: &mut Dice) -> bool {
    let [hook] = place.hooks else { return false };
    let port = if with_ports && !dice.once_in(3) { format!(":{}", dice.pick(&PORTS)) } else { String::new() };
    let range = if with_ports { dice.pick(&[":50000-50999", ":1024-49999", ""]) } else { "" };
    let redirect = if with_ports { dice.pick(&["", " --to-ports 53"]) } else { "" };
    let _ = match hook {
        Hook::Forward => return false,
        _ if dice.once_in(10) => write!(text, "-j NETMAP --to {}", dice.pick(&["10.244.0.0/24", "10.0.0.0/28"])),
        Hook::Prerouting | Hook::Output if dice.once_in(5) => write!(text, "-j REDIRECT{redirect}"),
        Hook::Prerouting | Hook::Output => {
            let to = dice.pick(&[POD1, POD2, CLIENT, NODE]);
            write!(text, "-j DNAT --to-destination {to}{port}")
        }
        Hook::Input => write!(text, "-j SNAT --to-source {}", dice.pick(&[OTHER, CLIENT])),
        Hook::Postrouting if dice.once_in(2) => {
            let options = match dice.below(4) {
                0 => " --random-fully",
                1 if with_ports => " --to-ports 50000-50999",
                _ => "",
            };
            write!(text, "-j MASQUERADE{options}")
        }
        Hook::Postrouting => write!(text, "-j SNAT --to-source {}{range}", dice.pick(&[NODE, OTHER])),
    };
    true
}

/// The packets of one flow.
fn flow_lines(flow: usize, dice: &mut Dice) -> Vec<String> {
    let (from, source) = dice.pick(&[
        ("client", CLIENT),
        ("client", CLIENT),
        ("client", OTHER),
        ("pod1", POD1),
        ("pod2", POD2),
        ("node", NODE),
        ("pod1", POD2),
    ]);
    let destination = dice.pick(&[SERVICE, SERVICE, SERVICE2, POD1, POD2, NODE, CLIENT, Ipv4Addr::new(10, 244, 0, 9)]);
    let (sport, dport) = (10000 + flow % 30000, dice.pick(&PORTS));
    let ttl = if dice.once_in(20) { " ttl 1" } else { "" };
    let tos = dice.pick(&["", "", "", " tos 16"]);
    let ttl = format!("{ttl}{tos}");
    let send = |what: &str| format!("send {from} {source}:{sport} > {destination}:{dport} {what}{ttl}");
    match dice.below(10) {
        0..4 => {
            let steps = [
                send("tcp SYN seq 1000"),
                "reply tcp SYN,ACK seq 5000 ack 1001".to_owned(),
                send("tcp ACK seq 1001 ack 5001"),
                send("tcp ACK,PSH seq 1001 ack 5001 data 50"),
            ];
            let count = 1 + dice.below(4);
            let mut steps: Vec<_> = steps.into_iter().take(count).collect();
            match (count, dice.below(4)) {
                // A SYN that is sent again, or refused.
                (1, 0) => steps.push(send("tcp SYN seq 1000")),
                (1, 1) => steps.push("reply tcp RST,ACK seq 0 ack 1001".to_owned()),
                (3, 0) => steps.push(send("tcp FIN,ACK seq 1001 ack 5001")),
                (3, 1) => steps.push(send("tcp RST seq 1001")),
                _ => {}
            }
            steps
        }
        4 => vec![send(dice.pick(&[
            "tcp SYN,ACK seq 9 ack 9",
            "tcp RST seq 9",
            "tcp ACK seq 9 ack 9",
            "tcp FIN,ACK seq 9",
        ]))],
        5 if dice.once_in(5) => vec![send(dice.pick(&[
            "udp data 2000 parts 1000",
            "udp data 100 parts 64",
            "udp data 5 checksum bad",
            "tcp SYN seq 7 checksum bad",
        ]))],
        5..8 => {
            let mut steps = vec![send(&format!("udp data {}", dice.pick(&[0, 5, 100, 1000])))];
            if dice.once_in(2) {
                steps.push("reply udp data 7".to_owned());
                steps.push(send("udp data 5"));
            }
            steps
        }
        8 => vec![format!("send {from} {source} > {destination} icmp echo-reply id 7 seq 1{ttl}")],
        _ => {
            let mut steps = vec![format!("send {from} {source} > {destination} icmp echo id 7 seq 1 data 56{ttl}")];
            if dice.once_in(2) {
                steps.push("reply icmp echo-reply id 7 seq 1 data 56".to_owned());
            }
            steps
        }
    }
}
