//! MetalLB's own objects since 0.13: `IPAddressPool` and `L2Advertisement`, as `metallb.io/v1beta1` has them.

use netscene_core::kube::{AddressRange, IpAddressPool, L2Advertisement, Object, ServiceAllocation};

use super::fields::{Fields, text};
use super::meta::Meta;
use super::policy::selectors;
use super::workload::unmodelled;
use crate::{Code, Diagnostic, Span};

/// Where MetalLB's own manifest and chart put it. It reads the objects of its own namespace alone.
const NAMESPACE: &str = "metallb-system";

/// An `IPAddressPool`.
pub(super) fn ip_address_pool(object: &Fields<'_>, meta: &Meta<'_>, head: Span) -> Option<Object> {
    elsewhere(object, meta, head);
    object.required("spec")?;
    let spec = object.fields("spec")?;
    spec.required("addresses");
    let before = spec.faults.count();
    let addresses = spec.list("addresses").iter().filter_map(|node| {
        let range = text(node, "addresses", spec.faults)?;
        if range.contains(':') {
            unmodelled(spec.faults, node.span, "IPv6");
            return None;
        }
        super::fields::parsed::<AddressRange>(node, "addresses", "range of addresses", spec.faults)
    });
    let addresses: Vec<_> = addresses.collect();
    let service_allocation = spec.fields("serviceAllocation").map(|allocation| {
        let names = allocation.list("namespaces").iter().filter_map(|node| text(node, "namespaces", allocation.faults));
        let read = ServiceAllocation {
            namespaces: names.map(str::to_owned).collect(),
            priority: allocation.parsed("priority", "number").unwrap_or_default(),
            namespace_selectors: selectors(&allocation, "namespaceSelectors"),
            service_selectors: selectors(&allocation, "serviceSelectors"),
        };
        allocation.finish(&[]);
        read
    });
    let pool = IpAddressPool {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        labels: meta.labels.clone(),
        auto_assign: spec.truth("autoAssign").unwrap_or(true),
        avoid_buggy_ips: spec.truth("avoidBuggyIPs").unwrap_or_default(),
        service_allocation,
        addresses,
    };
    spec.finish(&[]);
    // Of a pool with IPv6 alone there is nothing to declare; of one with a fault that is told already, neither.
    let nothing = pool.addresses.is_empty() && before != object.faults.count();
    (!nothing).then_some(Object::IpAddressPool(pool))
}

/// An `L2Advertisement`.
pub(super) fn l2_advertisement(object: &Fields<'_>, meta: &Meta<'_>, head: Span) -> Object {
    elsewhere(object, meta, head);
    let mut advertisement = L2Advertisement {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        labels: meta.labels.clone(),
        ..L2Advertisement::default()
    };
    // One that says nothing is for all pools and all nodes.
    let Some(spec) = object.fields("spec") else { return Object::L2Advertisement(advertisement) };
    let names = spec.list("ipAddressPools").iter().filter_map(|node| text(node, "ipAddressPools", spec.faults));
    advertisement.ip_address_pools = names.map(str::to_owned).collect();
    advertisement.ip_address_pool_selectors = selectors(&spec, "ipAddressPoolSelectors");
    advertisement.node_selectors = selectors(&spec, "nodeSelectors");
    advertisement.interfaces = spec.parsed_list("interfaces", "device");
    for field in ["serviceSelectors", "preferredNodeSelectors"] {
        if let Some(node) = spec.get(field) {
            let diagnostic = Diagnostic::error(Code::NotModelled, format!("`{field}` is not modelled"));
            spec.faults.tell(diagnostic.at(node.span, "who announces would hang on it: leave it out"));
        }
    }
    spec.finish(&[]);
    Object::L2Advertisement(advertisement)
}

fn elsewhere(object: &Fields<'_>, meta: &Meta<'_>, head: Span) {
    if meta.namespace != NAMESPACE {
        let title = format!("MetalLB reads this only if it runs in the namespace {}", meta.namespace);
        let diagnostic = Diagnostic::error(Code::NoEffect, title).warning();
        object.faults.tell(diagnostic.at(head, format!("usually it runs in {NAMESPACE}")));
    }
}
