//! What is set by `sysctl` on machines, and machines that are no more.

use std::sync::Arc;

use super::OpError;
use super::network::Network;
use crate::kube::{Object, State};
use crate::net::text::Sysctls;

/// Refuses a setting that the model does not heed: a packet would not notice it, and the scenario says it does.
pub(super) fn check(object: &Object) -> Result<(), OpError> {
    let sysctls = match object {
        Object::Node(node) => &node.sysctls,
        Object::Router(router) => &router.sysctls,
        _ => return Ok(()),
    };
    match sysctls.keys().find(|name| !Sysctls::knows(name)) {
        None => Ok(()),
        Some(name) => Err(OpError::new(
            format!("the model does not heed the sysctl `{name}`"),
            Some(
                "it heeds net.ipv4.ip_forward, net.ipv4.conf.*, icmp_ratelimit, icmp_echo_ignore_broadcasts and \
                 nf_conntrack_*"
                    .to_owned(),
            ),
        )),
    }
}

impl Network {
    /// Sets on each machine what has not been set yet, and takes away the machines that nobody declares any more.
    pub(super) fn keep_machines(&mut self, state: &State) {
        let names: Vec<Arc<str>> = self.machines.keys().cloned().collect();
        for name in names {
            let of_node = state.node(&name).map(|node| &node.object.sysctls);
            let of_router = state.router(&name).map(|router| &router.object.sysctls);
            let Some(wanted) = of_node.or(of_router) else {
                if state.host(&name).is_none() {
                    self.remove_machine(&name);
                }
                continue;
            };
            let Some(place) = self.place(&name) else { continue };
            if self.machines.get(&name) == Some(wanted) {
                continue;
            }
            let old = self.machines.insert(name, wanted.clone()).unwrap_or_default();
            let new = wanted.iter().filter(|(name, value)| old.get(*name) != Some(*value));
            let new: Vec<_> = new.map(|(name, value)| (name.clone(), value.clone())).collect();
            Sysctls(new).apply(self.get_mut(place));
        }
    }
}
