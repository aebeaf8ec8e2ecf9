//! Names of services without an address of their own: headless ones, and names for something outside.

use std::net::Ipv4Addr;

use super::{Answer, QueryType, Question, Record, RecordData, TTL, endpoint_name};
use crate::kube::endpoints::{endpoints, named};
use crate::kube::{Service, ServicePort};

impl Question<'_> {
    /// The addresses of a headless service's ready endpoints, or where some of its ports are served.
    ///
    /// They are in the order of endpoints, before the plugin `loadbalance` shuffles them.
    pub(super) fn headless(&self, service: &Service, ports: &[&ServicePort]) -> Answer {
        match self.query {
            QueryType::A => {
                let all = named(self.state, service);
                let records: Vec<_> = all.iter().map(|one| self.record(RecordData::A(one.address))).collect();
                if records.is_empty() { Answer::no_data() } else { Answer::found(records) }
            }
            QueryType::Srv => self.served(service, ports),
            _ => Answer::no_data(),
        }
    }

    /// One record for each place where a port is served, all of one weight.
    fn served(&self, service: &Service, ports: &[&ServicePort]) -> Answer {
        let all: Vec<_> = ports.iter().flat_map(|port| endpoints(self.state, service, port)).collect();
        if all.is_empty() {
            return Answer::no_data();
        }
        let weight = (100 / all.len()) as u16;
        let (mut records, mut additional) = (Vec::new(), Vec::new());
        for endpoint in all {
            let target = format!("{}.{}", endpoint_name(&endpoint), self.name_of(service));
            let address = Record { name: target.clone(), ttl: TTL, data: RecordData::A(endpoint.address) };
            records.push(self.record(RecordData::Srv { priority: 0, weight, port: endpoint.port, target }));
            if !additional.contains(&address) {
                additional.push(address);
            }
        }
        Answer { additional, ..Answer::found(records) }
    }

    /// Another name; and what that name has, if it is one of the cluster. Of others the server that CoreDNS forwards to
    /// would have to say it.
    pub(super) fn external_name(&self, target: &str) -> Answer {
        // The plugin takes an address for no name, though Kubernetes lets it be one.
        if target.parse::<Ipv4Addr>().is_ok() {
            return Answer::no_name();
        }
        let target = format!("{}.", target.trim_end_matches('.'));
        let alias = self.record(RecordData::Cname(target.clone()));
        let inside = target.trim_end_matches('.').ends_with(&format!(".{}", self.zone));
        match self.query {
            QueryType::A | QueryType::Aaaa if inside => {
                // A name may lead to itself by others.
                if self.depth == MOST_ALIASES {
                    return Answer::no_data();
                }
                let next = Question::new(self.state, self.pods, &target, self.query, self.depth + 1).answer();
                if next.records.is_empty() {
                    return Answer::no_data();
                }
                Answer::found([alias].into_iter().chain(next.records).collect())
            }
            QueryType::A | QueryType::Aaaa | QueryType::Cname => Answer::found(vec![alias]),
            _ => Answer::no_data(),
        }
    }
}

/// The longest chain of names that stand for names (CoreDNS, `plugin/backend_lookup.go`).
const MOST_ALIASES: usize = 7;
