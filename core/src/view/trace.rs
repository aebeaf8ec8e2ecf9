//! The story of a flow, told for people.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::net::SocketAddrV4;

use crate::netfilter::{CtState, CtStates, Hook, Misses, Policy, TableName};
use crate::trace::{Depth, DropReason, End, Flow, FlowKind, FlowOutcome, Hop, PacketTrace, RuleHit, Step};

/// No line is longer, unless a word in it is.
const WIDTH: usize = 160;

/// What happened to the packets of a flow: a summary, then every packet in order.
///
/// The first packet of each direction of a conversation is told hop by hop, as deep as `depth` says, and so is every packet
/// that was dropped; the others take a line each. With [`Depth::All`] every packet is told so.
pub fn trace(flow: &Flow, depth: Depth) -> String {
    let mut text = summary(flow);
    let mut seen = HashSet::new();
    let mut short = Vec::new();
    for (at, packet) in flow.packets.iter().enumerate() {
        let Some(first) = packet.hops.first() else { continue };
        let (source, destination) = first.before.ends();
        let begins = seen.insert((source, destination, first.before.protocol()));
        if depth == Depth::All || begins || matches!(fate(packet), Some(End::Dropped(_))) {
            write_short(&mut text, &mut short);
            text.push('\n');
            // A String takes everything that is written to it.
            let _ = Story { out: &mut text, depth, said: None }.packet(at + 1, packet);
        } else {
            short.push((at + 1, packet));
        }
    }
    write_short(&mut text, &mut short);
    text
}

/// Packets of no flow, told one after the other, numbered from `first` on.
pub fn packets(packets: &[PacketTrace], depth: Depth, first: usize) -> String {
    let mut text = String::new();
    for (at, packet) in packets.iter().enumerate() {
        // A String takes everything that is written to it.
        let _ = Story { out: &mut text, depth, said: None }.packet(first + at, packet);
    }
    text
}

/// What was asked, how it ended, and what it took, in one line; a second line for a page or a name.
///
/// ```
/// use netscene_core::Time;
/// use netscene_core::trace::{Flow, FlowKind, FlowOutcome};
/// use netscene_core::view::trace::summary;
/// let flow = Flow {
///     name: "hello".to_owned(),
///     kind: FlowKind::Tcp("10.1.110.105:80".parse().unwrap()),
///     from: "browser".into(),
///     started: Time::ZERO,
///     outcome: FlowOutcome::Timeout { at: "worker1".into() },
///     packets: Vec::new(),
///     http: None,
///     dns: None,
///     received: None,
///     each: Vec::new(),
/// };
/// assert_eq!(summary(&flow), "hello: tcp browser -> 10.1.110.105:80: no answer, last seen at worker1; no packets\n");
/// ```
pub fn summary(flow: &Flow) -> String {
    let mut text = String::new();
    if !flow.name.is_empty() {
        let _ = write!(text, "{}: ", flow.name);
    }
    let _ = write!(text, "{}: {}", request(&flow.kind, &flow.from), outcomes(flow));
    let hops = flow.packets.iter().flat_map(|packet| &packet.hops);
    let last = hops.map(|hop| hop.time).max();
    let _ = match (flow.packets.len(), last) {
        (0, _) | (_, None) => write!(text, "; no packets"),
        (count, Some(last)) => {
            let (plural, micros) = (if count == 1 { "" } else { "s" }, (last - flow.started).as_micros());
            write!(text, "; {count} packet{plural} in {}.{:03} ms", micros / 1000, micros % 1000)
        }
    };
    text.push('\n');
    if let Some(http) = &flow.http {
        let _ = writeln!(text, "status {} from {}, {} bytes", http.status, http.server, http.body.len());
    }
    if let Some(dns) = &flow.dns {
        let addresses: Vec<_> = dns.addresses.iter().map(ToString::to_string).collect();
        let answer = match (&addresses[..], &dns.records[..]) {
            ([], []) => "no address".to_owned(),
            ([], records) => records.join(", "),
            _ => addresses.join(", "),
        };
        let _ = writeln!(text, "{} is {answer} ({}, from {})", dns.name, dns.code, dns.server);
    }
    text
}

/// What was asked for.
pub(super) fn request(kind: &FlowKind, from: &str) -> String {
    match kind {
        FlowKind::Tcp(to) => format!("tcp {from} -> {to}"),
        FlowKind::Udp(to) => format!("udp {from} -> {to}"),
        FlowKind::Ping(to) => format!("ping {from} -> {to}"),
        FlowKind::Packet(to, number) => match crate::packet::protocol::name(*number) {
            Some(name) => format!("{name} {from} -> {to}"),
            None => format!("protocol {number} {from} -> {to}"),
        },
        FlowKind::Get(url) => format!("get {from} -> {url}"),
        FlowKind::Resolve(name) => format!("resolve {from} {name}"),
    }
}

/// How it ended; of what was done several times, how often it ended so.
pub(crate) fn outcomes(flow: &Flow) -> String {
    if flow.each.is_empty() {
        return outcome(&flow.outcome);
    }
    let mut counted: Vec<(String, usize)> = Vec::new();
    for text in flow.each.iter().map(|one| outcome(&one.outcome)) {
        match counted.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => counted.push((text, 1)),
        }
    }
    let counted: Vec<_> = counted.iter().map(|(text, count)| format!("{count}x {text}")).collect();
    counted.join("; ")
}

/// How it ended.
pub(super) fn outcome(outcome: &FlowOutcome) -> String {
    match outcome {
        FlowOutcome::Delivered { to } => format!("delivered to {to}"),
        FlowOutcome::Rejected { by, with } => format!("rejected by {by}, {with}"),
        FlowOutcome::Dropped { at, reason } => format!("dropped at {at}, {reason}"),
        FlowOutcome::Unsent { at, error } => format!("{at} did not send it, {error}"),
        FlowOutcome::Timeout { at } => format!("no answer, last seen at {at}"),
    }
}

/// The same in short, for whoever has to see why an expectation does not hold: the summary, and the hops of the first
/// request, of the packet whose loss ended the flow, and, if it is about them, of the first reply.
pub fn brief(flow: &Flow, reply: bool) -> String {
    let mut text = summary(flow);
    let lost = match &flow.outcome {
        FlowOutcome::Dropped { reason, .. } => {
            flow.packets.iter().find(|one| matches!(fate(one), Some(End::Dropped(why)) if why == reason))
        }
        FlowOutcome::Rejected { .. } => flow.packets.iter().find(|one| matches!(fate(one), Some(End::Dropped(_)))),
        _ => None,
    };
    let first = flow.requests().next();
    let back = if reply { flow.replies().next() } else { None };
    let mut shown: Vec<_> = [first, lost, back].into_iter().flatten().map(|packet| packet.id).collect();
    shown.dedup();
    for (at, packet) in flow.packets.iter().enumerate().filter(|(_, packet)| shown.contains(&packet.id)) {
        // A String takes everything that is written to it.
        let _ = Story { out: &mut text, depth: Depth::Hops, said: None }.packet(at + 1, packet);
    }
    text
}

/// How a packet ended.
fn fate(packet: &PacketTrace) -> Option<&End> {
    packet.hops.last().map(|hop| &hop.end)
}

/// Packets of conversations that are open already, one a line.
fn write_short(out: &mut String, packets: &mut Vec<(usize, &PacketTrace)>) {
    if packets.is_empty() {
        return;
    }
    out.push('\n');
    let rows: Vec<_> = packets
        .drain(..)
        .filter_map(|(number, packet)| {
            let first = packet.hops.first()?;
            let places: Vec<_> = packet.hops.iter().map(|hop| hop.place.as_ref()).collect();
            Some((format!("#{number}"), first.time, first.before.to_string(), places.join(", ")))
        })
        .collect();
    let widest = rows.iter().map(|(.., packet, _)| packet.len()).max().unwrap_or(0);
    for (number, time, packet, places) in rows {
        let _ = writeln!(out, "{number:<4}{time}  {packet:<widest$}  {places}");
    }
}

/// A packet being told step by step.
struct Story<'a> {
    out: &'a mut String,
    depth: Depth,
    /// The hook and the table of the line above, which this line need not repeat.
    said: Option<(Hook, TableName)>,
}

/// So many rules that did not match are listed one by one; of more, the first and the last.
const MOST_MISSES: usize = 16;
const FIRST_MISSES: usize = 8;
const LAST_MISSES: usize = 4;
/// Where the text of a rule begins.
const MARGIN: usize = 60;

impl Story<'_> {
    fn packet(&mut self, number: usize, packet: &PacketTrace) -> fmt::Result {
        let (Some(first), Some(last)) = (packet.hops.first(), packet.hops.last()) else { return Ok(()) };
        writeln!(self.out, "#{number} {} to {}: {}", first.place, last.place, first.before)?;
        // A long name pushes its own line to the right, not every line.
        let widest = packet.hops.iter().map(|hop| hop.place.len()).filter(|length| *length <= 28).max().unwrap_or(0);
        let devices: Vec<_> = packet.hops.iter().map(devices).collect();
        let devices_widest = devices.iter().map(String::len).max().unwrap_or(0);
        for (hop, devices) in packet.hops.iter().zip(&devices) {
            let time = hop.time.to_string();
            let place = &hop.place;
            writeln!(self.out, "  {time}  {place:<widest$}  {devices:<devices_widest$}  {}", hop.before)?;
            self.said = None;
            for step in &hop.steps {
                self.step(step, hop)?;
            }
            self.end(hop)?;
            if let Some(why) = &hop.why {
                self.folded("because", &why.cause)?;
                why.cure.iter().try_for_each(|cure| self.folded("passes if", cure))?;
            }
        }
        Ok(())
    }

    /// A line that is not about a rule.
    fn line(&mut self, what: &str, text: impl fmt::Display) -> fmt::Result {
        writeln!(self.out, "      {what:<11} {text}")
    }

    /// A line for a sentence, or several where it is long.
    fn folded(&mut self, what: &str, text: &str) -> fmt::Result {
        let mut what = what;
        for line in wrapped(text, WIDTH - 18) {
            self.line(what, line)?;
            what = "";
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, hop: &Hop) -> fmt::Result {
        if !matches!(step, Step::Rule(_) | Step::ChainEnd { .. } | Step::Misses { .. }) {
            self.said = None;
        }
        match step {
            Step::Misses { .. } if self.depth != Depth::All => Ok(()),
            Step::Misses { hook, table, chain, misses } => self.misses((*hook, *table), chain, misses),
            Step::Rule(_) | Step::ChainEnd { .. } | Step::Conntrack { .. } | Step::Route { .. }
                if self.depth == Depth::Hops =>
            {
                Ok(())
            }
            Step::Rule(hit) => self.rule(hit),
            Step::ChainEnd { .. } if self.depth != Depth::All => Ok(()),
            Step::ChainEnd { hook, table, chain, policy } => {
                let ending = match policy {
                    Some(Policy::Drop) => "policy DROP",
                    Some(Policy::Accept) => "policy ACCEPT",
                    None => "end of chain",
                };
                self.place(*hook, *table)?;
                writeln!(self.out, "{chain:<29}     {ending}")
            }
            Step::Conntrack { state } => self.line("conntrack", state_name(*state)),
            Step::Dnat { from, to } => self.line("dnat", format_args!("{} => {}", end(*from), end(*to))),
            Step::Snat { from, to } => self.line("snat", format_args!("{} => {}", end(*from), end(*to))),
            Step::Route { destination, route, via, device } => {
                let mut text = format!("{destination}: ");
                match (route, device) {
                    (Some(route), _) if route.prefix_len() == 0 => text.push_str("default"),
                    (Some(route), Some(_)) => write!(text, "{route}")?,
                    // A route that drops has no device either, and the end of the hop tells which it was.
                    (Some(route), None) if refused(hop) => write!(text, "{route}")?,
                    (None, _) if hop.end == End::Dropped(DropReason::NoRoute) => text.push_str("no route"),
                    (None, None) if matches!(hop.end, End::Dropped(DropReason::Unknown(_))) => {
                        text.push_str("not known");
                    }
                    (_, None) => text.push_str("this machine"),
                    (None, Some(_)) => text.push_str("on the link"),
                }
                if let Some(via) = via {
                    write!(text, " via {via}")?;
                }
                if let Some(device) = device {
                    write!(text, " dev {device}")?;
                }
                self.line("route", text)
            }
            Step::Arp { address, device, answer: Some(mac), by } => {
                let by = by.as_ref().map_or_else(String::new, |by| format!(" ({by})"));
                self.line("arp", format_args!("{address} on {device} is at {mac}{by}"))
            }
            Step::Arp { address, device, answer: None, .. } => {
                self.line("arp", format_args!("{address} on {device}: nobody answers"))
            }
            Step::Encapsulated { source, destination } => {
                self.line("tunnel", format_args!("ipip {source} => {destination}"))
            }
            Step::Decapsulated { source, destination } => {
                self.line("untunnel", format_args!("ipip {source} => {destination}"))
            }
        }
    }

    /// Hook and table, where they are not those of the line above.
    fn place(&mut self, hook: Hook, table: TableName) -> fmt::Result {
        if self.said.replace((hook, table)) == Some((hook, table)) {
            write!(self.out, "      {:<11} {:<6}  ", "", "")
        } else {
            write!(self.out, "      {hook:<11} {table:<6}  ")
        }
    }

    fn rule(&mut self, hit: &RuleHit) -> fmt::Result {
        self.place(hit.hook, hit.table)?;
        write!(self.out, "{:<29}{:>3}  ", hit.chain, hit.number)?;
        let mut text = hit.rule.to_string();
        if hit.mark != hit.mark_after {
            write!(text, "  (mark {:#x} => {:#x})", hit.mark, hit.mark_after)?;
        }
        let mut lines = wrapped(&text, WIDTH - MARGIN);
        let by = hit.provenance.as_ref().map(|by| format!("by {by}")).unwrap_or_default();
        let last = lines.last().map_or(0, |line| line.len());
        // Who wrote the rule stands beside it, or below it where there is no room.
        let beside = last + 3 + by.len() <= WIDTH - MARGIN;
        if !beside {
            lines.extend(wrapped(&by, WIDTH - MARGIN));
        }
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                write!(self.out, "\n{:MARGIN$}", "")?;
            }
            self.out.push_str(line);
        }
        if beside && !by.is_empty() {
            write!(self.out, "   {by}")?;
        }
        self.out.push('\n');
        Ok(())
    }

    /// The rules of a chain that did not match: each with the condition that failed, or, where they are many, the first and
    /// the last, and how many failed by which option.
    fn misses(&mut self, place: (Hook, TableName), chain: &str, misses: &Misses) -> fmt::Result {
        let count = misses.count();
        let mut left_out: Vec<(String, usize)> = Vec::new();
        let mut unexplained = Vec::new();
        for (at, miss) in misses.all().enumerate() {
            if miss.clause.is_none() {
                unexplained.push(miss.number);
            }
            if count <= MOST_MISSES || at < FIRST_MISSES || at >= count - LAST_MISSES {
                self.place(place.0, place.1)?;
                write!(self.out, "{chain:<29}{:>3}  no: ", miss.number)?;
                match (&miss.clause, miss.instead.as_str()) {
                    (Some(clause), "") => self.out.push_str(clause),
                    (Some(clause), instead) => write!(self.out, "{clause}: {instead}")?,
                    (None, _) => self.out.push_str("the index says so"),
                }
                match (miss.by, miss.comment) {
                    (Some(by), _) => write!(self.out, "   by {by}")?,
                    (None, Some(comment)) => write!(self.out, "   \"{comment}\"")?,
                    (None, None) => {}
                }
                self.out.push('\n');
                continue;
            }
            let option = miss.clause.as_deref().unwrap_or("?").trim_start_matches("! ");
            let option = option.split(' ').next().unwrap_or_default();
            match left_out.iter_mut().find(|(known, _)| known == option) {
                Some((_, count)) => *count += 1,
                None => left_out.push((option.to_owned(), 1)),
            }
            if at + 1 == count - LAST_MISSES {
                let by: Vec<_> = left_out.iter().map(|(option, count)| format!("{count} by {option}")).collect();
                let (from, to) = (misses.first as usize + FIRST_MISSES, misses.last as usize - LAST_MISSES);
                self.place(place.0, place.1)?;
                writeln!(self.out, "{chain:<29}     no: rules {from} to {to}, {}", by.join(", "))?;
            }
        }
        let skipped = count - misses.tried();
        if skipped > 0 && count > MOST_MISSES {
            let how = if unexplained.is_empty() { "tried one by one they fail as well" } else { "and is wrong" };
            self.place(place.0, place.1)?;
            writeln!(self.out, "{chain:<29}     the index has left out {skipped} of {count} rules; {how}")?;
        }
        Ok(())
    }

    fn end(&mut self, hop: &Hop) -> fmt::Result {
        match &hop.end {
            End::Delivered { to } => self.line("delivered", format_args!("to {to}")),
            End::Dropped(DropReason::Rule { table, chain, number: Some(number), told, .. })
                if self.depth != Depth::Hops && told_last(hop) =>
            {
                let told = if *told { ", and the sender was told" } else { "" };
                self.line("dropped", format_args!("rule {number} of {table}/{chain}{told}"))
            }
            End::Dropped(reason) => self.line("dropped", reason),
            End::Sent { to: Some(mac) } if self.depth == Depth::All || self.depth == Depth::Rules && !asked(hop) => {
                self.line("sent", format_args!("to {mac}"))
            }
            End::Sent { .. } => Ok(()),
        }
    }
}

/// Whether a route was what dropped the packet.
fn refused(hop: &Hop) -> bool {
    matches!(hop.end, End::Dropped(DropReason::Blackhole | DropReason::Unreachable | DropReason::Prohibit))
}

/// Whether the last line told of the hop is the rule that dropped the packet.
fn told_last(hop: &Hop) -> bool {
    matches!(hop.steps.last(), Some(Step::Rule(_)))
}

/// Whether the hop tells already which address its packet was sent to.
fn asked(hop: &Hop) -> bool {
    hop.steps.iter().any(|step| matches!(step, Step::Arp { answer: Some(_), .. }))
}

/// Where a packet came in and went out.
fn devices(hop: &Hop) -> String {
    let name = |device: Option<crate::packet::DeviceName>| device.map(|device| device.to_string());
    let from = name(hop.in_device).unwrap_or_else(|| "local".to_owned());
    let to = match &hop.end {
        End::Sent { .. } => name(hop.out_device).unwrap_or_default(),
        End::Delivered { .. } => "local".to_owned(),
        End::Dropped(_) => "dropped".to_owned(),
    };
    format!("{from} -> {to}")
}

/// An address with its port, if it has one.
fn end(socket: SocketAddrV4) -> String {
    if socket.port() == 0 { socket.ip().to_string() } else { socket.to_string() }
}

pub(super) fn state_name(state: CtState) -> &'static str {
    let states = CtStates::from(state);
    CtStates::NAMED.iter().find(|(known, _)| *known == states).map_or("", |(_, name)| name)
}

/// `text` in pieces of at most `width` bytes, cut before a match or a target where that is possible.
fn wrapped(mut text: &str, width: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    while text.len() > width {
        let head = &text[..text.floor_char_boundary(width)];
        let late = |at: &usize| *at > width / 3;
        let option = head.rmatch_indices(" -").map(|(at, _)| at).filter(late);
        let mut part = option.filter(|at| !text[at + 2..].starts_with('-'));
        let Some(cut) = part
            .next()
            .or_else(|| head.rfind(" -").filter(late))
            .or_else(|| head.rfind(' '))
            .or_else(|| text.find(' '))
        else {
            break;
        };
        parts.push(&text[..cut]);
        text = text[cut..].trim_start();
    }
    parts.push(text);
    parts
}
