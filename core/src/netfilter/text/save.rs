//! What `iptables-save` 1.8.9 prints.

mod more;

use std::fmt::{self, Write};

use super::protocols::protocol_name;
use super::shown;
use crate::netfilter::{
    Addrtype, ChainId, Header, LogTarget, Match, MultiportSide, Negatable, Policy, PortRange, Rule, Ruleset, Statistic,
    Table, TableName, Target,
};

/// What follows `-A CHAIN` for this rule of that table.
///
/// ```
/// use netscene_core::netfilter::{Ruleset, TableName, text};
/// let mut rules = Ruleset::default();
/// text::apply(&mut rules, "-t mangle -A INPUT -p tcp --dport 53 ! -s 10.0.0.0/8 -j MARK --or-mark 0x4000")?;
/// let mangle = rules.table(TableName::Mangle);
/// let input = mangle.chain_id("INPUT").and_then(|id| mangle.chain(id)).unwrap();
/// let text = text::rule_text(&input.rules()[0], mangle);
/// assert_eq!(text, "! -s 10.0.0.0/8 -p tcp -m tcp --dport 53 -j MARK --set-xmark 0x4000/0x4000");
/// # Ok::<(), text::TextError>(())
/// ```
pub fn rule_text(rule: &Rule, table: &Table) -> String {
    let mut text = String::with_capacity(96);
    // A String takes everything that is written to it.
    let _ = write_rule(&mut text, rule, table);
    if text.starts_with(' ') {
        text.remove(0);
    }
    text
}

/// The same with a blank before it, and with `counters` where `iptables -v -S` prints them: before the target.
pub(crate) fn rule_with(rule: &Rule, table: &Table, counters: &str) -> String {
    let mut text = String::with_capacity(96);
    let _ = write_header(&mut text, &rule.header);
    for found in &rule.matches {
        let _ = write_match(&mut text, found);
    }
    text.push_str(counters);
    let _ = write_target(&mut text, &rule.target, table);
    text
}

/// The whole dump of these tables, without the comment lines that carry a date.
///
/// Built-in chains come first, then the others by name, as the legacy tool has them.
pub fn save(rules: &Ruleset, tables: &[TableName], counters: bool) -> String {
    let mut text = String::new();
    for &name in tables {
        let _ = write_table(&mut text, rules.table(name), counters);
    }
    text
}

fn write_table(out: &mut String, table: &Table, counters: bool) -> fmt::Result {
    writeln!(out, "*{}", table.name)?;
    let chains = listed(table);
    for chain in chains.iter().filter_map(|id| table.chain(*id)) {
        let policy = match chain.policy {
            Some(Policy::Accept) => "ACCEPT",
            Some(Policy::Drop) => "DROP",
            None => "-",
        };
        let seen = chain.policy_counter;
        writeln!(out, ":{} {policy} [{}:{}]", chain.name, seen.packets, seen.bytes)?;
    }
    for chain in chains.iter().filter_map(|id| table.chain(*id)) {
        for (rule, seen) in chain.rules().iter().zip(chain.counters()) {
            if counters {
                write!(out, "[{}:{}] ", seen.packets, seen.bytes)?;
            }
            write!(out, "-A {}", chain.name)?;
            write_rule(out, rule, table)?;
            out.push('\n');
        }
    }
    out.push_str("COMMIT\n");
    Ok(())
}

/// The chains in the legacy tool's order: built-in ones by hook, then the user's by name (`iptcc_insert_chain`).
pub(crate) fn listed(table: &Table) -> Vec<ChainId> {
    let mut chains: Vec<_> = table.chains().collect();
    chains.sort_by(|(a, left), (b, right)| match (left.policy.is_some(), right.policy.is_some()) {
        (true, true) => a.cmp(b),
        (false, false) => left.name.cmp(&right.name),
        (left, right) => right.cmp(&left),
    });
    chains.into_iter().map(|(id, _)| id).collect()
}

/// ` !` where it stands before the option.
const fn bang(negated: bool) -> &'static str {
    if negated { " !" } else { "" }
}

fn write_rule(out: &mut String, rule: &Rule, table: &Table) -> fmt::Result {
    write_header(out, &rule.header)?;
    for found in &rule.matches {
        write_match(out, found)?;
    }
    write_target(out, &rule.target, table)
}

fn write_header(out: &mut String, header: &Header) -> fmt::Result {
    for (option, net) in [("-s", header.source), ("-d", header.destination)] {
        if let Some(net) = net {
            write!(out, "{} {option} {}", bang(net.negated), net.value)?;
        }
    }
    for (option, device) in [("-i", header.in_device), ("-o", header.out_device)] {
        if let Some(device) = device {
            write!(out, "{} {option} {}", bang(device.negated), device.value)?;
        }
    }
    if let Some(protocol) = header.protocol {
        write!(out, "{} -p ", bang(protocol.negated))?;
        match protocol_name(protocol.value) {
            Some(name) => out.push_str(name),
            None => write!(out, "{}", protocol.value)?,
        }
    }
    Ok(())
}

/// A match as `iptables-save` prints it.
pub(crate) fn match_text(found: &Match) -> String {
    let mut text = String::new();
    let _ = write_match(&mut text, found);
    text.trim_start().to_owned()
}

fn write_match(out: &mut String, found: &Match) -> fmt::Result {
    match found {
        Match::Comment(text) => write!(out, " -m comment --comment {}", shown::quoted(text)),
        Match::Tcp(tcp) => {
            out.push_str(" -m tcp");
            write_ports(out, "--sport", tcp.source)?;
            write_ports(out, "--dport", tcp.destination)?;
            let Some(flags) = tcp.flags else { return Ok(()) };
            let (mask, set) = flags.value;
            write!(out, "{} --tcp-flags {} {}", bang(flags.negated), shown::tcp_flags(mask), shown::tcp_flags(set))
        }
        Match::Udp(udp) => {
            out.push_str(" -m udp");
            write_ports(out, "--sport", udp.source)?;
            write_ports(out, "--dport", udp.destination)
        }
        Match::Sctp(sctp) => {
            out.push_str(" -m sctp");
            write_ports(out, "--sport", sctp.source)?;
            write_ports(out, "--dport", sctp.destination)
        }
        Match::Multiport(multiport) => {
            let side = match multiport.side {
                MultiportSide::Source => "--sports",
                MultiportSide::Destination => "--dports",
                MultiportSide::Either => "--ports",
            };
            write!(out, " -m multiport{} {side} {}", bang(multiport.negated), shown::port_list(&multiport.ports))
        }
        Match::Icmp(icmp) => {
            write!(out, " -m icmp{} --icmp-type ", bang(icmp.negated))?;
            match icmp.value {
                (255, _) => out.write_str("any"),
                (kind, None) => write!(out, "{kind}"),
                (kind, Some(code)) => write!(out, "{kind}/{code}"),
            }
        }
        Match::Mark(mark) => write!(out, " -m mark{} --mark {}", bang(mark.negated), shown::mark(mark.value)),
        Match::Connmark(mark) => write!(out, " -m connmark{} --mark {}", bang(mark.negated), shown::mark(mark.value)),
        Match::Conntrack(conntrack) => {
            out.push_str(" -m conntrack");
            shown::conntrack(out, conntrack, "--")
        }
        Match::State(states) => {
            write!(out, " -m state{} --state {}", bang(states.negated), shown::states(states.value))
        }
        Match::Addrtype(addrtype) => write_addrtype(out, addrtype),
        Match::Statistic(statistic) => match *statistic {
            Statistic::Random { probability, negated } => {
                let probability = shown::probability(probability);
                write!(out, " -m statistic --mode random{} --probability {probability}", bang(negated))
            }
            Statistic::Nth { every, packet, negated } => {
                write!(out, " -m statistic --mode nth{} --every {every} --packet {packet}", bang(negated))
            }
        },
        Match::Set(set) => write!(out, " -m set{} --match-set {}", bang(set.negated), shown::set(&set.value)),
        Match::Rpfilter(rpfilter) => {
            out.push_str(" -m rpfilter");
            shown::rpfilter(rpfilter).try_for_each(|word| write!(out, " --{word}"))
        }
        Match::Unknown(text) => write!(out, " {text}"),
        _ => more::write_match(out, found),
    }
}

fn write_ports(out: &mut String, option: &str, ports: Option<Negatable<PortRange>>) -> fmt::Result {
    let Some(ports) = ports else { return Ok(()) };
    write!(out, "{} {option} {}", bang(ports.negated), shown::ports(ports.value))
}

fn write_addrtype(out: &mut String, addrtype: &Addrtype) -> fmt::Result {
    out.push_str(" -m addrtype");
    for (option, types) in [("--src-type", addrtype.source), ("--dst-type", addrtype.destination)] {
        if let Some(types) = types {
            write!(out, "{} {option} {}", bang(types.negated), shown::address_types(types.value))?;
        }
    }
    if addrtype.limit_in {
        out.push_str(" --limit-iface-in");
    }
    if addrtype.limit_out {
        out.push_str(" --limit-iface-out");
    }
    Ok(())
}

/// The name after `-j`; empty for a rule without a target.
pub(crate) fn target_name<'a>(target: &Target, table: &'a Table) -> &'a str {
    match target {
        Target::Continue => "",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Jump(to) | Target::Goto(to) => table.chain(*to).map_or("", |chain| &chain.name),
        Target::Reject(_) => "REJECT",
        Target::Log(_) => "LOG",
        Target::Mark { .. } => "MARK",
        Target::Dnat(_) => "DNAT",
        Target::Snat(_) => "SNAT",
        Target::Masquerade { .. } => "MASQUERADE",
        Target::Unknown(text) => name_of_unknown(text),
        _ => more::target_name(target),
    }
}

/// The name before the options of an unknown target. It is not the table's text, so it is looked up among names that last.
fn name_of_unknown(text: &str) -> &'static str {
    let name = text.split(' ').next().unwrap_or_default();
    super::parse::targets::FOREIGN
        .into_iter()
        .chain(super::parse::targets::KNOWN)
        .find(|known| *known == name)
        .unwrap_or("")
}

fn write_target(out: &mut String, target: &Target, table: &Table) -> fmt::Result {
    if *target == Target::Continue {
        return Ok(());
    }
    let option = if matches!(target, Target::Goto(_)) { "-g" } else { "-j" };
    if let Target::Unknown(text) = target {
        return write!(out, " -j {text}");
    }
    write!(out, " {option} {}", target_name(target, table))?;
    match target {
        Target::Reject(with) => write!(out, " --reject-with {}", shown::reject_name(*with)),
        Target::Log(log) => write_log(out, log),
        Target::Mark { value, mask } => write!(out, " --set-xmark {value:#x}/{mask:#x}"),
        Target::Dnat(range) => write!(out, " --to-destination {}", shown::nat_range(range)),
        Target::Snat(range) => {
            write!(out, " --to-source {}", shown::nat_range(range))?;
            if range.random_fully { out.write_str(" --random-fully") } else { Ok(()) }
        }
        Target::Masquerade { ports, random_fully } => {
            if let Some(ports) = ports {
                write!(out, " --to-ports {}", shown::nat_ports(*ports))?;
            }
            if *random_fully { out.write_str(" --random-fully") } else { Ok(()) }
        }
        _ => more::write_target(out, target),
    }
}

fn write_log(out: &mut String, log: &LogTarget) -> fmt::Result {
    if !log.prefix.is_empty() {
        write!(out, " --log-prefix {}", shown::quoted(&log.prefix))?;
    }
    // LOG_WARNING, the default, is not printed.
    if log.level != 4 {
        write!(out, " --log-level {}", log.level)?;
    }
    for (bit, option) in LOG_FLAGS {
        if log.flags & bit != 0 {
            write!(out, " {option}")?;
        }
    }
    Ok(())
}

/// The bits of `XT_LOG_*` with their options, in the order of `LOG_save`.
const LOG_FLAGS: [(u8, &str); 5] = [
    (0x01, "--log-tcp-sequence"),
    (0x02, "--log-tcp-options"),
    (0x04, "--log-ip-options"),
    (0x08, "--log-uid"),
    (0x20, "--log-macdecode"),
];
