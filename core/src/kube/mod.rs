//! Declared objects: what a scenario or a manifest says there is, with Kubernetes' own names for its fields.
//!
//! - [`Object`] and its kinds are plain values, checked by [`validate`];
//! - [`State`] holds what has been declared, and answers the questions agents ask of it;
//! - [`ipam`] gives pods their addresses as Calico does; [`endpoints`] are the pods behind a service.
//!
//! ```
//! use netscene_core::kube::{Node, Object, Pod, State};
//!
//! let mut state = State::new(0);
//! let worker = Node {
//!     hostname: "iks-networking-example-cl-iks-networ-ac625d72ba".into(),
//!     ..Node::new("worker2", [10, 1, 110, 107])
//! };
//! let nginx = Pod {
//!     node: Some("worker2".into()),
//!     ..Pod::new("iks", "essential-nginx-ingress-ingress-nginx-controller-7ndcw")
//! };
//! state.declare(Object::Node(worker), None)?;
//! state.declare(Object::Pod(nginx), None)?;
//!
//! let pod = state.pod("iks/essential-nginx-ingress-ingress-nginx-controller-7ndcw").expect("it has been declared");
//! assert_eq!(pod.address.to_string(), "192.168.8.193");
//! assert_eq!(pod.device.as_str(), "cali21ac0ad37cb");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address_pool;
mod annotations;
mod balancers;
mod change;
mod conditions;
mod config_map;
mod declare;
mod disk;
pub mod endpoints;
mod go_rand;
mod health;
mod holders;
mod ingress;
pub mod ipam;
mod label_selector;
mod labels;
mod liberal;
mod names;
mod namespaces;
mod network_policy;
mod networks;
mod objects;
mod pod_dns;
mod pod_status;
mod pods;
mod proxy_options;
mod remove;
mod remove_machine;
mod remove_namespace;
mod router;
mod service;
mod service_addresses;
mod state;
mod stateful_set;
pub mod validate;
mod zone;

pub use address_pool::{
    AddressPool, AddressRange, AddressRangeError, CUSTOM_RESOURCES, IpAddressPool, L2Advertisement, ServiceAllocation,
};
pub use annotations::{AnnotationError, INGRESS_CLASS, NginxAnnotations};
pub use change::Strategy;
pub use conditions::Conditions;
pub use config_map::ConfigMap;
pub use disk::{Disk, File, VolumeMount};
pub use endpoints::Endpoint;
pub use health::Symptom;
pub use holders::Holder;
pub use ingress::{Ingress, IngressBackend, IngressPath, PathType, ServiceBackendPort};
pub use label_selector::{LabelOperator, LabelRequirement, LabelSelector};
pub use labels::{Labels, selects};
pub use names::interface_name;
pub use namespaces::NAMESPACE_NAME;
pub use network_policy::{IpBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, PolicyType};
pub use networks::{MachineNetwork, ROUTER};
pub use pod_dns::{DnsPolicy, PodDns};
pub use pod_status::{PodPhase, PodStatus};
pub use pods::RunningPod;
pub use proxy_options::{DetectLocal, KubeProxyOptions};
pub use router::{NetworkDevice, Router, StaticRoute};
pub use service::{
    AFFINITY_SECONDS, EndpointAddress, EndpointPort, IpMode, Service, ServicePort, ServiceType, TargetPort,
    TrafficDistribution, TrafficPolicy,
};
pub use state::{Declared, State};
pub use stateful_set::{POD_NAME_LABEL, StatefulSet};
pub use zone::{Zone, ZoneData, ZoneRecord};

pub use objects::{
    Bgp, Cluster, Connect, Container, ContainerPort, Deployment, Host, HttpAnswer, HttpHandler, NamedPod, Node, Object,
    ObjectKind, Overlay, Pod, PodRecords, Pool, PoolPurpose, Serve, TransportProtocol, Version, ZONE_LABEL,
};

/// Whether a field says nothing, and need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
