//! Breaking things and mending them, and what the cluster makes of it in time.

use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, recovery};
use super::run::Planned;
use super::{OpError, World};
use crate::kube::Symptom;
use crate::map::IndexMap;
use crate::packet::{DeviceName, Mac};

/// After this time without an answer the kernel forgets a neighbour: `base_reachable_time` (30 s, here without its
/// random half), `delay_first_probe_time` and three probes. The model's neighbours else stay known for ever.
const NEIGHBOUR: Duration = Duration::from_secs(30 + 5 + 3);

/// What is broken, each with its number.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    active: IndexMap<Fault, u64>,
    number: u64,
}

/// Something that happens in time because something was broken or mended.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// If the fault of this number is still there, somebody notices.
    Symptom(u64, Symptom),
    /// If nothing that is broken brings it about, the symptom goes.
    Recovery(Symptom),
    /// If the fault of this number is still there, neighbours forget an Ethernet address.
    Forget(u64, Mac),
}

impl World {
    /// Breaks something.
    pub(super) fn fail(&mut self, fault: &Fault) -> Result<(), OpError> {
        let fault = self.known(fault)?;
        self.grow();
        if self.faults.active.contains_key(&fault) {
            return Err(refusal(format!("{fault} has failed already"), "`restore` mends it"));
        }
        // What stops now stops with what it knows now.
        if let Fault::KubeProxy { node } | Fault::Node { node } | Fault::Device { node, .. } = &fault {
            let place = self.node_named(node)?;
            self.program(place)?;
        }
        self.faults.number += 1;
        let number = self.faults.number;
        for (after, symptom) in fault.symptoms(&self.state) {
            self.queue.plan(self.time + after, Planned::Notice(Notice::Symptom(number, symptom)));
        }
        match &fault {
            Fault::Node { node } => self.stop_node(node, number),
            Fault::Pod { pod } => {
                if let Some(place) = self.network.place(pod) {
                    self.network.stop_processes(place);
                }
            }
            _ => {}
        }
        self.faults.active.insert(fault, number);
        self.generation += 1;
        self.grow();
        Ok(())
    }

    /// Mends what was broken.
    pub(super) fn restore(&mut self, fault: &Fault) -> Result<(), OpError> {
        let fault = self.known(fault)?;
        if self.faults.active.shift_remove(&fault).is_none() {
            return Err(refusal(format!("{fault} has not failed"), "`fail` comes before `restore`"));
        }
        for (_, symptom) in fault.symptoms(&self.state) {
            self.queue.plan(self.time + recovery(&symptom), Planned::Notice(Notice::Recovery(symptom)));
        }
        if let Fault::KubeProxy { node } = &fault {
            self.state.start_kube_proxy(node);
        }
        if let Fault::Pod { pod } = &fault
            && let (Some(place), Some(pod)) = (self.network.place(pod), self.state.pod(pod).cloned())
        {
            self.network.start_pod(place, &pod);
        }
        self.generation += 1;
        self.grow();
        self.thaw();
        Ok(())
    }

    /// The fault with the names that things have, the two of a pair in order; or what does not exist.
    fn known(&self, fault: &Fault) -> Result<Fault, OpError> {
        let node = |name: &String| match self.state.node(name) {
            Some(node) => Ok(node.object.name.clone()),
            None => Err(self.no_node(name)),
        };
        let pair = |one: &String, other: &String| {
            let (one, other) = (node(one)?, node(other)?);
            if one == other {
                return Err(refusal(format!("{one} is one node, and two are wanted"), "name two nodes"));
            }
            Ok(if one < other { (one, other) } else { (other, one) })
        };
        Ok(match fault {
            Fault::Node { node: name } => Fault::Node { node: node(name)? },
            Fault::Link { one, other } => {
                let (one, other) = pair(one, other)?;
                Fault::Link { one, other }
            }
            Fault::Bgp { one, other } => {
                let (one, other) = pair(one, other)?;
                Fault::Bgp { one, other }
            }
            Fault::Device { node: name, device } => {
                let node = node(name)?;
                let uplink = self.state.node(&node).map(|node| node.object.device);
                let mut names: Vec<_> = uplink.into_iter().collect();
                names.extend(self.state.pods_on(&node).map(|pod| pod.device));
                if names.iter().all(|name| name.as_str() != device) {
                    let known: Vec<_> = names.iter().map(DeviceName::as_str).collect();
                    let hint = format!("it has: {}", known.join(", "));
                    return Err(refusal(
                        format!("{node} has no link to a device `{device}` or a node of that name"),
                        hint,
                    ));
                }
                Fault::Device { node, device: device.clone() }
            }
            Fault::Speaker { node: name } => Fault::Speaker { node: node(name)? },
            Fault::KubeProxy { node: name } => Fault::KubeProxy { node: node(name)? },
            Fault::Pod { pod } => match self.state.pod(pod) {
                Some(pod) => Fault::Pod { pod: pod.key.to_string() },
                None => return Err(self.no_such(pod)),
            },
        })
    }

    /// A node stops in the midst of everything. Its neighbours know it well: they have heard BGP's keepalives.
    fn stop_node(&mut self, name: &str, number: u64) {
        let Some(node) = self.state.node(name).map(|node| node.object.clone()) else { return };
        let own: Arc<str> = name.into();
        let network = self.state.network_of(node.address).network;
        for other in self.state.nodes().map(|other| &other.object) {
            let peer: Arc<str> = other.name.as_str().into();
            let near = peer != own && network.contains(&other.address) && self.state.has_session(&own, &peer);
            if let Some(place) = self.network.place(&other.name).filter(|_| near) {
                self.network.get_mut(place).know_neighbour(other.device, node.address, node.ethernet_address());
            }
        }
        let forget = Notice::Forget(number, node.ethernet_address());
        self.queue.plan(self.time + NEIGHBOUR, Planned::Notice(forget));
    }

    /// Lets the network be as broken as it is.
    pub(super) fn apply_faults(&mut self) {
        let down = self.faults.active.keys().filter_map(|fault| match fault {
            Fault::Node { node } => Some(node),
            _ => None,
        });
        let mut places = Vec::new();
        for node in down {
            places.extend(self.network.place(node));
            places.extend(self.state.pods_on(node).filter_map(|pod| self.network.place(&pod.key)));
        }
        self.network.set_down(places);
        let links = self.faults.active.keys().filter_map(|fault| match fault {
            Fault::Link { one, other } => Some((self.network.place(one)?, self.network.place(other)?)),
            _ => None,
        });
        let links = links.collect();
        let devices = self.faults.active.keys().filter_map(|fault| match fault {
            Fault::Device { node, device } => {
                let place = self.network.place(node)?;
                Some((place, self.network.get(place).device_index(device.parse().ok()?)?))
            }
            _ => None,
        });
        let devices = devices.collect();
        self.network.set_cut(links, devices);
        let address = |name: &str| self.state.node(name).map(|node| node.object.address);
        let silenced = self.faults.active.keys().filter_map(|fault| match fault {
            Fault::Bgp { one, other } => Some((address(one)?, address(other)?)),
            _ => None,
        });
        let silenced = silenced.collect();
        self.silence(silenced);
    }

    /// Whether kube-proxy and Felix of a node are told of what changes, and kube-proxy runs.
    pub(super) fn agents_of(&self, node: &str) -> Agents {
        let cut_off = self.faults.active.keys().any(|fault| fault.cuts_off(&self.state, node));
        let has = |fault: Fault| self.faults.active.contains_key(&fault);
        Agents {
            kube_proxy: !cut_off && !has(Fault::KubeProxy { node: node.into() }),
            felix: !cut_off,
            speaker: !has(Fault::Speaker { node: node.into() }),
        }
    }

    /// A notice comes due.
    pub(super) fn notice(&mut self, notice: Notice) {
        let active = |number| self.faults.active.values().any(|one| *one == number);
        let news = match notice {
            Notice::Symptom(number, symptom) => active(number) && self.state.notice(symptom, true),
            Notice::Recovery(symptom) => {
                let mut broken = self.faults.active.keys().flat_map(|fault| fault.symptoms(&self.state));
                let stays = broken.any(|(_, other)| other == symptom);
                !stays && self.state.notice(symptom, false)
            }
            Notice::Forget(number, mac) => {
                if active(number) {
                    self.network.forget_neighbour(mac);
                }
                false
            }
        };
        if news {
            self.generation += 1;
            self.grow();
        }
    }

    /// Refuses what only something that runs can do.
    pub(super) fn check_up(&self, place: usize) -> Result<(), OpError> {
        if !self.network.is_down(place) {
            return Ok(());
        }
        let name = &self.network.get(place).name;
        Err(refusal(format!("{name} is down: nothing is sent from there"), "`restore` it first"))
    }
}

/// Which of a node's agents work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Agents {
    pub(super) kube_proxy: bool,
    pub(super) felix: bool,
    pub(super) speaker: bool,
}

fn refusal(problem: impl Into<String>, hint: impl Into<String>) -> OpError {
    OpError::new(problem.into(), Some(hint.into()))
}
