//! MetalLB's controller: which address a service of type LoadBalancer gets (`internal/allocator`).

use std::net::Ipv4Addr;

use super::{Holder, Labels, Service, State, TrafficPolicy, Version};

/// The annotations that MetalLB looks at, under its new name, which counts more, and its old one (`valueForAnnotation`).
const ADDRESS_POOL: [&str; 2] = ["metallb.io/address-pool", "metallb.universe.tf/address-pool"];
const LOAD_BALANCER_IPS: [&str; 2] = ["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"];
const ALLOW_SHARED_IP: [&str; 2] = ["metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip"];

/// Since this release MetalLB leaves services alone that have a class, unless it was given the same by `--lb-class`
/// (metallb#1417, `filterByLoadBalancerClass`). The model's was given none.
const BY_CLASS: Version = Version::new(0, 13, 0);

fn annotation<'a>(service: &'a Service, names: [&str; 2]) -> Option<&'a str> {
    names.into_iter().find_map(|name| service.annotations.get(name)).map(String::as_str)
}

impl State {
    /// Whether MetalLB has to do with a service.
    pub fn is_metallbs(&self, service: &Service) -> bool {
        service.load_balancer_class.is_none() || self.cluster().metallb < BY_CLASS
    }

    /// The pool that the annotation of a service names.
    pub(super) fn pool_asked_by(service: &Service) -> Option<&str> {
        annotation(service, ADDRESS_POOL)
    }

    /// Whether MetalLB is asked for another address, or another pool, than before.
    pub(super) fn asks_otherwise(before: &Service, now: &Service) -> bool {
        [ADDRESS_POOL, LOAD_BALANCER_IPS].into_iter().any(|names| annotation(before, names) != annotation(now, names))
    }

    /// The lowest address that `service` can have, of the pool that its annotation names, else of the first pool that
    /// gives by itself and has one. MetalLB itself walks a Go map of pools, in any order; here it is the order of
    /// declaration among those that are equal to it. A service for which there is none stays without, `<pending>` as
    /// kubectl calls it.
    pub(super) fn balancer_address(&self, service: &Service) -> Option<Ipv4Addr> {
        if !self.is_metallbs(service) {
            return None;
        }
        let named = Self::pool_asked_by(service);
        let gives = |address: Ipv4Addr| {
            let pool = self.address_pool_of(address).filter(|pool| named.is_none_or(|name| pool.name == name));
            pool.is_some_and(|pool| self.may_serve(&pool, service)) && self.can_have(service, address)
        };
        // Who asks for one gets that one or none; who had one keeps it.
        if let Some(asked) = annotation(service, LOAD_BALANCER_IPS) {
            return asked.trim().parse().ok().filter(|address| gives(*address));
        }
        if let Some(before) = service.load_balancer_status.filter(|address| gives(*address)) {
            return Some(before);
        }
        let pools = match named {
            Some(name) => self.address_pools().filter(|pool| pool.name == name).collect(),
            None => self.pools_to_try(service),
        };
        let fits = pools.iter().filter(|pool| self.may_serve(pool, service));
        fits.flat_map(super::AddressPool::addresses).find(|&address| self.can_have(service, address))
    }

    /// Whether `address` is nobody's, or that of services with which `service` may share it: all say the same key, the
    /// same pods are behind them where `externalTrafficPolicy` is `Local`, and no port is the same.
    pub(super) fn can_have(&self, service: &Service, address: Ipv4Addr) -> bool {
        match self.holder(address) {
            None => return true,
            Some(Holder::LoadBalancer(_)) => {}
            Some(_) => return false,
        }
        let Some(key) = annotation(service, ALLOW_SHARED_IP) else { return false };
        let others = self.services().map(|other| &other.object).filter(|other| other.load_balancer_ip == Some(address));
        let ports = |one: &Service| one.ports.iter().map(|port| (port.port, port.protocol)).collect::<Vec<_>>();
        let own = ports(service);
        others.into_iter().all(|other| {
            annotation(other, ALLOW_SHARED_IP) == Some(key)
                && backends(other) == backends(service)
                && ports(other).iter().all(|port| !own.contains(port))
        })
    }
}

/// What tells the pods behind a service, where it matters which node traffic comes to (`backendKey`).
fn backends(service: &Service) -> Option<&Labels> {
    (service.external_traffic_policy == TrafficPolicy::Local).then_some(&service.selector)
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::{declare, plain_service, pool};
    use super::super::{Cluster, Object, ObjectKind, Pool, PoolPurpose, ServiceType};
    use super::*;

    fn balancer(name: &str, port: u16, annotations: &[(&str, &str)]) -> Object {
        let plain = plain_service(&format!("default/{name}"), "app=x", port);
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Object::Service(Service { kind: ServiceType::LoadBalancer, annotations, ..plain })
    }

    fn address(state: &State, name: &str) -> Option<String> {
        state.service(name).unwrap().object.load_balancer_ip.map(|address| address.to_string())
    }

    #[test]
    fn pools_give_by_themselves_or_by_name() {
        let mut state = State::new(0);
        let Object::Pool(plain) = pool("reserved", "10.1.0.1", "10.1.0.1", PoolPurpose::LoadBalancer) else { return };
        declare(&mut state, Object::Pool(Pool { auto_assign: false, ..plain }));
        declare(&mut state, pool("auto", "10.1.0.2", "10.1.0.2", PoolPurpose::LoadBalancer));
        declare(&mut state, balancer("one", 80, &[]));
        declare(&mut state, balancer("two", 80, &[]));
        declare(&mut state, balancer("named", 80, &[("metallb.universe.tf/address-pool", "reserved")]));
        declare(&mut state, balancer("lost", 80, &[("metallb.universe.tf/address-pool", "nowhere")]));
        let found = ["one", "two", "named", "lost"].map(|name| address(&state, name));
        assert_eq!(found, [Some("10.1.0.2".into()), None, Some("10.1.0.1".into()), None]);
        state.delete(ObjectKind::Service, "one").unwrap();
        assert_eq!(address(&state, "two").as_deref(), Some("10.1.0.2"), "who waits gets what is given back");
    }

    #[test]
    fn a_service_of_another_class_is_somebody_elses() {
        for (minor, expected) in [(12, Some("10.1.0.2".to_owned())), (13, None)] {
            let mut state = State::new(0);
            let metallb = Version::new(0, minor, 0);
            declare(&mut state, Object::Cluster(Cluster { metallb, ..Cluster::default() }));
            declare(&mut state, pool("auto", "10.1.0.2", "10.1.0.2", PoolPurpose::LoadBalancer));
            let Object::Service(plain) = balancer("web", 80, &[]) else { return };
            let load_balancer_class = Some("example.com/internal-vip".to_owned());
            declare(&mut state, Object::Service(Service { load_balancer_class, ..plain }));
            assert_eq!(address(&state, "web"), expected);
        }
    }

    #[test]
    fn services_share_an_address_by_key_and_port() {
        let mut state = State::new(0);
        declare(&mut state, pool("auto", "10.1.0.2", "10.1.0.3", PoolPurpose::LoadBalancer));
        let key = [("metallb.universe.tf/allow-shared-ip", "web")];
        declare(&mut state, balancer("http", 80, &key));
        declare(&mut state, balancer("https", 443, &key));
        declare(&mut state, balancer("again", 80, &key));
        declare(&mut state, balancer("alone", 81, &[]));
        let found = ["http", "https", "again", "alone"].map(|name| address(&state, name));
        assert_eq!(found, [Some("10.1.0.2".into()), Some("10.1.0.2".into()), Some("10.1.0.3".into()), None]);
        state.delete(ObjectKind::Service, "http").unwrap();
        assert_eq!(address(&state, "alone"), None, "the address is still somebody's");
    }
}
