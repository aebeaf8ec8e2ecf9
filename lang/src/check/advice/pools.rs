//! Pools that nothing takes an address of.

use std::net::Ipv4Addr;

use netscene_core::kube::{NetworkDevice, Object, PoolPurpose, ServiceType};

use super::Declared;
use crate::{Code, Diagnostic};

pub(super) fn advise(objects: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut machines: Vec<Ipv4Addr> = objects.iter().flat_map(machine).collect();
    machines.sort_unstable();
    let balanced = |declared: &Declared<'_>| matches!(declared.object, Object::Service(service) if service.kind == ServiceType::LoadBalancer);
    let balanced = objects.iter().any(balanced);
    for declared in objects {
        let Object::Pool(pool) = declared.object else { continue };
        let (used, label, hint) = match pool.purpose {
            PoolPurpose::LoadBalancer => (
                balanced,
                "there is no service of type LoadBalancer",
                "write `type LoadBalancer` in a service, or leave the pool out",
            ),
            PoolPurpose::Machines => (
                machines.get(machines.partition_point(|one| *one < pool.first)).is_some_and(|one| pool.contains(*one)),
                "no machine has an address of it",
                "a pool for services is written `for LoadBalancer`",
            ),
        };
        if !used {
            let title = format!("nothing uses pool `{}`", pool.name);
            let diagnostic = Diagnostic::error(Code::UnusedPool, title).warning();
            diagnostics.push(diagnostic.at(declared.span, label).hint(hint.to_owned()));
        }
    }
}

/// The addresses of a machine on networks.
fn machine(declared: &Declared<'_>) -> Vec<Ipv4Addr> {
    let of = |devices: &[NetworkDevice]| devices.iter().map(|device| device.address.addr()).collect::<Vec<_>>();
    match declared.object {
        Object::Node(node) => [vec![node.address], of(&node.devices)].concat(),
        Object::Host(host) => vec![host.address],
        Object::Router(router) => of(&router.devices),
        _ => Vec::new(),
    }
}
