//! MetalLB's own objects since 0.13: which addresses services may get, and who announces them (`metallb.io/v1beta1`,
//! `api/v1beta1/ipaddresspool_types.go` and `l2advertisement_types.go`).

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{LabelSelector, Labels, Pool, Service, State, Version};
use crate::Origin;
use crate::packet::DeviceName;

/// The first release that reads these objects. Until 0.12 a config map said it.
pub const CUSTOM_RESOURCES: Version = Version::new(0, 13, 0);

/// An `IPAddressPool`: addresses that MetalLB gives services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpAddressPool {
    /// Its namespace: that of MetalLB, which reads no other.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels, by which an [`L2Advertisement`] may select it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `addresses`, in the order in which services get them.
    pub addresses: Vec<AddressRange>,
    /// `autoAssign`: whether services get an address of it without asking for it.
    #[serde(default = "super::objects::yes", skip_serializing_if = "super::objects::is_yes")]
    pub auto_assign: bool,
    /// `avoidBuggyIPs`: addresses that end in .0 or .255 are given to nobody.
    #[serde(default, rename = "avoidBuggyIPs", skip_serializing_if = "super::is_default")]
    pub avoid_buggy_ips: bool,
    /// `serviceAllocation`: whose it is. Everybody's where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_allocation: Option<ServiceAllocation>,
}

/// `serviceAllocation` of a pool: services that it is for. They are served by such a pool before any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceAllocation {
    /// `priority`: the pool with the lowest number comes first, one with 0 last.
    #[serde(skip_serializing_if = "super::is_default")]
    pub priority: u32,
    /// `namespaces`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// `namespaceSelectors`: namespaces that one of them selects are as good as named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespace_selectors: Vec<LabelSelector>,
    /// `serviceSelectors`: one of them has to select the service, if there is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_selectors: Vec<LabelSelector>,
}

/// An `L2Advertisement`: whose addresses which nodes answer ARP for. A pool for which there is none gives addresses that
/// nobody announces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct L2Advertisement {
    /// Its namespace: that of MetalLB, which reads no other.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// `ipAddressPools`: pools by name. Where these and `ipAddressPoolSelectors` are empty, all.
    #[serde(rename = "ipAddressPools", skip_serializing_if = "Vec::is_empty")]
    pub ip_address_pools: Vec<String>,
    /// `ipAddressPoolSelectors`: pools by label.
    #[serde(rename = "ipAddressPoolSelectors", skip_serializing_if = "Vec::is_empty")]
    pub ip_address_pool_selectors: Vec<LabelSelector>,
    /// `nodeSelectors`: the nodes that one of them selects; all where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_selectors: Vec<LabelSelector>,
    /// `interfaces`: the devices by which a node answers; all where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<DeviceName>,
}

impl L2Advertisement {
    /// Whether it is for a pool.
    pub fn selects(&self, pool: &IpAddressPool) -> bool {
        let all = self.ip_address_pools.is_empty() && self.ip_address_pool_selectors.is_empty();
        all || self.ip_address_pools.contains(&pool.name)
            || self.ip_address_pool_selectors.iter().any(|selector| selector.selects(&pool.labels))
    }

    /// Whether a node with these labels is one that announces by it.
    pub fn is_for_node(&self, labels: &Labels) -> bool {
        self.node_selectors.is_empty() || self.node_selectors.iter().any(|selector| selector.selects(labels))
    }
}

/// One of a pool's `addresses`: a CIDR, or the first and the last.
///
/// ```
/// use netscene_core::kube::AddressRange;
/// let range: AddressRange = "10.1.110.105-10.1.110.106".parse()?;
/// assert_eq!(range.last.octets(), [10, 1, 110, 106]);
/// let network: AddressRange = "10.1.111.0/28".parse()?;
/// assert_eq!(network.last.octets(), [10, 1, 111, 15], "a service may have a network's last address");
/// assert_eq!(network.to_string(), "10.1.111.0/28");
/// assert!("10.1.111.9-10.1.111.1".parse::<AddressRange>().is_err());
/// # Ok::<(), netscene_core::kube::AddressRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest.
    pub last: Ipv4Addr,
    /// Whether it was given as a CIDR.
    cidr: bool,
}

/// Why a text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRangeError {
    /// It has another form.
    #[error("expected a CIDR, or two addresses as in 10.0.0.1-10.0.0.9")]
    Malformed,
    /// `start IP … is after the end IP …`
    #[error("{0} is after {1}")]
    Backwards(Ipv4Addr, Ipv4Addr),
}

impl AddressRange {
    /// Whether `address` is in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.first <= address && address <= self.last
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first.to_bits()..=self.last.to_bits()).map(Ipv4Addr::from_bits)
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((first, last)) = text.split_once('-') else {
            let net: Ipv4Net = text.parse().map_err(|_| AddressRangeError::Malformed)?;
            return Ok(Self { first: net.network(), last: net.broadcast(), cidr: true });
        };
        let address = |text: &str| text.trim().parse().map_err(|_| AddressRangeError::Malformed);
        let (first, last) = (address(first)?, address(last)?);
        if first > last {
            return Err(AddressRangeError::Backwards(first, last));
        }
        Ok(Self { first, last, cidr: false })
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl From<&Pool> for AddressRange {
    fn from(pool: &Pool) -> Self {
        Self { first: pool.first, last: pool.last, cidr: pool.network.is_some() }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cidr {
            // Of a network as many bits of the first and the last address are the same as it has in its mask.
            let prefix = (self.first.to_bits() ^ self.last.to_bits()).leading_zeros();
            return write!(f, "{}/{prefix}", self.first);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// What MetalLB gives services addresses from, however it was declared: a scenario's `pool … for LoadBalancer`, which all
/// nodes announce, or an [`IpAddressPool`].
#[derive(Clone, Debug)]
pub struct AddressPool<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its addresses.
    pub ranges: Vec<AddressRange>,
    /// Whether services get an address of it without asking for it.
    pub auto_assign: bool,
    /// The object, where it is one of MetalLB's own.
    pub object: Option<&'a IpAddressPool>,
    /// Where it was declared.
    pub origin: Option<&'a Origin>,
}

impl AddressPool<'_> {
    /// Whether `address` is one that it may give.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let confuses = matches!(address.octets()[3], 0 | 255);
        self.ranges.iter().any(|range| range.contains(address))
            && !(confuses && self.object.is_some_and(|pool| pool.avoid_buggy_ips))
    }

    /// Every address that it may give, in MetalLB's order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.ranges.iter().flat_map(|range| range.addresses()).filter(|address| self.contains(*address))
    }

    fn allocation(&self) -> Option<&ServiceAllocation> {
        self.object?.service_allocation.as_ref()
    }

    /// Its ranges, as a pool's `addresses` have them.
    pub fn shown(&self) -> String {
        self.ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl State {
    /// MetalLB's pools, in the order of their declaration: first those of scenarios, then those of MetalLB's own kind.
    pub fn address_pools(&self) -> impl Iterator<Item = AddressPool<'_>> {
        let plain = self.pools_for(super::PoolPurpose::LoadBalancer).map(|declared| AddressPool {
            name: &declared.object.name,
            ranges: vec![(&declared.object).into()],
            auto_assign: declared.object.auto_assign,
            object: None,
            origin: declared.origin.as_ref(),
        });
        let own = self.ip_address_pools().map(|declared| AddressPool {
            name: &declared.object.name,
            ranges: declared.object.addresses.clone(),
            auto_assign: declared.object.auto_assign,
            object: Some(&declared.object),
            origin: declared.origin.as_ref(),
        });
        plain.chain(own)
    }

    /// The pool that `address` is of.
    pub fn address_pool_of(&self, address: Ipv4Addr) -> Option<AddressPool<'_>> {
        self.address_pools().find(|pool| pool.contains(address))
    }

    /// Whether a pool may serve a service (`isPoolCompatibleWithService`).
    pub fn may_serve(&self, pool: &AddressPool<'_>, service: &Service) -> bool {
        let Some(allocation) = pool.allocation() else { return true };
        let namespaces = self.allocated_namespaces(allocation);
        let selectors = &allocation.service_selectors;
        (namespaces.is_empty() || namespaces.contains(&service.namespace.as_str()))
            && (selectors.is_empty() || selectors.iter().any(|selector| selector.selects(&service.labels)))
    }

    /// The pools that a service which asks for none may get an address from, in the order in which they are tried: those
    /// that are for it, by priority, then those that are for nobody in particular (`Allocate`, `pinnedPoolsForService`).
    pub(super) fn pools_to_try(&self, service: &Service) -> Vec<AddressPool<'_>> {
        let mut pinned: Vec<_> =
            self.address_pools().filter(|pool| pool.auto_assign && self.is_pinned(pool, service)).collect();
        // Without a priority: behind all others.
        pinned.sort_by_key(|pool| match pool.allocation().map_or(0, |allocation| allocation.priority) {
            0 => u32::MAX,
            given => given,
        });
        pinned.extend(self.address_pools().filter(|pool| pool.auto_assign && pool.allocation().is_none()));
        pinned
    }

    fn is_pinned(&self, pool: &AddressPool<'_>, service: &Service) -> bool {
        pool.allocation().is_some_and(|allocation| {
            let ServiceAllocation { namespaces, namespace_selectors, service_selectors, .. } = allocation;
            // One whose selectors select no namespace at all is tried for nobody, and yet given to who asks for it.
            let for_all = namespaces.is_empty() && namespace_selectors.is_empty();
            let named = !self.allocated_namespaces(allocation).is_empty();
            (for_all || named || !service_selectors.is_empty()) && self.may_serve(pool, service)
        })
    }

    fn allocated_namespaces<'a>(&'a self, allocation: &'a ServiceAllocation) -> Vec<&'a str> {
        let selected = |name: &&str| {
            let labels = self.namespace_labels(name);
            allocation.namespace_selectors.iter().any(|selector| selector.selects(&labels))
        };
        let named = allocation.namespaces.iter().map(String::as_str);
        named.chain(self.namespaces().filter(selected)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::{declare, plain_service};
    use super::super::{Cluster, Object, ObjectKind, ServiceType};
    use super::*;

    fn state() -> State {
        let mut state = State::new(0);
        declare(&mut state, Object::Cluster(Cluster { metallb: Version::new(0, 14, 0), ..Cluster::default() }));
        state
    }

    fn pool(name: &str, addresses: &[&str]) -> IpAddressPool {
        IpAddressPool {
            namespace: "metallb-system".into(),
            name: name.into(),
            labels: Labels::default(),
            addresses: addresses.iter().map(|range| range.parse().unwrap()).collect(),
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }
    }

    fn allocated(name: &str, addresses: &[&str], allocation: ServiceAllocation) -> Object {
        Object::IpAddressPool(IpAddressPool { service_allocation: Some(allocation), ..pool(name, addresses) })
    }

    fn balancer(state: &mut State, key: &str, annotations: &[(&str, &str)]) -> Option<String> {
        let plain = plain_service(key, "app=x", 80);
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let labels = Labels::from_iter([("tier".to_owned(), "web".to_owned())]);
        declare(state, Object::Service(Service { kind: ServiceType::LoadBalancer, annotations, labels, ..plain }));
        state.service(key).unwrap().object.load_balancer_ip.map(|address| address.to_string())
    }

    #[test]
    fn ranges_are_given_in_their_order_and_buggy_addresses_to_nobody() {
        let mut state = state();
        let plain = pool("p", &["10.2.0.255-10.2.1.1", "10.1.0.0/31"]);
        declare(&mut state, Object::IpAddressPool(IpAddressPool { avoid_buggy_ips: true, ..plain }));
        let found = ["default/a", "default/b", "default/c"].map(|key| balancer(&mut state, key, &[]));
        assert_eq!(found, [Some("10.2.1.1".into()), Some("10.1.0.1".into()), None]);
    }

    #[test]
    fn a_pool_for_a_service_comes_before_the_others_by_priority() {
        let mut state = state();
        declare(&mut state, Object::IpAddressPool(pool("all", &["10.1.0.1/32"])));
        let namespaces = |priority, names: &[&str]| ServiceAllocation {
            priority,
            namespaces: names.iter().map(|name| (*name).to_owned()).collect(),
            ..ServiceAllocation::default()
        };
        declare(&mut state, allocated("last", &["10.1.0.2/32"], namespaces(0, &["shop"])));
        declare(&mut state, allocated("later", &["10.1.0.3/32"], namespaces(20, &["shop"])));
        declare(&mut state, allocated("first", &["10.1.0.4/32"], namespaces(10, &["shop", "other"])));
        declare(&mut state, allocated("strangers", &["10.1.0.5/32"], namespaces(1, &["stranger"])));
        let found = ["shop/a", "shop/b", "shop/c", "shop/d", "shop/e"].map(|key| balancer(&mut state, key, &[]));
        let expected = ["10.1.0.4", "10.1.0.3", "10.1.0.2", "10.1.0.1"].map(|text| Some(text.to_owned()));
        assert_eq!(found[..4], expected);
        assert_eq!(found[4], None, "a pool of others serves nobody else");
        let asks = [("metallb.io/address-pool", "strangers")];
        assert_eq!(balancer(&mut state, "shop/f", &asks), None, "not even who asks for it");
        assert_eq!(balancer(&mut state, "stranger/g", &asks).as_deref(), Some("10.1.0.5"));
    }

    #[test]
    fn namespaces_and_services_are_selected_by_their_labels() {
        let mut state = state();
        let selector = |key: &str, value: &str| LabelSelector {
            match_labels: Labels::from_iter([(key.to_owned(), value.to_owned())]),
            ..LabelSelector::default()
        };
        let by_namespace =
            ServiceAllocation { namespace_selectors: vec![selector("team", "blue")], ..ServiceAllocation::default() };
        declare(&mut state, allocated("blue", &["10.1.0.1/32"], by_namespace));
        assert_eq!(balancer(&mut state, "shop/a", &[]), None);
        let labels = Labels::from_iter([("team".to_owned(), "blue".to_owned())]);
        declare(&mut state, Object::Namespace { name: "shop".into(), labels });
        let address = |state: &State| state.service("shop/a").unwrap().object.load_balancer_ip;
        assert_eq!(address(&state), Some([10, 1, 0, 1].into()), "who waits is served when his namespace is selected");
        let by_service =
            ServiceAllocation { service_selectors: vec![selector("tier", "web")], ..ServiceAllocation::default() };
        declare(&mut state, allocated("web", &["10.1.0.2/32"], by_service));
        assert_eq!(balancer(&mut state, "other/b", &[]).as_deref(), Some("10.1.0.2"));
        state.delete(ObjectKind::Service, "other/b").unwrap();
        state.delete(ObjectKind::IpAddressPool, "metallb-system/web").unwrap();
        assert_eq!(balancer(&mut state, "other/c", &[]), None);
    }

    #[test]
    fn what_metallb_cannot_do_is_refused() {
        let problem = |state: &State, object: Object| state.clone().declare(object, None).unwrap_err().problem;
        let old = State::new(0);
        let text = problem(&old, Object::IpAddressPool(pool("p", &["10.1.0.0/30"])));
        assert_eq!(text, "MetalLB 0.8 knows no IPAddressPool");
        let mut state = state();
        let plain = super::super::validate::tests::pool;
        let for_services = super::super::PoolPurpose::LoadBalancer;
        declare(&mut state, plain("front", "10.1.0.1", "10.1.0.3", for_services));
        let text = problem(&state, Object::IpAddressPool(pool("front", &["10.2.0.0/30"])));
        assert_eq!(text, "there is a pool front already");
        let text = problem(&state, Object::IpAddressPool(pool("back", &["10.1.0.3-10.1.0.9"])));
        assert_eq!(text, "pool back overlaps with pool front");
        declare(&mut state, Object::IpAddressPool(pool("back", &["10.2.0.0/30"])));
        assert_eq!(
            problem(&state, plain("back", "10.3.0.1", "10.3.0.3", for_services)),
            "there is a pool back already"
        );
        let asks = Labels::from_iter([("metallb.io/address-pool".to_owned(), "front".to_owned())]);
        let service = Service {
            kind: ServiceType::LoadBalancer,
            annotations: asks,
            load_balancer_ip: Some([10, 2, 0, 1].into()),
            ..plain_service("default/a", "app=x", 80)
        };
        assert!(
            problem(&state, Object::Service(service)).contains("is not compatible with the requested address pool")
        );
    }

    #[test]
    fn a_zone_may_be_given_as_a_label() {
        let mut state = state();
        let labels = Labels::from_iter([(super::super::ZONE_LABEL.to_owned(), "z1".to_owned())]);
        let node = super::super::Node { labels, ..super::super::Node::new("a", [10, 0, 0, 1]) };
        declare(&mut state, Object::Node(node));
        let node = &state.node("a").unwrap().object;
        assert_eq!((node.zone.as_deref(), node.labels.len()), (Some("z1"), 0));
        assert_eq!(node.all_labels()[super::super::ZONE_LABEL], "z1");
    }

    #[test]
    fn an_advertisement_is_for_pools_by_name_or_label_or_for_all() {
        let mut web = pool("web", &["10.1.0.1/32"]);
        web.labels = Labels::from_iter([("tier".to_owned(), "web".to_owned())]);
        let named = |name: &str| L2Advertisement { ip_address_pools: vec![name.into()], ..L2Advertisement::default() };
        assert!(L2Advertisement::default().selects(&web));
        assert!(named("web").selects(&web) && !named("db").selects(&web));
        let selector = LabelSelector { match_labels: web.labels.clone(), ..LabelSelector::default() };
        let by_label = L2Advertisement { ip_address_pool_selectors: vec![selector], ..named("db") };
        assert!(by_label.selects(&web), "either is enough");
        assert!(!by_label.selects(&pool("plain", &["10.1.0.2/32"])));
    }
}
