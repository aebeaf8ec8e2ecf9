//! `iptables -L` and `iptables -S`.

mod more;

use std::fmt::{self, Write};

use ipnet::Ipv4Net;
use rustc_hash::FxHashMap;

use crate::netfilter::text::{chain_protocol, listed, port_name, protocol_name, rule_with, shown, target_name};
use crate::netfilter::{
    Chain, ChainId, Counter, LogTarget, Match, MultiportSide, Negatable, Policy, PortRange, Rule, Statistic, Table,
    Target,
};
use crate::packet::{DevicePattern, TcpFlags};

/// Whose listing is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListStyle {
    /// iptables 1.6.1, which prints `tcp` and `all`: the white paper's.
    #[default]
    V1_6_1,
    /// iptables 1.8.9, which prints protocols by number after `-n`.
    V1_8_9,
}

/// What `iptables -t TABLE -L [CHAIN] -nv` prints.
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// use netscene_core::view::iptables::{ListStyle, list};
/// let mut rules = Ruleset::default();
/// text::apply(&mut rules, "-t nat -A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN")?;
/// let printed = list(rules.table(TableName::Nat), Some("POSTROUTING"), ListStyle::V1_6_1);
/// assert_eq!(
///     printed,
///     "Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)\n \
///      pkts bytes target     prot opt in     out     source               destination         \n    \
///      0     0 RETURN     all  --  *      *       0.0.0.0/0            0.0.0.0/0            \
///      mark match ! 0x4000/0x4000\n"
/// );
/// # Ok::<(), text::TextError>(())
/// ```
pub fn list(table: &Table, chain: Option<&str>, style: ListStyle) -> String {
    list_with(table, chain, ListOptions { style, numeric: true, verbose: true, ..ListOptions::default() })
}

/// What `iptables -t TABLE -L [CHAIN]` prints: without counters and devices, with names for ports.
///
/// Addresses stay numbers, as they do on a machine whose DNS has no names for them.
pub fn list_names(table: &Table, chain: Option<&str>) -> String {
    list_with(table, chain, ListOptions::default())
}

/// The options of `iptables -L`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the command's options, by name")]
pub struct ListOptions {
    /// Whose listing.
    pub style: ListStyle,
    /// `-n`: numbers for ports, addresses and protocols.
    pub numeric: bool,
    /// `-v`: with counters and devices.
    pub verbose: bool,
    /// `-x`: counters to the last digit.
    pub exact: bool,
    /// `--line-numbers`.
    pub line_numbers: bool,
}

/// What `iptables -t TABLE -L [CHAIN]` prints with these options.
pub fn list_with(table: &Table, chain: Option<&str>, options: ListOptions) -> String {
    Listing { table, options, numeric: options.numeric, verbose: options.verbose, style: options.style }.print(chain)
}

/// What `iptables -t TABLE -S [CHAIN]` prints; with `counters`, `-v -S`.
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// let mut rules = Ruleset::default();
/// text::apply(&mut rules, "-A INPUT -p tcp --dport 22 -j ACCEPT")?;
/// let printed = netscene_core::view::iptables::rules(rules.table(TableName::Filter), Some("INPUT"), false);
/// assert_eq!(printed, "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n");
/// # Ok::<(), text::TextError>(())
/// ```
pub fn rules(table: &Table, chain: Option<&str>, counters: bool) -> String {
    let ids = match chain.map(|name| table.chain_id(name)) {
        None => listed(table),
        Some(Some(id)) => vec![id],
        Some(None) => return NO_CHAIN.to_owned(),
    };
    let mut out = String::new();
    let chains = || ids.iter().filter_map(|id| table.chain(*id));
    let counted =
        |seen: &Counter| if counters { format!(" -c {} {}", seen.packets, seen.bytes) } else { String::new() };
    for chain in chains() {
        // A String takes everything that is written to it.
        let _ = match chain.policy {
            Some(policy) => {
                let policy = if policy == Policy::Accept { "ACCEPT" } else { "DROP" };
                writeln!(out, "-P {} {policy}{}", chain.name, counted(&chain.policy_counter))
            }
            None => writeln!(out, "-N {}", chain.name),
        };
    }
    for chain in chains() {
        for (rule, seen) in chain.rules().iter().zip(chain.counters()) {
            let _ = writeln!(out, "-A {}{}", chain.name, rule_with(rule, table, &counted(seen)));
        }
    }
    out
}

const NO_CHAIN: &str = "iptables: No chain/target/match by that name.\n";

/// How a table is listed.
struct Listing<'a> {
    table: &'a Table,
    options: ListOptions,
    style: ListStyle,
    numeric: bool,
    verbose: bool,
}

impl Listing<'_> {
    fn print(&self, chain: Option<&str>) -> String {
        let ids = match chain {
            None => listed(self.table),
            Some(name) => match self.table.chain_id(name) {
                Some(id) => vec![id],
                None => return NO_CHAIN.to_owned(),
            },
        };
        let references = references(self.table);
        let mut text = String::new();
        for (at, id) in ids.into_iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            if let Some(chain) = self.table.chain(id) {
                // A String takes everything that is written to it.
                let _ = self.chain(&mut text, chain, references.get(&id).copied().unwrap_or(0));
            }
        }
        text
    }

    fn chain(&self, out: &mut String, chain: &Chain, references: u32) -> fmt::Result {
        write!(out, "Chain {} (", chain.name)?;
        match chain.policy {
            None => write!(out, "{references} references")?,
            Some(policy) => {
                out.push_str(if policy == Policy::Accept { "policy ACCEPT" } else { "policy DROP" });
                if self.verbose {
                    let Counter { packets, bytes } = chain.policy_counter;
                    write!(out, " {} packets, {} bytes", self.count(packets), self.count(bytes))?;
                }
            }
        }
        out.push_str(")\n");
        out.push_str(if self.options.line_numbers { "num  " } else { "" });
        out.push_str(if self.verbose && self.options.exact {
            "    pkts      bytes target     prot opt in     out     source               destination         \n"
        } else if self.verbose {
            " pkts bytes target     prot opt in     out     source               destination         \n"
        } else {
            "target     prot opt source               destination         \n"
        });
        for (at, (rule, seen)) in chain.rules().iter().zip(chain.counters()).enumerate() {
            if self.options.line_numbers {
                write!(out, "{:<4} ", at + 1)?;
            }
            self.rule(out, rule, seen)?;
        }
        Ok(())
    }

    /// A counter, in five columns or whole.
    fn count(&self, number: u64) -> String {
        if self.options.exact { number.to_string() } else { Short(number).to_string() }
    }

    fn rule(&self, out: &mut String, rule: &Rule, seen: &Counter) -> fmt::Result {
        let header = &rule.header;
        if self.verbose {
            let (packets, bytes) = (self.count(seen.packets), self.count(seen.bytes));
            if self.options.exact {
                // The heading leaves ten columns for the bytes, the numbers fill eight (`xtables_print_num`).
                write!(out, "{packets:>8} {bytes:>8} ")?;
            } else {
                write!(out, "{packets:>5} {bytes:>5} ")?;
            }
        }
        // libxt_CT.c prints `CT --notrack` and NOTRACK both under the name of the kernel's target.
        let name = if let Target::Notrack { .. } = rule.target { "CT" } else { target_name(&rule.target, self.table) };
        write!(out, "{name:<9} ")?;
        out.push(if header.protocol.is_some_and(|protocol| protocol.negated) { '!' } else { ' ' });
        let fragments = match rule.matches.first() {
            Some(Match::Unknown(text)) if **text == *"-f" => "-f",
            Some(Match::Unknown(text)) if **text == *"! -f" => "!f",
            _ => "--",
        };
        let protocol = self.protocol(header.protocol.map_or(0, |protocol| protocol.value));
        write!(out, "{protocol:<5}{fragments} ")?;
        if self.verbose {
            write!(out, " {:<6} {:<6} ", device(header.in_device), device(header.out_device))?;
        }
        self.address(out, header.source)?;
        self.address(out, header.destination)?;
        if matches!(rule.target, Target::Goto(_)) {
            out.push_str("[goto] ");
        }
        for found in &rule.matches {
            self.found(out, found)?;
        }
        self.target(out, &rule.target)?;
        out.push('\n');
        Ok(())
    }

    fn protocol(&self, number: u8) -> String {
        let name = match (self.numeric, self.style) {
            (true, ListStyle::V1_8_9) => None,
            (_, _) if number == 0 => Some("all"),
            (true, ListStyle::V1_6_1) => chain_protocol(number),
            (false, _) => protocol_name(number),
        };
        name.map_or_else(|| number.to_string(), str::to_owned)
    }

    fn address(&self, out: &mut String, net: Option<Negatable<Ipv4Net>>) -> fmt::Result {
        out.push(if net.is_some_and(|net| net.negated) { '!' } else { ' ' });
        let shown = match net.map(|net| net.value) {
            None if self.numeric => "0.0.0.0/0".to_owned(),
            None => "anywhere".to_owned(),
            Some(net) if net.prefix_len() == 32 => net.addr().to_string(),
            Some(net) => net.to_string(),
        };
        write!(out, "{shown:<19} ")
    }

    fn port(&self, number: u16) -> String {
        let name = if self.numeric { None } else { port_name(number) };
        name.map_or_else(|| number.to_string(), str::to_owned)
    }

    /// `print_ports` of `libxt_tcp.c`: ` dpt:80`, ` dpt:!80`, ` dpts:1:1023`.
    fn ports(&self, out: &mut String, name: &str, ports: Option<Negatable<PortRange>>) -> fmt::Result {
        let Some(Negatable { value: PortRange { first, last }, negated }) = ports else { return Ok(()) };
        if (first, last) == (0, u16::MAX) && !negated {
            return Ok(());
        }
        let not = if negated { "!" } else { "" };
        if first == last {
            write!(out, " {name}:{not}{}", self.port(first))
        } else {
            write!(out, " {name}s:{not}{}:{}", self.port(first), self.port(last))
        }
    }

    /// What the match's own `print` function prints.
    fn found(&self, out: &mut String, found: &Match) -> fmt::Result {
        match found {
            Match::Comment(text) => write!(out, " /* {text} */"),
            Match::Tcp(tcp) => {
                out.push_str(" tcp");
                self.ports(out, "spt", tcp.source)?;
                self.ports(out, "dpt", tcp.destination)?;
                match tcp.flags {
                    Some(flags) => self.tcp_flags(out, flags),
                    None => Ok(()),
                }
            }
            Match::Udp(udp) => {
                out.push_str(" udp");
                self.ports(out, "spt", udp.source)?;
                self.ports(out, "dpt", udp.destination)
            }
            Match::Sctp(sctp) => {
                out.push_str(" sctp");
                self.ports(out, "spt", sctp.source)?;
                self.ports(out, "dpt", sctp.destination)
            }
            Match::Multiport(multiport) => {
                let side = match multiport.side {
                    MultiportSide::Source => "sports",
                    MultiportSide::Destination => "dports",
                    MultiportSide::Either => "ports",
                };
                // The blank after the side and the one before the `!` are both libxt_multiport.c's.
                write!(out, " multiport {side} {}", if multiport.negated { " !" } else { "" })?;
                for (at, ports) in multiport.ports.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&self.port(ports.first));
                    if ports.first != ports.last {
                        write!(out, ":{}", self.port(ports.last))?;
                    }
                }
                Ok(())
            }
            Match::Icmp(icmp) => {
                out.push_str(if icmp.negated { " icmp !" } else { " icmp" });
                match icmp.value {
                    (255, _) => write!(out, "type 255"),
                    (kind, None) => write!(out, "type {kind}"),
                    (kind, Some(code)) => write!(out, "type {kind} code {code}"),
                }
            }
            Match::Mark(mark) => write!(out, " mark match{} {}", bang(mark.negated), shown::mark(mark.value)),
            // The second blank is libxt_connmark.c's.
            Match::Connmark(mark) if mark.negated => write!(out, " connmark match ! {}", shown::mark(mark.value)),
            Match::Connmark(mark) => write!(out, " connmark match  {}", shown::mark(mark.value)),
            Match::Conntrack(conntrack) => shown::conntrack(out, conntrack, ""),
            Match::State(states) => write!(out, "{} state {}", bang(states.negated), shown::states(states.value)),
            Match::Addrtype(addrtype) => {
                out.push_str(" ADDRTYPE match");
                for (name, types) in [("src-type", addrtype.source), ("dst-type", addrtype.destination)] {
                    if let Some(types) = types {
                        let not = if types.negated { "!" } else { "" };
                        write!(out, " {name} {not}{}", shown::address_types(types.value))?;
                    }
                }
                out.push_str(if addrtype.limit_in { " limit-in" } else { "" });
                out.push_str(if addrtype.limit_out { " limit-out" } else { "" });
                Ok(())
            }
            Match::Statistic(Statistic::Random { probability, negated }) => {
                let (not, probability) = (bang(*negated), shown::probability(*probability));
                write!(out, " statistic mode random{not} probability {probability}")
            }
            Match::Statistic(Statistic::Nth { every, packet, negated }) => {
                write!(out, " statistic mode nth{} every {every}", bang(*negated))?;
                if *packet > 0 { write!(out, " packet {packet}") } else { Ok(()) }
            }
            Match::Set(set) => write!(out, "{} match-set {}", bang(set.negated), shown::set(&set.value)),
            Match::Rpfilter(rpfilter) => {
                out.push_str(" rpfilter");
                shown::rpfilter(rpfilter).try_for_each(|word| write!(out, " {word}"))
            }
            Match::Unknown(text) if matches!(&**text, "-f" | "! -f") => Ok(()),
            Match::Unknown(text) => write!(out, " {text}"),
            _ => more::found(out, found, self.numeric),
        }
    }

    fn tcp_flags(&self, out: &mut String, flags: Negatable<(TcpFlags, TcpFlags)>) -> fmt::Result {
        let (mask, set) = flags.value;
        out.push_str(if flags.negated { " flags:!" } else { " flags:" });
        if self.numeric {
            write!(out, "0x{:02X}/0x{:02X}", mask.0, set.0)
        } else {
            write!(out, "{}/{}", shown::tcp_flags(mask), shown::tcp_flags(set))
        }
    }

    /// What the target's own `print` function prints.
    fn target(&self, out: &mut String, target: &Target) -> fmt::Result {
        match target {
            Target::Reject(with) => write!(out, " reject-with {}", shown::reject_name(*with)),
            Target::Log(log) => self.log(out, log),
            // The order of the questions is mark_tg_print's (libxt_MARK.c).
            Target::Mark { value: 0, mask } => write!(out, " MARK and {:#x}", !mask),
            Target::Mark { value, mask } if value == mask => write!(out, " MARK or {value:#x}"),
            Target::Mark { value, mask: 0 } => write!(out, " MARK xor {value:#x}"),
            Target::Mark { value, mask: u32::MAX } => write!(out, " MARK set {value:#x}"),
            Target::Mark { value, mask } => write!(out, " MARK xset {value:#x}/{mask:#x}"),
            Target::Dnat(range) | Target::Snat(range) => {
                write!(out, " to:{}", shown::nat_range(range))?;
                out.push_str(if range.random_fully { " random-fully" } else { "" });
                Ok(())
            }
            Target::Masquerade { ports, random_fully } => {
                if let Some(ports) = ports {
                    write!(out, " masq ports: {}", shown::nat_ports(*ports))?;
                }
                // 1.6.2 was the first that knew it (libipt_MASQUERADE.c); a newer one, such as Felix's own, may have set it.
                let shown = *random_fully && self.style != ListStyle::V1_6_1;
                out.push_str(if shown { " random-fully" } else { "" });
                Ok(())
            }
            _ => more::target(out, target, self.numeric),
        }
    }

    fn log(&self, out: &mut String, log: &LogTarget) -> fmt::Result {
        const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];
        if self.numeric {
            write!(out, " LOG flags {} level {}", log.flags, log.level)?;
        } else {
            write!(out, " LOG level {}", LEVELS.get(usize::from(log.level)).unwrap_or(&"UNKNOWN"))?;
        }
        if log.prefix.is_empty() { Ok(()) } else { write!(out, " prefix \"{}\"", log.prefix) }
    }
}

/// ` !` where it stands before the name.
const fn bang(negated: bool) -> &'static str {
    if negated { " !" } else { "" }
}

fn device(device: Option<Negatable<DevicePattern>>) -> String {
    match device {
        None => "*".to_owned(),
        Some(Negatable { value, negated: false }) => value.to_string(),
        Some(Negatable { value, negated: true }) => format!("!{value}"),
    }
}

/// How many rules jump or go to each chain.
fn references(table: &Table) -> FxHashMap<ChainId, u32> {
    let mut counts = FxHashMap::default();
    for rule in table.chains().flat_map(|(_, chain)| chain.rules()) {
        if let Target::Jump(to) | Target::Goto(to) = rule.target {
            *counts.entry(to).or_default() += 1;
        }
    }
    counts
}

/// A counter in at most five columns (`xtables_print_num`): from 100,000 in thousands, from 10,000 thousands in
/// millions, and so on, each time rounded.
struct Short(u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= 99_999 {
            return write!(f, "{}", self.0);
        }
        let thousands = |number: u64| (number + 500) / 1000;
        let mut number = thousands(self.0);
        for unit in ["K", "M", "G"] {
            if number <= 9999 {
                return write!(f, "{number}{unit}");
            }
            number = thousands(number);
        }
        write!(f, "{number}T")
    }
}
