//! `conntrack -L`.

use std::fmt::Write;

use crate::conntrack::{Entry, Jiffies, Layer4, Tuple};

/// The release whose header line the white paper shows.
pub const VERSION: &str = "v1.4.4";

/// One connection, as `conntrack -L` prints it.
///
/// ```
/// use netscene_core::conntrack::{Entry, Jiffies, Layer4, Tuple};
/// use netscene_core::view::conntrack::line;
/// let original = Tuple {
///     source: [192, 168, 8, 222].into(),
///     destination: [192, 168, 8, 207].into(),
///     protocol: 17,
///     layer4: Layer4::Ports { source: 39764, destination: 53 },
/// };
/// let now = Jiffies(0);
/// let entry = Entry::new(original, now.plus_seconds(29));
/// assert_eq!(
///     line(&entry, now),
///     "udp      17 29 src=192.168.8.222 dst=192.168.8.207 sport=39764 dport=53 [UNREPLIED] \
///      src=192.168.8.207 dst=192.168.8.222 sport=53 dport=39764 mark=0 use=1"
/// );
/// ```
pub fn line(entry: &Entry, now: Jiffies) -> String {
    // libnetfilter_conntrack knows these by name (snprintf_default.c, proto2str).
    let name = match entry.original.protocol {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        47 => "gre",
        132 => "sctp",
        136 => "udplite",
        _ => "unknown",
    };
    let mut text = format!("{name:<8} {} {} ", entry.original.protocol, entry.expires.seconds_after(now));
    if let Some(state) = entry.tcp {
        text.push_str(state.name());
        text.push(' ');
    }
    tuple(&mut text, &entry.original);
    counter(&mut text, entry, 0);
    if !entry.status.seen_reply {
        text.push_str("[UNREPLIED] ");
    }
    tuple(&mut text, &entry.reply);
    counter(&mut text, entry, 1);
    if entry.status.assured {
        text.push_str("[ASSURED] ");
    }
    // A String takes everything that is written to it.
    let _ = write!(text, "mark={} ", entry.mark);
    let zone = entry.zone;
    let name = match (zone.original, zone.reply) {
        (true, true) => "zone",
        (true, false) => "zone-orig",
        _ => "zone-reply",
    };
    if zone.id != 0 {
        let _ = write!(text, "{name}={} ", zone.id);
    }
    text.push_str("use=1");
    text
}

/// What a direction has carried, where it is counted.
fn counter(text: &mut String, entry: &Entry, direction: usize) {
    if let Some(counters) = &entry.counters {
        let counter = counters[direction];
        let _ = write!(text, "packets={} bytes={} ", counter.packets, counter.bytes);
    }
}

fn tuple(text: &mut String, tuple: &Tuple) {
    let _ = write!(text, "src={} dst={} ", tuple.source, tuple.destination);
    let _ = match tuple.layer4 {
        Layer4::Ports { source, destination } => write!(text, "sport={source} dport={destination} "),
        Layer4::Icmp { kind, code, id } => write!(text, "type={kind} code={code} id={id} "),
        Layer4::None => Ok(()),
    };
}

/// The connections, one a line, after the line that tells their number.
///
/// On a terminal that line comes last, or not at all, for it goes to stderr; under `watch` it comes first. `version`
/// is the tool's, such as [`VERSION`]. The order is the caller's: the kernel's is that of a hash with a random seed.
pub fn list<'a>(entries: impl Iterator<Item = &'a Entry>, now: Jiffies, version: &str) -> String {
    counted(entries, now, version, "shown")
}

/// What `conntrack -D` prints: the connections that it makes the kernel forget, after the line that tells their number,
/// which goes to stderr as that of [`list`] does.
pub fn deleted<'a>(entries: impl Iterator<Item = &'a Entry>, now: Jiffies, version: &str) -> String {
    counted(entries, now, version, "deleted")
}

/// What `conntrack -F` prints, on stderr.
pub fn emptied(version: &str) -> String {
    format!("conntrack {version} (conntrack-tools): connection tracking table has been emptied.\n")
}

fn counted<'a>(entries: impl Iterator<Item = &'a Entry>, now: Jiffies, version: &str, done: &str) -> String {
    let lines: Vec<_> = entries.map(|entry| line(entry, now)).collect();
    let mut text = format!("conntrack {version} (conntrack-tools): {} flow entries have been {done}.\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}
