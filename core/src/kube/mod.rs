//! Declared objects: what a scenario or a manifest says there is, with Kubernetes' own names for its fields.
//!
//! - [`Object`] and its kinds are plain values, checked by [`validate`];
//! - [`State`] holds what has been declared, and answers the questions agents ask of it;
//! - [`ipam`] gives pods their addresses as Calico does; [`endpoints`] are the pods behind a service.

pub mod endpoints;
pub mod ipam;
mod labels;
mod names;
mod objects;
mod state;
pub mod validate;

pub use labels::Labels;

pub use objects::{
    Cluster, Connect, Container, ContainerPort, Deployment, EndpointAddress, Host, HttpHandler, Ingress, IngressPath,
    NamedPod, Node, Object, Overlay, PathType, Pod, Pool, PoolPurpose, Serve, Service, ServicePort, ServiceType,
    TransportProtocol, Version,
};
