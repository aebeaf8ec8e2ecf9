//! The places that a service's name leads to (CoreDNS, `plugin/kubernetes/kubernetes.go`, `findServices`), and what is
//! told of them (`plugin/backend_lookup.go`).

use std::net::Ipv4Addr;

use super::{Answer, QueryType, Question, Record, RecordData, TTL, endpoint_name};
use crate::kube::endpoints::endpoints;
use crate::kube::{Endpoint, Service, ServicePort};
use crate::map::{IndexMap, IndexSet};

/// A port of a service, or of one of its endpoints.
pub(super) struct Place {
    /// The name of what has the port.
    target: String,
    address: Ipv4Addr,
    /// `None` of endpoints that have no port: they have addresses and nothing else.
    port: Option<u16>,
}

impl Question<'_> {
    /// The places of a service with an address of its own: one for each of the ports asked for.
    pub(super) fn own_places(&self, service: &Service, address: Ipv4Addr, ports: &[&ServicePort]) -> Vec<Place> {
        let target = self.name_of(service);
        let place = |port: &&ServicePort| Place { target: target.clone(), address, port: Some(port.port) };
        ports.iter().map(place).collect()
    }

    /// The places where endpoints serve the ports asked for, those of one address together. A service without ports leads to
    /// what it selects all the same.
    pub(super) fn endpoint_places(
        &self,
        service: &Service,
        ports: &[&ServicePort],
        is_meant: impl Fn(&Endpoint) -> bool,
    ) -> Vec<Place> {
        let portless = ServicePort::default();
        let ports = if service.ports.is_empty() { &[&portless] } else { ports };
        let mut by_address: IndexMap<Ipv4Addr, Vec<Endpoint>> = IndexMap::default();
        for endpoint in ports.iter().flat_map(|port| endpoints(self.state, service, port)).filter(is_meant) {
            by_address.entry(endpoint.address).or_default().push(endpoint);
        }
        let place = |endpoint: Endpoint| Place {
            target: format!("{}.{}", endpoint_name(&endpoint), self.name_of(service)),
            address: endpoint.address,
            port: (!service.ports.is_empty()).then_some(endpoint.port),
        };
        by_address.into_values().flatten().map(place).collect()
    }

    /// What is told of the places that a name leads to; a name that leads to none does not exist.
    pub(super) fn told_of(&self, places: &[Place]) -> Answer {
        match self.query {
            _ if places.is_empty() => Answer::no_name(),
            QueryType::A => {
                let addresses: IndexSet<_> = places.iter().map(|place| place.address).collect();
                Answer::found(addresses.into_iter().map(|address| self.record(RecordData::A(address))).collect())
            }
            QueryType::Srv => self.ports(places),
            _ => Answer::no_data(),
        }
    }

    /// One record for each target and port. All places share the weight of 100, also those that are told of once (`SRV`).
    fn ports(&self, places: &[Place]) -> Answer {
        let weight = (100 / places.len()).max(1) as u16;
        let (mut records, mut additional) = (IndexSet::default(), IndexSet::default());
        for Place { target, address, port } in places {
            if let Some(port) = *port {
                records.insert((target, port));
                additional.insert((target, *address));
            }
        }
        if records.is_empty() {
            return Answer::no_data();
        }
        let record = |(target, port): (&String, u16)| {
            self.record(RecordData::Srv { priority: 0, weight, port, target: target.clone() })
        };
        let address = |(name, address): (&String, Ipv4Addr)| Record {
            name: name.clone(),
            ttl: TTL,
            data: RecordData::A(address),
        };
        Answer {
            additional: additional.into_iter().map(address).collect(),
            ..Answer::found(records.into_iter().map(record).collect())
        }
    }
}
