//! What a packet did on the node, in the one form in which both the kernel's story and the model's are told.

use std::collections::BTreeSet;
use std::fmt::Write;

use netscene_core::netfilter::{Hook, TableName};

use crate::Result;
use crate::wire::{self, Ends};

/// A rule that matched, or a chain that ended.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The node it happened on; empty where there is but one.
    pub(crate) node: &'static str,
    pub(crate) hook: Hook,
    pub(crate) table: TableName,
    pub(crate) chain: String,
    pub(crate) what: What,
    /// The mark before the rule's target ran.
    pub(crate) mark: u32,
    pub(crate) in_device: Option<String>,
    pub(crate) out_device: Option<String>,
    pub(crate) packet: Ends,
}

/// What happened in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The rule of that number, from 1, matched.
    Rule(u32),
    /// A user's chain came to its end.
    Return,
    /// A built-in chain came to its end.
    Policy,
}

/// What one packet set in motion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// What its rules, and those of its answers, did.
    pub(crate) events: Vec<Event>,
    /// The packets that left the node, with the name of the wire's far end; those of one wire in order.
    pub(crate) sent: Vec<(&'static str, Vec<u8>)>,
    /// The connections after it, if they were asked for: the node, empty where there is but one, and a line of `conntrack -L`.
    pub(crate) connections: Option<Vec<(&'static str, String)>>,
    /// Lines of other kinds: answers of ARP, the log.
    pub(crate) others: Vec<String>,
}

/// The port numbers, and identifiers of echoes, that a case names. Any other was chosen by chance, and the two sides choose differently.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports(BTreeSet<u16>);

impl Ports {
    /// Every number in a text that can be a port.
    pub(crate) fn named_in(text: &str) -> Self {
        Self(text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect())
    }

    /// A port as it is compared: chance has no number.
    pub(crate) fn show(&self, port: u16) -> String {
        if self.0.contains(&port) { port.to_string() } else { "random".to_owned() }
    }
}

impl Observed {
    /// Everything, one line a fact, in an order that both sides share.
    pub(crate) fn lines(&self, ports: &Ports) -> Result<Vec<String>> {
        let show = |port| ports.show(port);
        let mut lines = Vec::new();
        for event in &self.events {
            lines.push(event.line(&show));
        }
        let mut sent = self.sent.iter().collect::<Vec<_>>();
        sent.sort_by_key(|(wire, _)| *wire);
        for (wire, packet) in sent {
            lines.push(format!("to {wire}: {}", wire::describe(packet, &show)?));
        }
        lines.extend(self.others.iter().cloned());
        if let Some(connections) = &self.connections {
            let mut shown: Vec<_> = connections.iter().map(|(node, line)| connection(node, line, ports)).collect();
            shown.sort();
            lines.extend(shown);
        }
        Ok(lines)
    }
}

impl Event {
    fn line(&self, port: &dyn Fn(u16) -> String) -> String {
        let mut text = format!("{}{} {} {} ", at(self.node), self.hook, self.table, self.chain);
        // A String takes everything that is written to it.
        let _ = match self.what {
            What::Rule(number) => write!(text, "rule {number}"),
            What::Return => write!(text, "return"),
            What::Policy => write!(text, "policy"),
        };
        let device = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let Ends { source, destination, ports } = self.packet;
        let (from, to) = (ports.map(|ports| ports.0), ports.map(|ports| ports.1));
        let _ = write!(
            text,
            " ({} to {}) {} > {} mark {:#x}",
            device(&self.in_device),
            device(&self.out_device),
            wire::end(source, from, port),
            wire::end(destination, to, port),
            self.mark
        );
        text
    }
}

/// The node before what happened there.
fn at(node: &str) -> String {
    if node.is_empty() { String::new() } else { format!("{node} ") }
}

/// A line of `conntrack -L` without what differs between two honest tools: the count of users. The timeout comes last,
/// where the comparison gives it a second of grace.
fn connection(node: &str, line: &str, ports: &Ports) -> String {
    let mut words = line.split_whitespace();
    let head: Vec<_> = words.by_ref().take(3).collect();
    let rest = words.filter(|word| !word.starts_with("use=")).map(|word| match word.split_once('=') {
        Some((name @ ("sport" | "dport" | "id"), number)) => match number.parse() {
            Ok(number) => format!("{name}={}", ports.show(number)),
            Err(_) => word.to_owned(),
        },
        _ => word.to_owned(),
    });
    let rest = rest.collect::<Vec<_>>().join(" ");
    let (name, number, timeout) = (head.first(), head.get(1), head.get(2));
    let text = |part: Option<&&str>| part.map_or("?", |text| text).to_owned();
    format!("{}connection {} {} {rest} timeout {}", at(node), text(name), text(number), text(timeout))
}

/// Whether two lines say the same; of timeouts, within a second.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let parts = |line: &str| -> Option<(String, u64)> {
        let (text, timeout) = line.rsplit_once(" timeout ")?;
        Some((text.to_owned(), timeout.parse().ok()?))
    };
    match (parts(one), parts(other)) {
        (Some((one, first)), Some((other, second))) => one == other && first.abs_diff(second) <= 1,
        _ => one == other,
    }
}
