//! The resolver of a pod or a machine: glibc's, over UDP (resolv.conf(5); glibc, `resolv/res_query.c`, `res_send.c`).
//!
//! For every name that the search list makes, it asks for A and AAAA back to back from one socket, without waiting for
//! the first answer; after five seconds of silence it asks the next server, and when there is none all once more. For records of one type it asks one question, and
//! for the name of an address too, of which no search list makes another.

use std::net::{Ipv4Addr, SocketAddrV4};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, Question, RCODE, ResourceRecord, TYPE};

use super::System;
use crate::agents::coredns::{Asker, QueryType, ResolvConf, resolv_conf};
use crate::trace::{DnsResult, Observer};

/// The port of DNS.
const DNS: u16 = 53;

/// What a resolver is asked.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// The addresses of a name: `getaddrinfo`.
    Addresses(String),
    /// The records of a type: `res_search`.
    Records(String, QueryType),
    /// The name of an address: `gethostbyaddr`.
    Name(Ipv4Addr),
}

/// A question on its way to an answer.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    conf: ResolvConf,
    /// The server that is asked, by its place in the list.
    server: usize,
    port: u16,
    /// The names to try, in order.
    names: Vec<String>,
    at: usize,
    /// How often every server has been asked, this time with the others.
    round: u32,
    /// What is asked for of every name, in this order.
    asked: Vec<Asked>,
    /// What the first name said that was tried as it is before the search list, else the first that exists and has
    /// nothing: it is what is told when no name has what was asked for.
    kept: Option<DnsResult>,
    /// Tells this question's alarms from older ones'.
    pub(super) token: u64,
}

/// One question, and what was answered.
#[derive(Clone, Debug)]
struct Asked {
    kind: TYPE,
    id: u16,
    answer: Option<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    code: RCODE,
    addresses: Vec<Ipv4Addr>,
    records: Vec<String>,
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
    /// Asks the first question, as `/etc/resolv.conf` says.
    pub(super) fn start<O: Observer>(
        wanted: &Wanted,
        token: u64,
        system: &mut System<'_, '_, O>,
    ) -> Result<Self, NotAsked> {
        let asker = system.asker();
        let conf = resolv_conf(system.state, asker);
        let server = conf.nameservers.first().copied().ok_or(NotAsked::Impossible(match asker {
            Asker::Pod(_) => "no name server: the cluster has no service kube-system/kube-dns",
            Asker::Machine => "no name server: the cluster gives its machines none (`nameservers`)",
        }))?;
        let (names, kinds) = match wanted {
            Wanted::Addresses(host) => (conf.candidates(host), vec![TYPE::A, TYPE::AAAA]),
            Wanted::Records(host, kind) => {
                let kind = type_of(*kind).ok_or(NotAsked::Impossible("nobody can ask for records of no type"))?;
                (conf.candidates(host), vec![kind])
            }
            Wanted::Name(address) => (vec![reverse_name(*address)], vec![TYPE::PTR]),
        };
        // A suffix more makes no name shorter: glibc gives up at the first that cannot be asked for (NO_RECOVERY).
        if let Some(fault) = names.first().and_then(|name| unaskable(name)) {
            return Err(NotAsked::Unsent(fault));
        }
        system.namespace.source_or_error(server).map_err(NotAsked::Unsent)?;
        let port = system.bind_udp(None).ok_or(NotAsked::Impossible("no free port"))?;
        let asked = kinds.into_iter().map(|kind| Asked { kind, id: 0, answer: None }).collect();
        let mut resolver = Self { conf, server: 0, port, names, at: 0, round: 1, asked, kept: None, token };
        resolver.ask(system);
        Ok(resolver)
    }

    /// Whether a datagram to `port` is for this question.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.port == port
    }

    fn ask<O: Observer>(&mut self, system: &mut System<'_, '_, O>) {
        for asked in &mut self.asked {
            *asked = Asked { id: system.random(0x1_0000) as u16, answer: None, ..*asked };
        }
        for asked in &self.asked {
            if let Some(question) = question(asked.id, &self.names[self.at], asked.kind) {
                system.send_udp(None, self.port, self.address(), question);
            }
        }
        system.alarm(self.conf.patience(self.server), self.token);
    }

    fn address(&self) -> SocketAddrV4 {
        let server = self.conf.nameservers.get(self.server).copied();
        SocketAddrV4::new(server.unwrap_or(Ipv4Addr::UNSPECIFIED), DNS)
    }

    /// A datagram has come.
    pub(super) fn answer<O: Observer>(&mut self, payload: &[u8], system: &mut System<'_, '_, O>) -> Progress {
        let Ok(packet) = Packet::parse(payload) else { return Progress::Pending };
        let Some(which) = answered(&self.asked, &packet) else { return Progress::Pending };
        let addresses = packet.answers.iter().filter_map(|record| match &record.rdata {
            RData::A(a) => Some(Ipv4Addr::from(a.address)),
            _ => None,
        });
        let records = packet.answers.iter().filter_map(shown).collect();
        self.asked[which].answer = Some(Part { code: packet.rcode(), addresses: addresses.collect(), records });
        let parts: Option<Vec<_>> = self.asked.iter().map(|asked| asked.answer.as_ref()).collect();
        let Some(parts) = parts else { return Progress::Pending };
        let code = match parts.first().map(|part| part.code) {
            Some(RCODE::NoError) => "NOERROR",
            Some(RCODE::NameError) => "NXDOMAIN",
            _ => "SERVFAIL",
        };
        let addresses: Vec<_> = parts.iter().flat_map(|part| &part.addresses).copied().collect();
        let records: Vec<_> = parts.iter().flat_map(|part| &part.records).cloned().collect();
        // For addresses an alias alone is no answer.
        let found = if self.asked.len() > 1 { !addresses.is_empty() } else { !records.is_empty() };
        let result = DnsResult { name: self.names[self.at].clone(), addresses, records, code, server: self.address() };
        if found {
            return Progress::Answered(result);
        }
        self.miss(result, system)
    }

    /// The name does not have what was asked for: the next one may. What the library says in the end is what it heard of
    /// the name as it is, if it tried that first; else that there is nothing, if one of the names exists; else what it
    /// heard of the last.
    fn miss<O: Observer>(&mut self, result: DnsResult, system: &mut System<'_, '_, O>) -> Progress {
        let as_it_is_first = self.at == 0 && self.names.len() > 1 && self.names[1].starts_with(&self.names[0]);
        if self.kept.is_none() && (as_it_is_first || result.code == "NOERROR") {
            self.kept = Some(result.clone());
        }
        if self.at + 1 == self.names.len() {
            return Progress::Answered(self.kept.take().unwrap_or(result));
        }
        self.at += 1;
        (self.server, self.round) = (0, 1);
        self.ask(system);
        Progress::Pending
    }

    /// The alarm has gone off.
    pub(super) fn silence<O: Observer>(&mut self, system: &mut System<'_, '_, O>) -> Progress {
        self.server += 1;
        if self.server == self.conf.nameservers.len() {
            if self.round == self.conf.rounds() {
                return Progress::TimedOut;
            }
            (self.server, self.round) = (0, self.round + 1);
        }
        self.ask(system);
        Progress::Pending
    }
}

/// Which of the questions a packet answers. Two questions may have one identifier: `res_queriesmatch` tells answers apart
/// by what was asked.
fn answered(all: &[Asked], packet: &Packet<'_>) -> Option<usize> {
    let kind = packet.questions.first()?.qtype;
    all.iter().position(|asked| asked.id == packet.id() && kind == QTYPE::TYPE(asked.kind))
}

/// The name below which the name of an address stands (RFC 1035, 3.5).
fn reverse_name(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
}

fn type_of(kind: QueryType) -> Option<TYPE> {
    Some(match kind {
        QueryType::Other => return None,
        QueryType::A => TYPE::A,
        QueryType::Aaaa => TYPE::AAAA,
        QueryType::Srv => TYPE::SRV,
        QueryType::Ptr => TYPE::PTR,
        QueryType::Soa => TYPE::SOA,
        QueryType::Ns => TYPE::NS,
        QueryType::Txt => TYPE::TXT,
        QueryType::Cname => TYPE::CNAME,
    })
}

/// A record's type and what it says, as `dig` prints it.
fn shown(record: &ResourceRecord<'_>) -> Option<String> {
    Some(match &record.rdata {
        RData::A(a) => format!("A {}", Ipv4Addr::from(a.address)),
        RData::CNAME(target) => format!("CNAME {}.", target.0),
        RData::PTR(target) => format!("PTR {}.", target.0),
        RData::NS(target) => format!("NS {}.", target.0),
        RData::SRV(srv) => format!("SRV {} {} {} {}.", srv.priority, srv.weight, srv.port, srv.target),
        RData::SOA(soa) => format!(
            "SOA {}. {}. {} {} {} {} {}",
            soa.mname, soa.rname, soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum
        ),
        RData::TXT(text) => format!("TXT \"{}\"", String::try_from(text.clone()).ok()?),
        _ => return None,
    })
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
        let asked = |ids: [u16; 2]| {
            let kinds = ids.into_iter().zip([TYPE::A, TYPE::AAAA]);
            kinds.map(|(id, kind)| Asked { kind, id, answer: None }).collect::<Vec<_>>()
        };
        for (kind, which) in [(TYPE::A, 0), (TYPE::AAAA, 1)] {
            let bytes = question(7, "web.", kind).unwrap();
            assert_eq!(answered(&asked([7, 7]), &Packet::parse(&bytes).unwrap()), Some(which));
            assert_eq!(answered(&asked([8, 9]), &Packet::parse(&bytes).unwrap()), None);
        }
        let other = question(7, "web.", TYPE::SRV).unwrap();
        assert_eq!(answered(&asked([7, 7]), &Packet::parse(&other).unwrap()), None);
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
