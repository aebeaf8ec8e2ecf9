//! A service, with every field that kube-proxy, MetalLB or CoreDNS reads (core/v1 `ServiceSpec`).

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{Conditions, Labels, TransportProtocol, is_default};

/// A service. Most are made with [`Service::new`] and fields changed after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `type`.
    #[serde(rename = "type")]
    pub kind: ServiceType,
    /// Its labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its annotations.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// `clusterIP`; the next free one of the service CIDR when not given. A headless service and an ExternalName have
    /// none.
    #[serde(rename = "clusterIP", skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<Ipv4Addr>,
    /// `clusterIP: None`: names resolve to the pods, and kube-proxy has nothing to do with it.
    #[serde(skip_serializing_if = "is_default")]
    pub headless: bool,
    /// `externalIPs`: addresses that lead to some node by themselves.
    #[serde(rename = "externalIPs", skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<Ipv4Addr>,
    /// `externalName`: what the service's name is another name of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_name: Option<String>,
    /// `loadBalancerIP`: the address MetalLB has to assign.
    #[serde(rename = "loadBalancerIP", skip_serializing_if = "Option::is_none")]
    pub load_balancer_ip: Option<Ipv4Addr>,
    /// `status.loadBalancer`: the address that MetalLB gave it before, which it keeps if its pools still have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_status: Option<Ipv4Addr>,
    /// `loadBalancerClass`: whose it is to give it an address; not MetalLB's where it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_class: Option<String>,
    /// `loadBalancerSourceRanges`: who may use that address; everybody when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_source_ranges: Vec<Ipv4Net>,
    /// `status.loadBalancer.ingress[].ipMode`: whether nodes take that address for their own (KEP-1860).
    #[serde(skip_serializing_if = "is_default")]
    pub ip_mode: IpMode,
    /// `sessionAffinity: ClientIP` with its `timeoutSeconds`: how long a client keeps its endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity: Option<u32>,
    /// `externalTrafficPolicy`: which endpoints are for what comes from outside.
    #[serde(skip_serializing_if = "is_default")]
    pub external_traffic_policy: TrafficPolicy,
    /// `internalTrafficPolicy`: which are for what comes to the `clusterIP`.
    #[serde(skip_serializing_if = "is_default")]
    pub internal_traffic_policy: TrafficPolicy,
    /// `healthCheckNodePort`: where each node says whether it has an endpoint; a free one when the type and the policy
    /// need it and none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_node_port: Option<u16>,
    /// `allocateLoadBalancerNodePorts`: whether a LoadBalancer's ports get node ports too; they do when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocate_load_balancer_node_ports: Option<bool>,
    /// `publishNotReadyAddresses`: every pod counts as ready.
    #[serde(skip_serializing_if = "is_default")]
    pub publish_not_ready_addresses: bool,
    /// `trafficDistribution`: which endpoints are preferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_distribution: Option<TrafficDistribution>,
    /// Which pods are behind it.
    pub selector: Labels,
    /// Endpoints of a service without selector.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointAddress>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// `timeoutSeconds` of ClientIP affinity when none is given (core/v1, `DefaultClientIPServiceAffinitySeconds`).
pub const AFFINITY_SECONDS: u32 = 10_800;

/// `type` of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceType {
    /// Reached inside the cluster.
    #[default]
    ClusterIP,
    /// And on a port of every node.
    NodePort,
    /// And on an address of its own.
    LoadBalancer,
    /// A name for something outside.
    ExternalName,
}

impl ServiceType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
        }
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `externalTrafficPolicy` and `internalTrafficPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficPolicy {
    /// Every endpoint of the cluster.
    #[default]
    Cluster,
    /// Those of the node alone.
    Local,
}

/// `ipMode` of a load balancer's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpMode {
    /// Packets come to a node with this destination, and nodes take those of pods for themselves too.
    #[default]
    VIP,
    /// The balancer sends to nodes under their own addresses: nodes leave its address alone.
    Proxy,
}

/// `trafficDistribution` of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficDistribution {
    /// The older name of `PreferSameZone`.
    PreferClose,
    /// Endpoints in the client's zone.
    PreferSameZone,
    /// Endpoints on the client's node, else in its zone.
    PreferSameNode,
}

/// An endpoint that is given: of a service without selector (discovery/v1 `Endpoint`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointAddress {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// `nodeName`, by the scenario's name; where its address is found when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its conditions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conditions: Conditions,
    /// `hostname`: what it is called under the service's name, if that is headless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The service's port that it is of, as an `EndpointSlice` says it. By the number of its own where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_port: Option<EndpointPort>,
}

/// Which port of a service an endpoint is of: the one of that name and protocol (discovery/v1 `EndpointPort`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointPort {
    /// Its name; empty for a port without one.
    pub name: String,
    /// Its protocol.
    pub protocol: TransportProtocol,
}

impl EndpointAddress {
    /// A ready endpoint.
    pub fn new(address: impl Into<Ipv4Addr>, port: u16) -> Self {
        let conditions = Conditions::default();
        Self { address: address.into(), port, node: None, conditions, hostname: None, service_port: None }
    }

    /// Whether it is of `port`, of the ports of `service` (kube-proxy, `endpointslicecache.go`: by name and protocol).
    pub(super) fn is_of(&self, service: &Service, port: &ServicePort) -> bool {
        match &self.service_port {
            Some(own) => own.name == port.name.as_deref().unwrap_or_default() && own.protocol == port.protocol,
            None => service.ports.len() == 1 || port.leads_to(self.port),
        }
    }
}

/// A port of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name; a service with one port needs none.
    pub name: Option<String>,
    /// The port clients connect to.
    pub port: u16,
    /// The port of the pods; the same when not given.
    pub target_port: Option<TargetPort>,
    /// TCP, UDP or SCTP.
    pub protocol: TransportProtocol,
    /// The port of every node; a free one when a type needs one and none is given.
    pub node_port: Option<u16>,
}

/// `targetPort` of a service's port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetPort {
    /// That port of every pod.
    Number(u16),
    /// The port of that name, which may be another number in each pod.
    Name(String),
}

impl Service {
    /// A service with one TCP port and a clusterIP to be chosen.
    pub fn new(namespace: &str, name: &str, selector: Labels, port: u16) -> Self {
        let (namespace, name) = (namespace.into(), name.into());
        Self { namespace, name, selector, ports: vec![ServicePort::new(port)], ..Self::default() }
    }

    /// Whether kube-proxy writes rules for it (kube-proxy, `ShouldSkipService`).
    pub fn is_proxied(&self) -> bool {
        self.kind != ServiceType::ExternalName && !self.headless
    }

    /// Whether its ports get node ports.
    pub(super) fn gets_node_ports(&self) -> bool {
        match self.kind {
            ServiceType::NodePort => true,
            ServiceType::LoadBalancer => self.allocate_load_balancer_node_ports != Some(false),
            ServiceType::ClusterIP | ServiceType::ExternalName => false,
        }
    }

    /// Whether a load balancer asks nodes about it (core/v1 helpers, `NeedsHealthCheck`).
    pub fn needs_health_check(&self) -> bool {
        self.kind == ServiceType::LoadBalancer && self.external_traffic_policy == TrafficPolicy::Local
    }
}

impl ServicePort {
    /// A TCP port without a name.
    pub fn new(port: u16) -> Self {
        Self { port, ..Self::default() }
    }
}
