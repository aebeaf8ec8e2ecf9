//! Packets made to measure, from the file's words to the engine's.

use netscene_core::apps::Crafted;
use netscene_core::kube::TransportProtocol;
use netscene_core::packet::{TcpFlags, protocol};
use netscene_core::world::Op;

use super::{Lowering, Result};
use crate::ast::{Operand, PacketOption, Text, Value, What};
use crate::check::values;
use crate::suggest::question;
use crate::{Code, Diagnostic, Word};

/// The protocols that have a name here, besides TCP and UDP (IANA's numbers).
const PROTOCOLS: [(&str, u8); 6] =
    [("icmp", protocol::ICMP), ("gre", 47), ("esp", 50), ("ah", 51), ("sctp", protocol::SCTP), ("udplite", 136)];

impl Lowering<'_> {
    pub(super) fn craft(
        &mut self,
        (from, to): (&Operand, &Operand),
        protocol: Option<&Text>,
        options: &[PacketOption],
        name: &Text,
    ) -> Result<Op> {
        let number = protocol.map_or(Ok(protocol::ICMP), protocol_number)?;
        once(options)?;
        if !matches!(number, protocol::TCP | protocol::UDP)
            && let Some(port) = to.port.as_ref().or(from.port.as_ref())
        {
            let title = if number == protocol::ICMP { "ICMP has no ports" } else { "this protocol has no ports" };
            return Err(Diagnostic::error(Code::BadValue, title).at(port.span, "leave the port out"));
        }
        let (source, target) = (self.source(from)?, self.target(to)?);
        let has_ports = matches!(number, protocol::TCP | protocol::UDP);
        if has_ports && target.port.is_none() && !matches!(to.what, What::Island(_)) {
            let diagnostic = Diagnostic::error(Code::Missing, "there is no port to send to");
            return Err(diagnostic.at(to.span, "expected a `:PORT` behind it"));
        }
        let mut packet = Crafted::new(number);
        let mut times = None;
        let mut measured = false;
        for option in options {
            measured |= option.word != Word::Times;
            match option.word {
                Word::Flags => packet.flags = flags(option, number)?,
                Word::Size => packet.size = Some(self.number(option, "size", 0, u64::from(packet.longest()))? as u16),
                Word::Ttl => packet.ttl = Some(self.number(option, "TTL", 1, 255)? as u8),
                Word::Tos => packet.tos = Some(self.number(option, "TOS", 0, 255)? as u8),
                Word::Times => times = Some(self.number(option, "number of times", 1, 1_000)? as u32),
                Word::Df => packet.dont_fragment = true,
                _ => packet.bad_checksum = true,
            }
        }
        let name = name.text.clone();
        let op = match number {
            protocol::TCP if measured && packet.flags.is_empty() => {
                let diagnostic = Diagnostic::error(Code::Missing, "a single TCP segment has flags");
                let label = "expected `flags SYN`, or others: an open connection makes its own packets";
                return Err(diagnostic.at(options[0].span, label));
            }
            protocol::TCP if !measured => Op::Send { from: source, to: target, protocol: TransportProtocol::Tcp, name },
            protocol::UDP if !measured => Op::Send { from: source, to: target, protocol: TransportProtocol::Udp, name },
            protocol::ICMP if !measured => Op::Ping { from: source, to: target, name },
            _ => Op::Craft { from: source, to: target, packet, name },
        };
        Ok(match times {
            Some(times) => Op::Burst { times, each: Box::new(op) },
            None => op,
        })
    }

    /// A number behind a word, in decimal or, of TOS, in hexadecimal.
    fn number(&mut self, option: &PacketOption, what: &str, least: u64, most: u64) -> Result<u64> {
        let Some(text) = option.value.as_ref().map(|value: &Value| self.text(value)).transpose()?.flatten() else {
            return Ok(least);
        };
        let read = match text.text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.text.parse().ok(),
        };
        read.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
            let title = format!("`{}` is no {what} here", text.text);
            Diagnostic::error(Code::BadValue, title).at(text.span, format!("expected {least} to {most}"))
        })
    }
}

fn flags(option: &PacketOption, number: u8) -> Result<Vec<String>> {
    if number != protocol::TCP {
        let diagnostic = Diagnostic::error(Code::BadValue, "only TCP has flags");
        return Err(diagnostic.at(option.span, "leave them out"));
    }
    let names = TcpFlags::NAMED.map(|(_, name)| (name, name));
    option.flags.iter().map(|flag| values::choice("flag of TCP", flag, &names).map(str::to_owned)).collect()
}

fn once(options: &[PacketOption]) -> Result<()> {
    for (at, option) in options.iter().enumerate() {
        if let Some(first) = options[..at].iter().find(|other| other.word == option.word) {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{}` is given twice", option.word.text()));
            return Err(diagnostic.at(option.span, "given again here").see(first.span, "first given here"));
        }
    }
    Ok(())
}

/// A protocol by its name or number.
fn protocol_number(text: &Text) -> Result<u8> {
    let lower = text.text.to_lowercase();
    let known = [("tcp", protocol::TCP), ("udp", protocol::UDP)].into_iter().chain(PROTOCOLS);
    let found = known.clone().find(|(name, _)| *name == lower).map(|(_, number)| number);
    found.or_else(|| lower.parse().ok().filter(|number| *number != protocol::IPIP)).ok_or_else(|| {
        let label = question(&lower, known.map(|(name, _)| name))
            .unwrap_or_else(|| "expected tcp, udp, icmp, gre, esp, ah, sctp, udplite or a number to 255".to_owned());
        Diagnostic::error(Code::BadValue, format!("`{}` is no protocol to send by", text.text)).at(text.span, label)
    })
}
