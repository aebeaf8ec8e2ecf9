//! What is broken, mended and deleted, from the file's words to the engine's.

use netscene_core::kube::ObjectKind;
use netscene_core::world::Fault;

use super::{Lowering, Meant, Result, no_port, wrong};
use crate::Word;
use crate::ast::{self, Operand, What};
use crate::check::symbols::Kind;

impl Lowering<'_> {
    pub(super) fn fault(&mut self, fault: &ast::Failure) -> Result<Fault> {
        Ok(match fault {
            ast::Failure::Node(node) => Fault::Node { node: self.node(node)? },
            ast::Failure::Link(node, other) => {
                let node = self.node(node)?;
                match self.node(other) {
                    Ok(other) => Fault::Link { one: node, other },
                    // What is no node may be a device; which there are is for the world to say.
                    Err(error) => match &other.what {
                        What::Name(device) if other.port.is_none() && !device.contains('/') => {
                            Fault::Device { node, device: device.clone() }
                        }
                        _ => return Err(error),
                    },
                }
            }
            ast::Failure::Bgp(one, other) => Fault::Bgp { one: self.node(one)?, other: self.node(other)? },
            ast::Failure::Speaker(node) => Fault::Speaker { node: self.node(node)? },
            ast::Failure::KubeProxy(node) => Fault::KubeProxy { node: self.node(node)? },
            ast::Failure::Pod(pod) => Fault::Pod { pod: self.name(pod, &[Kind::Pod, Kind::Deployment])? },
        })
    }

    /// The full name of what an object of that kind is to change.
    pub(crate) fn changed(&mut self, kind: Word, what: &Operand) -> Result<String> {
        match kind {
            Word::Service => self.service(what),
            Word::Pod => self.name(what, &[Kind::Pod]),
            Word::Deployment | Word::DaemonSet | Word::StatefulSet => self.name(what, &[Kind::Deployment]),
            Word::Ingress => self.deleted(ObjectKind::Ingress, what),
            Word::ConfigMap => self.deleted(ObjectKind::ConfigMap, what),
            Word::Router => self.name(what, &[Kind::Host]),
            Word::NetworkPolicy => self.deleted(ObjectKind::NetworkPolicy, what),
            _ => self.node(what),
        }
    }

    /// A name that an island gives.
    fn name_as_written(&mut self, kind: ObjectKind, what: &Operand) -> Result<String> {
        match self.meant(what)? {
            Meant::Later => Ok(String::new()),
            Meant::Name(name, None) if name.contains('/') || !kind.is_namespaced() => Ok(name),
            Meant::Name(name, None) => Ok(format!("default/{name}")),
            Meant::Name(..) => Err(no_port(what)),
            _ => Err(wrong(what, &format!("the name of a {kind}"))),
        }
    }

    /// The full name of what is to be deleted.
    pub(super) fn deleted(&mut self, kind: ObjectKind, what: &Operand) -> Result<String> {
        match kind {
            ObjectKind::Pod => self.name(what, &[Kind::Pod]),
            ObjectKind::Deployment => self.name(what, &[Kind::Deployment]),
            ObjectKind::Service => self.service(what),
            ObjectKind::Node => self.node(what),
            ObjectKind::Host | ObjectKind::Router => self.name(what, &[Kind::Host]),
            // These are never called by name but here.
            ObjectKind::Namespace
            | ObjectKind::Pool
            | ObjectKind::Ingress
            | ObjectKind::ConfigMap
            | ObjectKind::NetworkPolicy
            | ObjectKind::IpAddressPool
            | ObjectKind::L2Advertisement => match &what.what {
                What::Name(_) if what.port.is_some() => Err(no_port(what)),
                What::Name(name) if name.contains('/') => Ok(name.clone()),
                What::Name(name) if kind.is_namespaced() => Ok(format!("default/{name}")),
                What::Name(name) => Ok(name.clone()),
                _ => self.name_as_written(kind, what),
            },
        }
    }
}
