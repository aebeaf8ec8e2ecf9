//! Deleting machines and their networks.

use std::sync::Arc;

use super::validate::fault_beside;
use super::{AddressRange, Holder, ObjectKind, PoolPurpose, State};
use crate::world::OpError;

impl State {
    /// Deletes a node, and the machine with it. Its pods go; those of deployments are followed by others elsewhere.
    pub(super) fn delete_node(&mut self, name: &str) -> Result<(), OpError> {
        let name = name.strip_prefix("node/").unwrap_or(name);
        let Some(node) = self.nodes.get(name).cloned() else {
            return Err(self.nothing_to_delete(ObjectKind::Node, name));
        };
        let mut next = self.clone();
        let pods: Vec<_> = next.pods().filter(|pod| *pod.node == *name).cloned().collect();
        for pod in &pods {
            next.remove_pod(&pod.key);
        }
        Arc::make_mut(&mut next.nodes).shift_remove(name);
        next.holders.remove(node.object.address);
        for device in &node.object.devices {
            next.holders.remove(device.address.addr());
        }
        if let Some(tunnel) = next.tunnel_address(name) {
            next.holders.remove(tunnel);
        }
        next.ipam.remove_node(name);
        next.forget_kube_proxy(name);
        for owner in pods.iter().filter_map(|pod| pod.owner.as_ref()) {
            let Some(owner) = next.deployments.get(owner).cloned() else { continue };
            if !owner.object.daemon_set {
                next.run_more(&owner.object, owner.origin.as_ref(), 1, None)?;
            }
        }
        *self = next;
        Ok(())
    }

    /// Deletes a machine outside the cluster.
    pub(super) fn delete_host(&mut self, name: &str) -> Result<(), OpError> {
        let name = name.strip_prefix("host/").unwrap_or(name);
        let Some(host) = Arc::make_mut(&mut self.hosts).shift_remove(name) else {
            return Err(self.nothing_to_delete(ObjectKind::Host, name));
        };
        self.holders.remove(host.object.address);
        Ok(())
    }

    /// Deletes a router.
    pub(super) fn delete_router(&mut self, name: &str) -> Result<(), OpError> {
        let Some(router) = Arc::make_mut(&mut self.routers).shift_remove(name) else {
            return Err(self.nothing_to_delete(ObjectKind::Router, name));
        };
        for address in router.object.devices.iter().map(|device| device.address.addr()) {
            // What a pool calls its gateway stays that.
            match self.pools.values().find(|pool| pool.object.gateway == Some(address)) {
                Some(pool) => {
                    let holder = Holder::Gateway(pool.object.name.as_str().into());
                    self.holders.set(address, holder, pool.origin.as_ref());
                }
                None => self.holders.remove(address),
            }
        }
        Ok(())
    }

    /// Deletes a pool for load balancers.
    pub(super) fn delete_pool(&mut self, name: &str) -> Result<(), OpError> {
        let Some(pool) = self.pools.get(name).cloned() else {
            return Err(self.nothing_to_delete(ObjectKind::Pool, name));
        };
        if pool.object.purpose != PoolPurpose::LoadBalancer {
            let problem = format!("pool {name} is a network of machines, which stays");
            return Err(fault_beside(problem, "delete the machines on it", pool.origin.as_ref(), "declared here"));
        }
        self.gives_nobody(&(&pool.object).into())?;
        Arc::make_mut(&mut self.pools).shift_remove(name);
        let gateway = pool.object.gateway;
        if let Some(gateway) = gateway.filter(|gateway| matches!(self.holder(*gateway), Some(Holder::Gateway(_)))) {
            self.holders.remove(gateway);
        }
        Ok(())
    }

    /// Deletes one of MetalLB's own pools.
    pub(super) fn delete_ip_address_pool(&mut self, key: &str) -> Result<(), OpError> {
        let Some(pool) = self.ip_address_pools.get(key) else {
            return Err(self.nothing_to_delete(ObjectKind::IpAddressPool, key));
        };
        pool.object.addresses.iter().try_for_each(|range| self.gives_nobody(range))?;
        Arc::make_mut(&mut self.ip_address_pools).shift_remove(key);
        Ok(())
    }

    /// Refuses to take addresses away that services have. MetalLB keeps its old configuration then (controller, `SetPools`);
    /// since 0.14 it gives the services other addresses instead (metallb#1929, #2449), which the model does not.
    pub(super) fn gives_nobody(&self, range: &AddressRange) -> Result<(), OpError> {
        let among = |address: &std::net::Ipv4Addr| range.contains(*address);
        let holder = self.services().find(|service| service.object.load_balancer_ip.as_ref().is_some_and(among));
        let Some(service) = holder else { return Ok(()) };
        let key = format!("{}/{}", service.object.namespace, service.object.name);
        let address = service.object.load_balancer_ip.map(|address| address.to_string()).unwrap_or_default();
        let problem = format!("service \"{key}\" cannot own \"{address}\" under new config");
        Err(fault_beside(problem, "delete the service first", service.origin.as_ref(), "declared here"))
    }
}
