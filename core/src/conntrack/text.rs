//! A line of `conntrack -L`, read (`snprintf_default.c` of `libnetfilter_conntrack`).

use std::net::Ipv4Addr;

use super::tcp::TcpState;
use super::{Entry, Jiffies, Layer4, Timeouts, Tuple, Zone};
use crate::netfilter::Counter;
use crate::packet::protocol;

/// One direction, as it is collected.
#[derive(Default)]
struct Half {
    source: Option<Ipv4Addr>,
    destination: Option<Ipv4Addr>,
    ports: [Option<u16>; 2],
    icmp: [Option<u16>; 3],
    counters: [Option<u64>; 2],
}

impl Half {
    fn tuple(&self, protocol: u8) -> Option<Tuple> {
        let layer4 = match (self.ports, self.icmp) {
            ([Some(source), Some(destination)], _) => Layer4::Ports { source, destination },
            (_, [Some(kind), Some(code), Some(id)]) => {
                Layer4::Icmp { kind: u8::try_from(kind).ok()?, code: u8::try_from(code).ok()?, id }
            }
            _ => Layer4::None,
        };
        Some(Tuple { source: self.source?, destination: self.destination?, protocol, layer4 })
    }

    fn counter(&self) -> Option<Counter> {
        Some(Counter { packets: self.counters[0]?, bytes: self.counters[1]? })
    }
}

impl Entry {
    /// Reads a line of `conntrack -L`, with or without `-o extended`, as it was printed at `now`. What it says of the
    /// windows of a TCP connection is nothing: they are not judged.
    ///
    /// ```
    /// use netscene_core::conntrack::{Entry, Jiffies};
    /// use netscene_core::view::conntrack::line;
    /// let text = "udp      17 29 src=10.0.0.2 dst=10.0.0.1 sport=5 dport=53 [UNREPLIED] \
    ///             src=10.0.0.1 dst=10.0.0.2 sport=53 dport=5 mark=0 use=1";
    /// let entry = Entry::read(text, Jiffies(0)).expect("it is one");
    /// assert_eq!(line(&entry, Jiffies(0)), text);
    /// assert_eq!(Entry::read("udp 17 x", Jiffies(0)).unwrap_err(), "`x` is no number of seconds");
    /// ```
    pub fn read(line: &str, now: Jiffies) -> Result<Self, String> {
        let mut words = line.split_whitespace().peekable();
        if words.peek() == Some(&"ipv4") {
            words.nth(1);
        }
        let name = words.next().ok_or("the line is empty")?;
        let number = words.next().unwrap_or_default();
        let protocol: u8 = number.parse().map_err(|_| format!("`{number}` is no protocol's number, after `{name}`"))?;
        let seconds = words.next().unwrap_or_default();
        let seconds: u64 = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
        let tcp = if protocol == protocol::TCP {
            let state = words.next().unwrap_or_default();
            Some(TcpState::from_name(state).ok_or_else(|| format!("`{state}` is no state of TCP"))?)
        } else {
            // What state an association of SCTP is in, the model does not follow.
            let stateful = protocol == protocol::SCTP;
            words.next_if(|word| stateful && !word.contains('=') && !word.starts_with('['));
            None
        };
        let mut halves = [Half::default(), Half::default()];
        let mut at = 0;
        let mut zone = Zone::default();
        let (mut mark, mut assured, mut replied) = (0, false, true);
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                match word {
                    "[UNREPLIED]" => replied = false,
                    "[ASSURED]" => assured = true,
                    _ => return Err(format!("`{word}` is not known")),
                }
                continue;
            };
            let bad = || format!("`{value}` cannot be after `{key}=`");
            let short = || value.parse::<u16>().map(Some).map_err(|_| bad());
            let long = || value.parse::<u64>().map(Some).map_err(|_| bad());
            if key == "src" && halves[0].source.is_some() {
                at = 1;
            }
            let half = &mut halves[at];
            match key {
                "src" => half.source = Some(value.parse().map_err(|_| bad())?),
                "dst" => half.destination = Some(value.parse().map_err(|_| bad())?),
                "sport" => half.ports[0] = short()?,
                "dport" => half.ports[1] = short()?,
                "type" => half.icmp[0] = short()?,
                "code" => half.icmp[1] = short()?,
                "id" if half.icmp[0].is_some() && half.icmp[2].is_none() => half.icmp[2] = short()?,
                "packets" => half.counters[0] = long()?,
                "bytes" => half.counters[1] = long()?,
                "mark" => mark = value.parse().map_err(|_| bad())?,
                "zone" => zone = Zone { id: value.parse().map_err(|_| bad())?, ..Zone::default() },
                "zone-orig" => zone = Zone { id: value.parse().map_err(|_| bad())?, original: true, reply: false },
                "zone-reply" => zone = Zone { id: value.parse().map_err(|_| bad())?, original: false, reply: true },
                // Of the kernel's own book-keeping, and of no packet's fate.
                "use" | "id" | "delta-time" | "secctx" | "secmark" => {}
                _ => return Err(format!("`{key}` is not known")),
            }
        }
        let [original, reply] = &halves;
        let missing = || "an address of one direction is missing".to_owned();
        let mut entry = Self::new(original.tuple(protocol).ok_or_else(missing)?, now.plus_seconds(seconds));
        entry.reply = reply.tuple(protocol).ok_or_else(missing)?;
        (entry.zone, entry.mark, entry.tcp) = (zone, mark, tcp);
        entry.counters = original.counter().zip(reply.counter()).map(|(one, other)| [one, other]);
        entry.window.dumped = true;
        // How old a UDP connection is, the line does not say. Had it been two seconds old at its last packet, it would be
        // assured; that packet set its timeout to 30 s, where nobody has set another.
        let silent = Timeouts::default().udp.saturating_sub(seconds.min(u64::from(u32::MAX)) as u32);
        entry.stream_since = now.plus_seconds(u64::from(2_u32.saturating_sub(silent)));
        for side in &mut entry.window.seen {
            side.liberal = true;
        }
        let plain = entry.original.inverted();
        let ends = |tuple: &Tuple| (tuple.source, tuple.source_port(), tuple.destination, tuple.destination_port());
        let (now_is, was) = (ends(&entry.reply), ends(&plain));
        entry.status.src_nat = (now_is.2, now_is.3) != (was.2, was.3);
        entry.status.dst_nat = (now_is.0, now_is.1) != (was.0, was.1);
        (entry.status.src_nat_done, entry.status.dst_nat_done) = (true, true);
        (entry.status.seen_reply, entry.status.assured, entry.status.confirmed) = (replied, assured, true);
        Ok(entry)
    }
}
