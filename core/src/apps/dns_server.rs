//! CoreDNS on its port: questions in, the agent's answers out, as bytes (RFC 1035).
//!
//! Answers are not compressed: CoreDNS compresses only what would not fit otherwise.

use std::sync::Arc;

use simple_dns::rdata::{A, CNAME, NS, PTR, RData, SOA, SRV, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::{Event, System};
use crate::Crossroads;
use crate::agents::coredns::{self, QueryType, Record, RecordData, ResponseCode};
use crate::net::tcp::Happened;
use crate::trace::Observer;

/// Answers a query.
pub(super) fn handle<O: Observer>(event: Event, system: &mut System<'_, '_, O>) {
    match event {
        Event::Socket(Happened::Datagram { port, local, from, payload }) => {
            if let Some(reply) = reply(&payload, system) {
                system.send_udp(Some(local), port, from, reply);
            }
        }
        Event::Socket(Happened::PeerClosed(connection)) => system.close(connection),
        _ => {}
    }
}

/// The reply to a query. `None`: it is none, or one that no reply can be built for.
fn reply<O: Observer>(query: &[u8], system: &mut System<'_, '_, O>) -> Option<Vec<u8>> {
    let state = system.state;
    let query = Packet::parse(query).ok()?;
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
    let mut answer = coredns::lookup(state, &question.qname.to_string(), asked);
    balance(&mut answer.records, system);
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
    reply.build_bytes_vec().ok()
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
