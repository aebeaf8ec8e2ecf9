//! The ports on which nodes say whether they have an endpoint of a service: kube-proxy listens there itself.

use rustc_hash::FxHashMap;

use super::network::{Network, Process};
use crate::agents::kube_proxy;
use crate::apps::{App, HealthCheck};
use crate::kube::State;
use crate::net::tcp::ProcessId;

/// Who listens where: by the place of a node, and the port.
pub(super) type HealthPorts = FxHashMap<(usize, u16), (String, ProcessId)>;

impl Network {
    /// Listens on the ports that services have now, on every node, and no longer on those they had.
    pub(super) fn listen_for_health(&mut self, state: &State) {
        let wanted: Vec<_> = kube_proxy::health::ports(state).collect();
        let nodes = state.nodes().filter_map(|node| self.place(&node.object.name)).collect::<Vec<_>>();
        let is_wanted = |port: u16, service: &str| wanted.iter().any(|(number, key)| *number == port && key == service);
        let mut gone = Vec::new();
        self.health_ports.retain(|(place, port), (service, process)| {
            let stays = is_wanted(*port, service);
            if !stays {
                gone.push((*place, *process));
            }
            stays
        });
        for (place, process) in gone {
            self.get_mut(place).sockets.release(process);
        }
        for (port, service) in wanted {
            for &place in &nodes {
                if self.health_ports.contains_key(&(place, port)) {
                    continue;
                }
                let app = App::HealthCheck(HealthCheck::new(service.clone()));
                let owner = self.get(place).name.clone();
                let process = self.start(Process { namespace: place, owner, app });
                let sockets = &mut self.get_mut(place).sockets;
                sockets.name_process(process, "kube-proxy");
                sockets.listen(port, process);
                self.health_ports.insert((place, port), (service.clone(), process));
            }
        }
    }
}
