//! What names and addresses of a scenario mean.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::{OpError, Source, Target, TargetHost, World};
use crate::kube::ROUTER;

impl World {
    /// The namespace in which something named so runs. A bare name is the router's, then a pod's, a node's, a host's.
    pub(super) fn namespace_named(&mut self, name: &str) -> Result<usize, OpError> {
        self.grow();
        let state = &self.state;
        let key = if name == ROUTER {
            ROUTER
        } else if let Some(pod) = state.pod(name) {
            &*pod.key
        } else if let Some(node) = state.node(name) {
            node.object.name.as_str()
        } else if let Some(host) = state.host(name) {
            host.object.name.as_str()
        } else if self.network.is_loaded(name) {
            name
        } else if let Some(router) = state.router(name) {
            router.object.name.as_str()
        } else {
            return Err(self.no_such(name));
        };
        self.network.place(key).ok_or_else(|| self.no_such(name))
    }

    /// The pod, host or node of that name, as processes and files know their owner.
    pub(super) fn owner_named(&self, name: &str) -> Result<Arc<str>, OpError> {
        let state = &self.state;
        let pod = state.pod(name).map(|pod| pod.key.clone());
        let host = || state.host(name).map(|host| host.object.name.as_str().into());
        let node = || state.node(name).map(|node| node.object.name.as_str().into());
        let router = || state.router(name).map(|router| router.object.name.as_str().into());
        let loaded = || self.network.is_loaded(name).then(|| name.into());
        pod.or_else(host).or_else(node).or_else(router).or_else(loaded).ok_or_else(|| self.no_such(name))
    }

    pub(super) fn no_such(&self, name: &str) -> OpError {
        let several: Vec<_> = self.state.pods_named(name).map(|pod| pod.key.to_string()).collect();
        if several.is_empty() {
            OpError::new(
                format!("there is no pod, node or host called `{name}`"),
                Some("a pod outside the namespace `default` is written namespace/name".into()),
            )
        } else {
            OpError::new(
                format!("`{name}` has {} pods", several.len()),
                Some(format!("name one of them: {}", several.join(", "))),
            )
        }
    }

    /// The node of that name.
    pub(super) fn node_named(&mut self, name: &str) -> Result<usize, OpError> {
        self.grow();
        let node = self.state.node(name).and_then(|node| self.network.place(&node.object.name));
        let loaded = || self.network.place(name).filter(|_| self.network.is_loaded(name));
        node.or_else(loaded).ok_or_else(|| self.no_node(name))
    }

    pub(super) fn no_node(&self, name: &str) -> OpError {
        OpError::new(
            format!("there is no node called `{name}`"),
            Some(format!("the nodes are: {}", self.names_of_nodes())),
        )
    }

    fn names_of_nodes(&self) -> String {
        self.state.nodes().map(|node| node.object.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn source(&mut self, source: &Source) -> Result<usize, OpError> {
        self.namespace_named(&source.name)
    }

    /// The address that a target's host means. A bare name is a service's, then a pod's, a node's, a host's, and last
    /// that of a deployment's only pod. A service's address is its clusterIP.
    pub(super) fn address(&self, host: &TargetHost) -> Result<Ipv4Addr, OpError> {
        let name = match host {
            TargetHost::Address(address) => return Ok(*address),
            TargetHost::Name(name) => name,
        };
        let state = &self.state;
        let service = state.service(name).and_then(|service| service.object.cluster_ip);
        let pod = || state.pod_itself(name).map(|pod| pod.address);
        let node = || state.node(name).map(|node| node.object.address);
        let host = || state.host(name).map(|host| host.object.address);
        let router = || state.router(name).and_then(|router| router.object.address());
        let owned = || state.pod(name).map(|pod| pod.address);
        let loaded = || self.network.loaded(name);
        service.or_else(pod).or_else(node).or_else(host).or_else(router).or_else(owned).or_else(loaded).ok_or_else(
            || {
                let mut error = self.no_such(name);
                if error.problem.starts_with("there") {
                    error.problem = format!("there is no service, pod, node or host called `{name}`");
                }
                error
            },
        )
    }

    /// The socket that a target means; its port must be there.
    pub(super) fn socket(&self, target: &Target) -> Result<SocketAddrV4, OpError> {
        let port = target.port.ok_or_else(|| {
            OpError::new("the target has no port".into(), Some("write it behind a colon, as in 10.1.110.105:80".into()))
        })?;
        Ok(SocketAddrV4::new(self.address(&target.host)?, port))
    }

    /// Brings the network up to what has been declared, deleted, broken and noticed.
    pub(super) fn grow(&mut self) {
        if self.grown != self.generation {
            self.grown = self.generation;
            self.network.grow(&self.state);
            self.apply_faults();
            self.announce();
            self.start_birds();
        }
    }

    /// Lets the agents write on a node, if it is one and they have not yet.
    pub(super) fn program(&mut self, place: usize) -> Result<(), OpError> {
        if self.nodes.get(&place).is_some_and(|last| last.generation == self.generation) {
            return Ok(());
        }
        self.freshen();
        let agents = self.agents_of(&self.network.get(place).name);
        let Self { network, nodes, state, fresh, choices, generation, .. } = self;
        super::program::program(network, nodes, (state, fresh), choices, *generation, place, agents)?;
        self.leave_out(place);
        Ok(())
    }
}
