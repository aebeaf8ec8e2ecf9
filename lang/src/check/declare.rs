//! Declarations at the top of a file: the cluster, pools and machines.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netscene_core::kube::{AddressRange, Bgp, Cluster, Host, Node, Object, Overlay, Pool, PoolPurpose, StaticRoute};
use netscene_core::packet::DeviceName;
use netscene_core::world::Op;

use super::routers::Links;
use super::{Checker, values};
use crate::ast::{Block, Clause, Range, Statement, StatementKind, Text};
use crate::suggest::{a, list};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Span, Word};

/// What pools and CIDRs are known when addresses are checked.
pub(super) struct Ranges {
    pub(super) pools: Vec<(Pool, Span)>,
    /// What MetalLB's own pools in manifests give.
    pub(super) address_pools: Vec<AddressRange>,
    /// The service CIDR, and where it is given.
    pub(super) services: Option<(Ipv4Net, Span)>,
    /// The first and the last port that may be a node port.
    pub(super) node_ports: (u16, u16),
}

impl Default for Ranges {
    fn default() -> Self {
        let node_ports = Cluster::default().node_port_range;
        Self { pools: Vec::new(), address_pools: Vec::new(), services: None, node_ports }
    }
}

/// A field that can be given once.
pub(super) struct Field<T> {
    pub(super) value: Option<T>,
    span: Option<Span>,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self { value: None, span: None }
    }
}

impl<T> Field<T> {
    /// Gives it `value`; a second time is reported. Of a faulty value only that it was given is kept.
    pub(super) fn set(&mut self, checker: &mut Checker<'_>, what: &str, span: Span, value: Option<T>) {
        if let Some(first) = self.span {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{what}` is given twice"));
            checker.report(diagnostic.at(span, "given again here").see(first, "first given here"));
        } else {
            self.span = Some(span);
            self.value = value;
        }
    }

    /// Whether it was given, rightly or wrongly.
    pub(super) fn given(&self) -> bool {
        self.span.is_some()
    }
}

impl Checker<'_> {
    /// Pools and the service CIDR come first, because addresses anywhere are checked against them.
    pub(super) fn ranges(&mut self, statements: &[Statement]) {
        for statement in statements {
            match &statement.kind {
                StatementKind::Pool { name, range, clauses } => {
                    if let Some(pool) = self.pool(name, range, clauses) {
                        self.ranges.pools.push((pool, statement.span));
                    }
                }
                StatementKind::Apply { operations, .. } => {
                    for operation in operations {
                        if let Op::Declare { object: Object::IpAddressPool(pool) } = &operation.op {
                            self.ranges.address_pools.extend(&pool.addresses);
                        }
                    }
                }
                StatementKind::Cluster { body, .. } => {
                    for field in &body.statements {
                        if let StatementKind::ServiceCidr(cidr) = &field.kind
                            && let Ok(cidr) = values::cidr(cidr)
                        {
                            self.ranges.services = Some((cidr, field.span));
                        }
                        if let StatementKind::NodePortRange(first, last) = &field.kind
                            && let (Ok(first), Ok(last)) = (first.text.parse(), last.text.parse())
                            && first <= last
                        {
                            self.ranges.node_ports = (first, last);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn cluster(&mut self, name: &Text, body: &Block) -> Object {
        let mut pod_cidr = Field::default();
        let (mut service_cidr, mut overlay, mut mtu, mut domain) =
            (Field::default(), Field::default(), Field::default(), Field::default());
        let (mut kube_proxy, mut node_port_range, mut bgp) = (Field::default(), Field::default(), Field::default());
        let (mut nameservers, mut searches) = (Field::default(), Field::default());
        let mut versions: [(Word, Field<_>); 5] =
            [Word::Calico, Word::Metallb, Word::Kubectl, Word::Iptables, Word::Kernel]
                .map(|word| (word, Field::default()));
        let mut block_size = 26;
        for field in &body.statements {
            let span = field.span;
            match &field.kind {
                StatementKind::PodCidr { cidr, blocks } => {
                    let value = self.ok(values::cidr(cidr));
                    pod_cidr.set(self, "podCIDR", span, value);
                    if let Some(blocks) = blocks {
                        block_size = self.block_size(blocks, value).unwrap_or(block_size);
                    }
                }
                StatementKind::ServiceCidr(cidr) => {
                    let value = self.ok(values::cidr(cidr));
                    service_cidr.set(self, "serviceCIDR", span, value);
                }
                StatementKind::Overlay(mode) => {
                    let choices =
                        [("always", Overlay::Always), ("crossSubnet", Overlay::CrossSubnet), ("never", Overlay::Never)];
                    let value = self.ok(values::choice("mode of IP-in-IP", mode, &choices));
                    overlay.set(self, "overlay", span, value);
                }
                StatementKind::Bgp(what) => {
                    let choices = [("routes", Bgp::Routes), ("packets", Bgp::Packets)];
                    let value = self.ok(values::choice("way to have BGP", what, &choices));
                    bgp.set(self, "bgp", span, value);
                }
                StatementKind::Version { word, version } => {
                    let value = self.ok(values::version(version));
                    if let Some((_, field)) = versions.iter_mut().find(|(of, _)| of == word) {
                        field.set(self, word.text(), span, value);
                    }
                }
                StatementKind::KubeProxy { version, body } => {
                    let value = self.ok(values::version(version));
                    let options = self.kube_proxy_options(body.as_ref());
                    kube_proxy.set(self, "kubeProxy", span, value.map(|version| (version, options)));
                }
                StatementKind::NodePortRange(first, last) => {
                    let value = self.node_port_range(first, last);
                    node_port_range.set(self, "nodePortRange", span, value);
                }
                StatementKind::Mtu(bytes) => {
                    let value = self.ok(values::mtu(bytes));
                    mtu.set(self, "mtu", span, value);
                }
                StatementKind::Nameservers(list) => {
                    let value = self.nameservers(list);
                    nameservers.set(self, "nameservers", span, Some(value));
                }
                StatementKind::Searches(list) => {
                    let value = list.iter().map(|text| text.text.clone()).collect();
                    searches.set(self, "searches", span, Some(value));
                }
                StatementKind::Domain(text) => domain.set(self, "domain", span, Some(text.text.clone())),
                _ => self.misplaced(field, BlockKind::Cluster),
            }
        }
        let default = Cluster::default();
        let (kube_proxy, kube_proxy_options) =
            kube_proxy.value.unwrap_or((default.kube_proxy, default.kube_proxy_options));
        let [calico, metallb, kubectl, iptables, kernel] = versions.map(|(_, field)| field.value);
        let calico = calico.unwrap_or(default.calico);
        let overlay = overlay.value.unwrap_or(default.overlay);
        Object::Cluster(Cluster {
            name: name.text.clone(),
            pod_cidr: pod_cidr.value.unwrap_or(default.pod_cidr),
            block_size,
            service_cidr: service_cidr.value.unwrap_or(default.service_cidr),
            service_cluster_ips: default.service_cluster_ips,
            overlay,
            bgp: bgp.value.unwrap_or(default.bgp),
            kube_proxy,
            kube_proxy_options,
            node_port_range: node_port_range.value.unwrap_or(default.node_port_range),
            calico,
            metallb: metallb.unwrap_or(default.metallb),
            kubectl,
            iptables: iptables.unwrap_or_else(|| Cluster::usual_iptables(kube_proxy)),
            kernel: kernel.unwrap_or(default.kernel),
            mtu: mtu.value.unwrap_or_else(|| Cluster::usual_mtu(calico, overlay)),
            domain: domain.value.unwrap_or(default.domain),
            nameservers: nameservers.value.unwrap_or_default(),
            searches: searches.value.unwrap_or_default(),
        })
    }

    fn block_size(&mut self, text: &Text, cidr: Option<Ipv4Net>) -> Option<u8> {
        let least = cidr.map_or(0, |cidr| cidr.prefix_len());
        let size = text.text.trim_start_matches('/').parse().ok();
        // Calico's own bounds of `blockSize` are 20 and 32.
        let size = size.filter(|size| (20..=32).contains(size) && *size >= least);
        if size.is_none() {
            let title = format!("blocks cannot be of `{}`", text.text);
            let label = format!("expected a length from /{} to /32", least.max(20));
            self.report(Diagnostic::error(Code::BadValue, title).at(text.span, label));
        }
        size
    }

    fn pool(&mut self, name: &Text, range: &Range, clauses: &[Clause]) -> Option<Pool> {
        let mut clauses = self.clauses("pool", clauses, &[Word::Gateway, Word::Mac, Word::For, Word::AutoAssign]);
        let gateway_span = clauses.span(Word::Gateway);
        let gateway = clauses.take(Word::Gateway).and_then(|text| self.ok(values::address(&text.text, text.span)));
        let mac = clauses.take(Word::Mac);
        if let Some(mac) = mac
            && gateway_span.is_none()
        {
            let diagnostic = Diagnostic::error(Code::Missing, "a pool's `mac` is that of its gateway");
            self.report(diagnostic.at(mac.span, "there is no `gateway` in this pool"));
        }
        let gateway_mac = mac.and_then(|text| self.ok(values::mac(text)));
        let purposes = [("LoadBalancer", PoolPurpose::LoadBalancer)];
        let purpose = match clauses.take(Word::For) {
            Some(text) => self.ok(values::choice("purpose of a pool", text, &purposes))?,
            None => PoolPurpose::Machines,
        };
        let auto_assign = match clauses.take(Word::AutoAssign) {
            Some(text) => self.ok(values::choice("truth value", text, &[("true", true), ("false", false)]))?,
            None => true,
        };
        let (network, first, last) = match range {
            Range::Cidr(text) => {
                let cidr = self.ok(values::cidr(text))?;
                (Some(cidr), cidr.network(), cidr.broadcast())
            }
            Range::FromTo(from, to) => {
                let first = self.ok(values::address(&from.text, from.span))?;
                let last = self.ok(values::address(&to.text, to.span))?;
                if last < first {
                    let diagnostic = Diagnostic::error(Code::BadValue, "the pool ends before it begins");
                    self.report(diagnostic.at(to.span, format!("this is less than {first}")));
                    return None;
                }
                (None, first, last)
            }
        };
        if let (Some(gateway), Some(network), Some(span)) = (gateway, network, gateway_span)
            && !network.contains(&gateway)
        {
            let title = format!("the gateway {gateway} is not on the pool's network");
            self.report(Diagnostic::error(Code::OutsidePool, title).at(span, format!("expected one of {network}")));
        }
        Some(Pool { name: name.text.clone(), first, last, network, gateway, gateway_mac, purpose, auto_assign })
    }

    pub(super) fn node(&mut self, name: &Text, clauses: &[Clause], body: Option<&Block>) -> Option<Object> {
        let words = [Word::At, Word::PodCidr, Word::Mac, Word::Device, Word::Hostname, Word::Zone];
        let mut clauses = self.clauses("node", clauses, &words);
        let at = clauses.take(Word::At);
        let pod_cidr = clauses.take(Word::PodCidr).and_then(|text| self.ok(values::cidr(text)));
        let mac = clauses.take(Word::Mac).and_then(|text| self.machine_mac(text));
        let device = clauses.take(Word::Device).and_then(|text| self.ok(values::parsed("device", text)));
        let hostname = clauses.take(Word::Hostname).map_or(&name.text, |text| &text.text).clone();
        let zone = clauses.take(Word::Zone).map(|text| text.text.clone());
        let address = self.machine_address("node", name, at)?;
        let at = at.map_or(name.span, |text| text.span);
        let machines = |pool: &&(Pool, Span)| pool.0.purpose == PoolPurpose::Machines && pool.0.network.is_some();
        let pools: Vec<_> = self.ranges.pools.iter().filter(machines).collect();
        if !pools.is_empty() && !pools.iter().any(|(pool, _)| pool.contains(address)) {
            let title = format!("the address of node `{}` is in no pool of machines", name.text);
            let mut diagnostic = Diagnostic::error(Code::OutsidePool, title).at(at, "outside");
            for (pool, span) in pools {
                diagnostic =
                    diagnostic.see(*span, format!("`{}` goes from {} to {}", pool.name, pool.first, pool.last));
            }
            self.report(diagnostic);
        }
        let device = device.unwrap_or(DeviceName::ETH0);
        let (labels, sysctls, Links { devices, routes, mtu, .. }) = self.node_body(name, device, body);
        let name = name.text.clone();
        Some(Object::Node(Node {
            name,
            hostname,
            address,
            pod_cidr,
            mac,
            device,
            mtu: mtu.value,
            zone,
            labels,
            sysctls,
            devices,
            routes,
        }))
    }

    pub(super) fn host(&mut self, name: &Text, clauses: &[Clause], body: Option<&Block>) -> Option<Object> {
        let mut clauses = self.clauses("host", clauses, &[Word::At, Word::Mac, Word::Gateway]);
        let gateway = clauses.take(Word::Gateway).and_then(|text| self.ok(values::address(&text.text, text.span)));
        let at = clauses.take(Word::At);
        let mac = clauses.take(Word::Mac).and_then(|text| self.machine_mac(text));
        let (containers, Links { mut routes, mtu, .. }) = self.host_containers(name, body);
        routes.extend(gateway.map(|via| StaticRoute { destination: Ipv4Net::default(), via }));
        let address = self.machine_address("host", name, at)?;
        Some(Object::Host(Host { name: name.text.clone(), address, mac, mtu: mtu.value, containers, routes }))
    }

    fn machine_address(&mut self, what: &str, name: &Text, at: Option<&Text>) -> Option<Ipv4Addr> {
        self.machine_name(what, name);
        let Some(at) = at else {
            let diagnostic = Diagnostic::error(Code::Missing, format!("{what} `{}` has no address", name.text));
            self.report(diagnostic.at(name.span, "expected `at ADDRESS` behind the name"));
            return None;
        };
        let address = self.ok(values::address(&at.text, at.span))?;
        self.take_address(address, at.span);
        Some(address)
    }

    /// Notes that an address is given away; twice is reported.
    pub(super) fn take_address(&mut self, address: Ipv4Addr, span: Span) {
        let first = *self.addresses.entry(address).or_insert(span);
        if first != span {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("the address {address} is given twice"));
            self.report(diagnostic.at(span, "given again here").see(first, "first given here"));
        }
    }

    /// Sorts the clauses of a declaration, and reports those that are given twice or do not belong.
    pub(super) fn clauses<'a>(&mut self, what: &str, clauses: &'a [Clause], legal: &[Word]) -> Clauses<'a> {
        let mut sorted: Vec<&Clause> = Vec::new();
        for clause in clauses {
            if !legal.contains(&clause.word) {
                let words = list(legal.iter().map(|word| word.text()), "and");
                let title = format!("`{}` does not belong to {}", clause.word.text(), a(what));
                let hint = format!("{} has: {words}", a(what));
                self.report(Diagnostic::error(Code::Misplaced, title).at(clause.span, "not here").hint(hint));
            } else if let Some(first) = sorted.iter().find(|other| other.word == clause.word) {
                let title = format!("`{}` is given twice", clause.word.text());
                let diagnostic = Diagnostic::error(Code::Duplicate, title).at(clause.span, "given again here");
                self.report(diagnostic.see(first.span, "first given here"));
            } else {
                sorted.push(clause);
            }
        }
        Clauses(sorted)
    }
}

/// The clauses of a declaration, each word once.
pub(super) struct Clauses<'a>(Vec<&'a Clause>);

impl<'a> Clauses<'a> {
    /// The value behind `word`.
    pub(super) fn take(&mut self, word: Word) -> Option<&'a Text> {
        self.0.iter().find(|clause| clause.word == word).map(|clause| &clause.value)
    }

    fn span(&self, word: Word) -> Option<Span> {
        self.0.iter().find(|clause| clause.word == word).map(|clause| clause.span)
    }
}
