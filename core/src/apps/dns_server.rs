//! Name servers on their port: questions in, the agent's answers out, as bytes (RFC 1035). CoreDNS passes what is none of
//! the cluster's on to the server of its own `/etc/resolv.conf` (`forward . /etc/resolv.conf`).
//!
//! Answers are not compressed: CoreDNS compresses only what would not fit otherwise.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use simple_dns::rdata::{A, CNAME, NS, PTR, RData, SOA, SRV, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::{Event, System};
use crate::Crossroads;
use crate::agents::coredns::{self, Asker, QueryType, Record, RecordData, ResponseCode};
use crate::agents::zones;
use crate::kube::PodRecords;
use crate::net::tcp::Happened;
use crate::trace::Observer;

/// The port of DNS.
const DNS: u16 = 53;
/// How long another server is waited for (`plugin/forward`, `defaultTimeout`).
const PATIENCE: Duration = Duration::from_secs(5);

/// A name server.
#[derive(Clone, Debug, Default)]
pub struct DnsServer {
    /// It has the declared zones, and nothing of the cluster.
    zones: bool,
    pods: PodRecords,
    forwarded: Vec<Forwarded>,
    /// How many questions have been passed on.
    count: u64,
}

/// A question that another server is asked.
#[derive(Clone, Debug)]
struct Forwarded {
    /// Which of all it is: tells its alarm from others'.
    number: u64,
    /// The port it was passed on from.
    port: u16,
    /// Who asked, and at which address and port.
    client: SocketAddrV4,
    asked: SocketAddrV4,
    question: Bytes,
}

/// What is to be done about a question.
enum Reply {
    Here(Vec<u8>),
    /// Another server is to be asked.
    Forward(Ipv4Addr),
}

impl DnsServer {
    /// CoreDNS.
    pub fn coredns(pods: PodRecords) -> Self {
        Self { pods, ..Self::default() }
    }

    /// The server of the declared zones.
    pub fn of_zones() -> Self {
        Self { zones: true, ..Self::default() }
    }

    /// Answers a query, or passes it on.
    pub(super) fn handle<O: Observer>(&mut self, event: Event, system: &mut System<'_, '_, O>) {
        match event {
            Event::Socket(Happened::Datagram { port, local, from, payload }) => {
                if let Some(one) = self.take(port, system) {
                    return system.send_udp(Some(*one.asked.ip()), one.asked.port(), one.client, payload);
                }
                match reply(&payload, (self.zones, self.pods), system) {
                    Some(Reply::Here(reply)) => system.send_udp(Some(local), port, from, reply),
                    // What comes back to the server that passed it on goes in circles.
                    Some(Reply::Forward(server))
                        if system.namespace.is_local(server)
                            || self.forwarded.iter().any(|one| one.question == payload) =>
                    {
                        if let Some(reply) = failure(&payload) {
                            system.send_udp(Some(local), port, from, reply);
                        }
                    }
                    Some(Reply::Forward(server)) => {
                        let asked = SocketAddrV4::new(local, port);
                        self.forward(payload, from, asked, server, system);
                    }
                    None => {}
                }
            }
            Event::Socket(Happened::DatagramRefused { port, .. }) => self.fail(port, system),
            Event::Alarm(number) => {
                if let Some(late) = self.forwarded.iter().find(|one| one.number == number) {
                    self.fail(late.port, system);
                }
            }
            Event::Socket(Happened::PeerClosed(connection)) => system.close(connection),
            _ => {}
        }
    }

    fn forward<O: Observer>(
        &mut self,
        question: Bytes,
        client: SocketAddrV4,
        asked: SocketAddrV4,
        server: Ipv4Addr,
        system: &mut System<'_, '_, O>,
    ) {
        let Some(port) = system.bind_udp(None) else { return };
        system.send_udp(None, port, SocketAddrV4::new(server, DNS), question.clone());
        self.count += 1;
        system.alarm(PATIENCE, self.count);
        self.forwarded.push(Forwarded { number: self.count, port, client, asked, question });
    }

    /// The question that was passed on from a port; its socket is closed.
    fn take<O: Observer>(&mut self, port: u16, system: &mut System<'_, '_, O>) -> Option<Forwarded> {
        let at = self.forwarded.iter().position(|one| one.port == port)?;
        system.namespace.sockets.unbind_udp(port, system.process);
        Some(self.forwarded.remove(at))
    }

    /// Nobody has answered.
    fn fail<O: Observer>(&mut self, port: u16, system: &mut System<'_, '_, O>) {
        let Some(one) = self.take(port, system) else { return };
        if let Some(reply) = failure(&one.question) {
            system.send_udp(Some(*one.asked.ip()), one.asked.port(), one.client, reply);
        }
    }
}

/// That nobody could tell.
fn failure(question: &[u8]) -> Option<Vec<u8>> {
    let query = Packet::parse(question).ok()?;
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_DESIRED);
    *reply.rcode_mut() = RCODE::ServerFailure;
    reply.questions.push(query.questions.first()?.clone());
    reply.build_bytes_vec().ok()
}

/// The server that CoreDNS passes questions on to: the first of its `/etc/resolv.conf`, which is that of the machine unless
/// the pod says otherwise, as kubeadm's has `dnsPolicy: Default`.
fn upstream<O: Observer>(system: &System<'_, '_, O>) -> Option<Ipv4Addr> {
    let asker = match system.asker() {
        Asker::Pod(pod) if pod.dns.dns_policy.is_none() => Asker::Machine,
        asker => asker,
    };
    coredns::resolv_conf(system.state, asker).nameservers.first().copied()
}

/// The reply to a query. `None`: it is none, or one that no reply can be built for.
fn reply<O: Observer>(
    query: &[u8],
    (of_zones, pods): (bool, PodRecords),
    system: &mut System<'_, '_, O>,
) -> Option<Reply> {
    let state = system.state;
    let query = Packet::parse(query).ok()?;
    // An answer to a question that is not waited for any more.
    if query.has_flags(PacketFlag::RESPONSE) {
        return None;
    }
    let question = query.questions.first()?;
    let asked = match question.qtype {
        QTYPE::TYPE(TYPE::A) => QueryType::A,
        QTYPE::TYPE(TYPE::AAAA) => QueryType::Aaaa,
        QTYPE::TYPE(TYPE::SRV) => QueryType::Srv,
        QTYPE::TYPE(TYPE::PTR) => QueryType::Ptr,
        QTYPE::TYPE(TYPE::SOA) => QueryType::Soa,
        QTYPE::TYPE(TYPE::NS) => QueryType::Ns,
        QTYPE::TYPE(TYPE::TXT) => QueryType::Txt,
        QTYPE::TYPE(TYPE::CNAME) => QueryType::Cname,
        _ => QueryType::Other,
    };
    let name = question.qname.to_string();
    let answer = if of_zones {
        zones::lookup(state, &name, asked)
    } else {
        let mut answer = coredns::lookup(state, pods, &name, asked);
        if answer.is_foreign()
            && let Some(server) = upstream(system)
        {
            return Some(Reply::Forward(server));
        }
        balance(&mut answer.records, system);
        answer
    };
    let soa = answer.authority_soa.then(|| coredns::soa(state));
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_DESIRED);
    *reply.rcode_mut() = match answer.code {
        ResponseCode::NoError => RCODE::NoError,
        ResponseCode::NxDomain => RCODE::NameError,
        ResponseCode::ServFail => RCODE::ServerFailure,
    };
    reply.questions.push(question.clone());
    reply.answers = records(&answer.records)?;
    reply.name_servers = soa.iter().map(record).collect::<Option<_>>()?;
    reply.additional_records = records(&answer.additional)?;
    reply.build_bytes_vec().ok().map(Reply::Here)
}

/// The plugin `loadbalance`, which is on in kubeadm's configuration: addresses in random order. Here chance decides which of
/// them is the first, which is the one that clients use; the others stay in the order of endpoints.
fn balance<O: Observer>(records: &mut [Record], system: &mut System<'_, '_, O>) {
    let place = |record: &Record| matches!(record.data, RecordData::A(_));
    let Some(begin) = records.iter().position(place) else { return };
    let all = &mut records[begin..];
    let addresses = all.iter().map_while(|record| match record.data {
        RecordData::A(address) => Some(address),
        _ => None,
    });
    let addresses: Vec<_> = addresses.collect();
    let name: Arc<str> = all[0].name.as_str().into();
    let domain = &system.state.cluster().domain;
    let is_meant = |service: &str| {
        let (namespace, service) = service.split_once('/').unwrap_or_default();
        name.eq_ignore_ascii_case(&format!("{service}.{namespace}.svc.{domain}."))
    };
    let first = system.pinned(&addresses, is_meant);
    let at =
        |place| Crossroads::Answer { place, name: name.trim_end_matches('.').into(), addresses: addresses.clone() };
    let first = first.unwrap_or_else(|| system.pick(addresses.len(), at));
    all[..addresses.len()][..=first].rotate_right(1);
}

fn records(records: &[Record]) -> Option<Vec<ResourceRecord<'_>>> {
    records.iter().map(record).collect()
}

fn record(record: &Record) -> Option<ResourceRecord<'_>> {
    let data = match &record.data {
        RecordData::A(address) => RData::A(A { address: address.to_bits() }),
        RecordData::Cname(target) => RData::CNAME(CNAME(name(target)?)),
        RecordData::Ptr(target) => RData::PTR(PTR(name(target)?)),
        RecordData::Ns(target) => RData::NS(NS(name(target)?)),
        RecordData::Txt(text) => RData::TXT(TXT::new().with_string(text).ok()?),
        RecordData::Srv { priority, weight, port, target } => {
            RData::SRV(SRV { priority: *priority, weight: *weight, port: *port, target: name(target)? })
        }
        RecordData::Soa { server, mailbox, serial, times: [refresh, retry, expire, minimum] } => RData::SOA(SOA {
            mname: name(server)?,
            rname: name(mailbox)?,
            serial: *serial,
            refresh: refresh.cast_signed(),
            retry: retry.cast_signed(),
            expire: expire.cast_signed(),
            minimum: *minimum,
        }),
    };
    Some(ResourceRecord::new(name(&record.name)?, CLASS::IN, record.ttl, data))
}

fn name(text: &str) -> Option<Name<'_>> {
    Name::new(text.trim_end_matches('.')).ok()
}
