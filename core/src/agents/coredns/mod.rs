//! CoreDNS and the resolver in a pod: what a name of the cluster stands for, and which names a program's name becomes.
//!
//! The server is configured as kubeadm does it: the `kubernetes` plugin for the cluster's domain and reverse names, with
//! `pods insecure` and `ttl 30`; everything else is [forwarded](Answer::is_foreign) to the machines' name server, if there is
//! one.

mod external_name;
mod places;
mod resolver;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::kube::endpoints::named;
use crate::kube::{Endpoint, Holder, PodRecords, Service, ServicePort, State};

use places::Place;
pub use resolver::{Asker, ResolvConf, resolv_conf};

/// kubeadm's `ttl 30`, in seconds.
pub const TTL: u32 = 30;
/// The version of the specification of names that the plugin keeps to, as it says itself.
const DNS_VERSION: &str = "1.1.0";
/// How long it says so, in seconds.
const DNS_VERSION_TTL: u32 = 28800;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QueryType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses, of which this world has none.
    Aaaa,
    /// The ports of a service.
    Srv,
    /// The name of an address.
    Ptr,
    /// The zone's start of authority.
    Soa,
    /// The zone's name server.
    Ns,
    /// Text.
    Txt,
    /// The name that this one stands for.
    Cname,
    /// Any other type: nothing here has one.
    #[serde(skip)]
    Other,
}

impl QueryType {
    /// The types that a scenario can ask for, by their names (IANA, "DNS Parameters").
    pub const NAMED: [(&'static str, Self); 8] = [
        ("A", Self::A),
        ("AAAA", Self::Aaaa),
        ("SRV", Self::Srv),
        ("PTR", Self::Ptr),
        ("SOA", Self::Soa),
        ("NS", Self::Ns),
        ("TXT", Self::Txt),
        ("CNAME", Self::Cname),
    ];
}

impl fmt::Display for QueryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMED.iter().find(|(_, kind)| kind == self);
        f.write_str(name.map_or("another type", |(name, _)| name))
    }
}

/// The code of an answer (RFC 1035, RCODE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// The name exists; whether it has what was asked for is another matter.
    NoError,
    /// No such name.
    NxDomain,
    /// Nobody could be asked.
    ServFail,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is: in an answer, the name as it was asked for. Ends with a dot.
    pub name: String,
    /// Seconds that it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}

/// What a record says. Names end with a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// An address.
    A(Ipv4Addr),
    /// The name that this one stands for.
    Cname(String),
    /// A name.
    Ptr(String),
    /// A port at a name.
    Srv {
        /// The lowest is used first.
        priority: u16,
        /// The share among equals.
        weight: u16,
        /// The port.
        port: u16,
        /// The name.
        target: String,
    },
    /// A name server.
    Ns(String),
    /// Text.
    Txt(String),
    /// The start of authority.
    Soa {
        /// The first name server.
        server: String,
        /// Who is responsible.
        mailbox: String,
        /// Changes with the zone.
        serial: u32,
        /// Seconds between refreshes, between retries, to expiry, and of "no such name".
        times: [u32; 4],
    },
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The code.
    pub code: ResponseCode,
    /// The records asked for.
    pub records: Vec<Record>,
    /// Records that the asker will need next.
    pub additional: Vec<Record>,
    /// Whether the zone's SOA stands in the authority section: it does when there is nothing of what was asked for.
    pub authority_soa: bool,
}

impl Answer {
    /// Whether the name is none of the cluster's, so that another server has to answer.
    pub fn is_foreign(&self) -> bool {
        self.code == ResponseCode::ServFail
    }

    fn found(records: Vec<Record>) -> Self {
        Self { code: ResponseCode::NoError, records, additional: Vec::new(), authority_soa: false }
    }

    /// The name exists, but nothing of the type asked for.
    fn no_data() -> Self {
        Self { authority_soa: true, ..Self::found(Vec::new()) }
    }

    fn no_name() -> Self {
        Self { code: ResponseCode::NxDomain, ..Self::no_data() }
    }

    /// What the `forward` plugin answers when nobody does.
    fn no_upstream() -> Self {
        Self { code: ResponseCode::ServFail, ..Self::found(Vec::new()) }
    }

    fn no_data_if(exists: bool) -> Self {
        if exists { Self::no_data() } else { Self::no_name() }
    }
}

/// Answers a query for `name`, with or without a dot at its end.
pub fn lookup(state: &State, pods: PodRecords, name: &str, query: QueryType) -> Answer {
    Question::new(state, pods, name, query, 0).answer()
}

/// The start of authority of the cluster's zone, for the authority section.
pub fn soa(state: &State) -> Record {
    let zone = &state.cluster().domain;
    let data = RecordData::Soa {
        server: format!("ns.dns.{zone}."),
        mailbox: format!("hostmaster.{zone}."),
        serial: 1,
        times: [7200, 1800, 86400, TTL],
    };
    Record { name: format!("{zone}."), ttl: TTL, data }
}

/// The address that a name below `in-addr.arpa` stands for.
fn reverse_address(name: &str) -> Option<Ipv4Addr> {
    let octets: Vec<_> = name.strip_suffix(".in-addr.arpa")?.rsplit('.').collect();
    octets.join(".").parse().ok()
}

/// `a-b-c-d`, as names of pods and endpoints have addresses.
fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}

/// What an endpoint is called under its service (`endpointHostname`): with a name of its own it has no other.
fn endpoint_name(endpoint: &Endpoint) -> String {
    endpoint.hostname.as_deref().map_or_else(|| dashed(endpoint.address), str::to_owned)
}

fn undashed(label: &str) -> Option<Ipv4Addr> {
    label.replace('-', ".").parse().ok()
}

struct Question<'a> {
    state: &'a State,
    zone: &'a str,
    query: QueryType,
    /// The name as it was asked for, with a dot at its end.
    owner: String,
    /// How many names have led here.
    depth: usize,
    pods: PodRecords,
}

impl<'a> Question<'a> {
    fn new(state: &'a State, pods: PodRecords, name: &str, query: QueryType, depth: usize) -> Self {
        let owner = format!("{}.", name.trim_end_matches('.'));
        Self { state, zone: &state.cluster().domain, query, owner, depth, pods }
    }

    fn answer(&self) -> Answer {
        let asked = self.owner.trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = reverse_address(&asked) {
            return self.reverse(address);
        }
        if asked == *self.zone {
            return self.zone_itself();
        }
        match asked.strip_suffix(self.zone).and_then(|rest| rest.strip_suffix('.')) {
            Some(inside) => self.inside(&inside.split('.').collect::<Vec<_>>()),
            None => Answer::no_upstream(),
        }
    }

    fn record(&self, data: RecordData) -> Record {
        Record { name: self.owner.clone(), ttl: TTL, data }
    }

    /// An answer of one address to those who ask for IPv4.
    fn address(&self, address: Ipv4Addr) -> Answer {
        match self.query {
            QueryType::A => Answer::found(vec![self.record(RecordData::A(address))]),
            _ => Answer::no_data(),
        }
    }

    fn zone_itself(&self) -> Answer {
        match self.query {
            QueryType::Soa => Answer::found(vec![Record { name: self.owner.clone(), ..soa(self.state) }]),
            QueryType::Ns => {
                let server = format!("ns.dns.{}.", self.zone);
                let address = dns_address(self.state).map(RecordData::A);
                let additional = address.map(|data| Record { name: server.clone(), ttl: TTL, data });
                let answer = Answer::found(vec![self.record(RecordData::Ns(server))]);
                Answer { additional: additional.into_iter().collect(), ..answer }
            }
            _ => Answer::no_data(),
        }
    }

    /// Answers for the labels in front of the zone.
    fn inside(&self, labels: &[&str]) -> Answer {
        let has = |namespace: &str| self.state.has_namespace(namespace);
        match labels {
            ["svc" | "pod"] => Answer::no_data(),
            [namespace, "svc" | "pod"] => Answer::no_data_if(has(namespace)),
            ["dns-version"] => match self.query {
                QueryType::Txt => {
                    let record = self.record(RecordData::Txt(DNS_VERSION.into()));
                    Answer::found(vec![Record { ttl: DNS_VERSION_TTL, ..record }])
                }
                _ => Answer::no_data(),
            },
            ["ns", "dns"] => dns_address(self.state).map_or_else(Answer::no_name, |address| self.address(address)),
            [pod, namespace, "pod"] => match undashed(pod) {
                Some(address) if has(namespace) && self.is_known(address, namespace) => self.address(address),
                _ => Answer::no_name(),
            },
            [rest @ .., service, namespace, "svc"] => match self.state.service(&format!("{namespace}/{service}")) {
                Some(service) => self.service(&service.object, rest),
                None => Answer::no_name(),
            },
            _ => Answer::no_name(),
        }
    }

    /// Whether an address has a name as a pod of the namespace. `pods insecure`: nobody asks whether there is such a pod.
    fn is_known(&self, address: Ipv4Addr, namespace: &str) -> bool {
        match self.pods {
            PodRecords::Insecure => true,
            PodRecords::Verified => self.state.pod_at(address).is_some_and(|pod| *pod.namespace == *namespace),
            PodRecords::Disabled => false,
        }
    }

    /// Answers for a service, or for the labels in front of its name.
    fn service(&self, service: &Service, rest: &[&str]) -> Answer {
        if let Some(target) = &service.external_name {
            return match rest {
                // What stands for a port says nothing of a service that has none.
                [] | [_, _] => self.external_name(target),
                _ => Answer::no_name(),
            };
        }
        let all: Vec<_> = service.ports.iter().collect();
        match rest {
            [] => self.told_of(&self.places(service, &all)),
            [endpoint] => {
                let is_meant = |one: &Endpoint| endpoint_name(one).eq_ignore_ascii_case(endpoint);
                self.told_of(&self.endpoint_places(service, &all, is_meant))
            }
            [port, protocol] => {
                let (port, protocol) = (port.trim_start_matches('_'), protocol.trim_start_matches('_'));
                let is_meant = |p: &&ServicePort| p.name.as_deref() == Some(port) && p.protocol.lower() == protocol;
                match service.ports.iter().filter(is_meant).collect::<Vec<_>>()[..] {
                    [] => Answer::no_name(),
                    ref ports => self.told_of(&self.places(service, ports)),
                }
            }
            _ => Answer::no_name(),
        }
    }

    /// Where some of a service's ports are: at its address, or at the ready endpoints of a headless one.
    ///
    /// Endpoints are in their order, before the plugin `loadbalance` shuffles them.
    fn places(&self, service: &Service, ports: &[&ServicePort]) -> Vec<Place> {
        match service.cluster_ip {
            Some(address) => self.own_places(service, address, ports),
            None => self.endpoint_places(service, ports, |_| true),
        }
    }

    /// The names of an address: the service whose `clusterIP` it is, or the services that have it for an endpoint.
    fn reverse(&self, address: Ipv4Addr) -> Answer {
        let mut names = Vec::new();
        if let Some(Holder::ClusterIp(key)) = self.state.holder(address) {
            names.extend(self.state.service(key).map(|service| self.name_of(&service.object)));
        } else {
            for service in self.state.services().map(|service| &service.object) {
                if let Some(one) = named(self.state, service).iter().find(|one| one.address == address) {
                    names.push(format!("{}.{}", endpoint_name(one), self.name_of(service)));
                }
            }
        }
        if names.is_empty() {
            // It falls through to the server that CoreDNS forwards to. Whichever that is, it answers by itself for the
            // addresses of private networks (RFC 6303).
            return if address.is_private() { Answer::no_name() } else { Answer::no_upstream() };
        }
        match self.query {
            QueryType::Ptr => Answer::found(names.into_iter().map(|name| self.record(RecordData::Ptr(name))).collect()),
            _ => Answer::no_data(),
        }
    }

    fn name_of(&self, service: &Service) -> String {
        format!("{}.{}.svc.{}.", service.name, service.namespace, self.zone)
    }
}

/// The address of the cluster's DNS service.
fn dns_address(state: &State) -> Option<Ipv4Addr> {
    state.service("kube-system/kube-dns")?.object.cluster_ip
}
