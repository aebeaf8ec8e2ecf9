//! The resolver of a pod: glibc's, over UDP (resolv.conf(5)).
//!
//! For every name that the search list makes, it asks for A and AAAA back to back from one socket, without waiting for
//! the first answer; after five seconds of silence it asks once more.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question, RCODE, TYPE};

use super::System;
use crate::agents::coredns::resolv_conf;
use crate::trace::{DnsResult, Observer};

/// `RES_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(5);
/// `RES_DFLRETRY`.
const ATTEMPTS: u32 = 2;
/// What is asked for of every name, in this order.
const KINDS: [TYPE; 2] = [TYPE::A, TYPE::AAAA];
/// The port of DNS.
const DNS: u16 = 53;

/// A name on its way to an address.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    server: SocketAddrV4,
    port: u16,
    /// The names to try, in order.
    names: Vec<String>,
    at: usize,
    attempt: u32,
    /// The identifiers of the questions for A and AAAA.
    ids: [u16; 2],
    answers: [Option<Part>; 2],
    /// Tells this question's alarms from older ones'.
    pub(super) token: u64,
}

#[derive(Clone, Debug)]
struct Part {
    code: RCODE,
    addresses: Vec<Ipv4Addr>,
}

/// Why no question was sent.
pub(super) enum NotAsked {
    /// The system, or the library, refuses: what it says.
    Unsent(String),
    /// The scenario asks for what nothing here can do.
    Impossible(&'static str),
}

/// What came of a datagram or an alarm.
pub(super) enum Progress {
    /// Nothing yet.
    Pending,
    /// An answer, perhaps that there is none.
    Answered(DnsResult),
    /// No server answered.
    TimedOut,
}

impl Resolver {
    /// Asks the first question, as the pod's `/etc/resolv.conf` says.
    pub(super) fn start<O: Observer>(host: &str, token: u64, system: &mut System<'_, '_, O>) -> Result<Self, NotAsked> {
        let conf = system.kube_namespace.map(|namespace| resolv_conf(system.state, namespace));
        let conf = conf.ok_or(NotAsked::Impossible("no name server: only pods have one"))?;
        let server = conf.nameserver;
        let server =
            server.ok_or(NotAsked::Impossible("no name server: the cluster has no service kube-system/kube-dns"))?;
        let names = conf.candidates(host);
        // A suffix more makes no name shorter: glibc gives up at the first that cannot be asked for (NO_RECOVERY).
        if let Some(fault) = names.first().and_then(|name| unaskable(name)) {
            return Err(NotAsked::Unsent(fault));
        }
        system.namespace.source_or_error(server).map_err(NotAsked::Unsent)?;
        let port = system.bind_udp(None).ok_or(NotAsked::Impossible("no free port"))?;
        let mut resolver = Self {
            server: SocketAddrV4::new(server, DNS),
            port,
            names,
            at: 0,
            attempt: 1,
            ids: [0; 2],
            answers: [None, None],
            token,
        };
        resolver.ask(system);
        Ok(resolver)
    }

    /// Whether a datagram to `port` is for this question.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.port == port
    }

    fn ask<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        self.ids = [system.random(0x1_0000) as u16, system.random(0x1_0000) as u16];
        self.answers = [None, None];
        for (id, kind) in self.ids.into_iter().zip(KINDS) {
            if let Some(question) = question(id, &self.names[self.at], kind) {
                system.send_udp(None, self.port, self.server, question);
            }
        }
        system.alarm(TIMEOUT, self.token);
    }

    /// A datagram has come.
    pub(super) fn answer<O: Observer>(&mut self, payload: &[u8], system: &mut System<'_, '_, O>) -> Progress {
        let Ok(packet) = Packet::parse(payload) else { return Progress::Pending };
        let Some(which) = answered(self.ids, &packet) else { return Progress::Pending };
        let addresses = packet.answers.iter().filter_map(|record| match &record.rdata {
            RData::A(a) => Some(Ipv4Addr::from(a.address)),
            _ => None,
        });
        self.answers[which] = Some(Part { code: packet.rcode(), addresses: addresses.collect() });
        let [Some(a), Some(aaaa)] = &self.answers else { return Progress::Pending };
        let addresses: Vec<_> = a.addresses.iter().chain(&aaaa.addresses).copied().collect();
        let code = match a.code {
            RCODE::NoError => "NOERROR",
            RCODE::NameError => "NXDOMAIN",
            _ => "SERVFAIL",
        };
        if addresses.is_empty() && self.at + 1 < self.names.len() {
            self.at += 1;
            self.attempt = 1;
            self.ask(system);
            return Progress::Pending;
        }
        Progress::Answered(DnsResult { name: self.names[self.at].clone(), addresses, code, server: self.server })
    }

    /// The alarm has gone off.
    pub(super) fn silence<O: Observer>(&mut self, system: &mut System<'_, '_, O>) -> Progress {
        if self.attempt == ATTEMPTS {
            return Progress::TimedOut;
        }
        self.attempt += 1;
        self.ask(system);
        Progress::Pending
    }
}

/// Which of the questions a packet answers. Two questions may have one identifier: `res_queriesmatch` tells answers apart
/// by what was asked.
fn answered(ids: [u16; 2], packet: &Packet<'_>) -> Option<usize> {
    let asked = packet.questions.first()?.qtype;
    ids.iter().zip(KINDS).position(|(id, kind)| *id == packet.id() && asked == QTYPE::TYPE(kind))
}

/// Why a name cannot be asked for (RFC 1035, 2.3.4).
fn unaskable(name: &str) -> Option<String> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let long = bare.split('.').find(|label| label.len() > 63);
    let fault = match long {
        Some(label) => format!("`{label}` has {} letters, and a label has at most 63", label.len()),
        None if bare.split('.').any(str::is_empty) => "it has an empty label".to_owned(),
        // Each label has its length before it, and one more byte ends the name.
        None if bare.len() + 2 > 255 => format!("with {} letters it is longer than a name may be", bare.len()),
        None => return None,
    };
    Some(format!("no question can be made for `{bare}`: {fault}"))
}

/// A question as bytes. `None`: the name cannot be a name.
fn question(id: u16, name: &str, kind: TYPE) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name.trim_end_matches('.')).ok()?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), CLASS::IN.into(), false));
    packet.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_identifiers_are_told_apart_by_the_question() {
        for (kind, which) in [(TYPE::A, 0), (TYPE::AAAA, 1)] {
            let bytes = question(7, "web.", kind).unwrap();
            assert_eq!(answered([7, 7], &Packet::parse(&bytes).unwrap()), Some(which));
            assert_eq!(answered([8, 9], &Packet::parse(&bytes).unwrap()), None);
        }
        let other = question(7, "web.", TYPE::SRV).unwrap();
        assert_eq!(answered([7, 7], &Packet::parse(&other).unwrap()), None);
    }

    #[test]
    fn names_that_no_question_can_carry() {
        let label = "a".repeat(63);
        assert_eq!(unaskable(&format!("{label}.example.")), None);
        assert!(unaskable(&format!("a{label}.example.")).unwrap().contains("64 letters"));
        assert!(unaskable("a..example.").unwrap().contains("empty label"));
        // 255 bytes on the wire are 253 letters.
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(unaskable(&longest), None);
        assert!(unaskable(&format!("{longest}a")).is_some());
    }
}
