use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    ConfigMap, Disk, Ingress, IpAddressPool, KubeProxyOptions, L2Advertisement, Labels, NetworkDevice, NetworkPolicy,
    PodDns, PodStatus, Router, Service, StatefulSet, StaticRoute, Zone, is_default,
};
use crate::packet::{DeviceName, Mac};

/// The label with the zone that a node is in.
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Anything that can be declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Object {
    /// The cluster's settings; one per world.
    Cluster(Cluster),
    /// A range of addresses for machines or load balancers.
    Pool(Pool),
    /// A machine of the cluster.
    Node(Node),
    /// A machine outside it.
    Host(Host),
    /// A router outside it.
    Router(Router),
    /// A namespace of Kubernetes.
    Namespace {
        /// Its name.
        name: String,
        /// Labels that it gets; of those that it has already by these keys, the values change.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// A pod.
    Pod(Pod),
    /// A deployment, a daemon set or a stateful set.
    Deployment(Deployment),
    /// A service.
    Service(Service),
    /// An ingress.
    Ingress(Ingress),
    /// A config map.
    ConfigMap(ConfigMap),
    /// A network policy.
    NetworkPolicy(NetworkPolicy),
    /// A zone of names outside the cluster.
    Zone(Zone),
    /// Addresses that MetalLB gives services.
    IpAddressPool(IpAddressPool),
    /// Who announces them.
    L2Advertisement(L2Advertisement),
}

/// The kinds of objects that can be deleted. A daemon set and a stateful set are deleted as a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectKind {
    /// A pod.
    Pod,
    /// A deployment or a daemon set.
    Deployment,
    /// A service.
    Service,
    /// An ingress.
    Ingress,
    /// A config map.
    ConfigMap,
    /// A namespace, and everything in it.
    Namespace,
    /// A node; the machine goes with it.
    Node,
    /// A machine outside the cluster.
    Host,
    /// A router.
    Router,
    /// A pool of addresses for load balancers.
    Pool,
    /// A network policy.
    NetworkPolicy,
    /// Addresses that MetalLB gives services.
    IpAddressPool,
    /// Who announces them.
    L2Advertisement,
}

impl ObjectKind {
    /// Whether objects of the kind live in a namespace.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::Node | Self::Host | Self::Router | Self::Pool)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pod => "pod",
            Self::Deployment => "deployment",
            Self::Service => "service",
            Self::Ingress => "ingress",
            Self::ConfigMap => "configMap",
            Self::Namespace => "namespace",
            Self::Node => "node",
            Self::Host => "host",
            Self::Router => "router",
            Self::Pool => "pool",
            Self::NetworkPolicy => "networkPolicy",
            Self::IpAddressPool => "ipAddressPool",
            Self::L2Advertisement => "l2Advertisement",
        })
    }
}

/// A release such as `1.20` or `3.16.1`: the parts that decide which rules a program writes.
///
/// ```
/// use netscene_core::kube::Version;
/// let then: Version = "1.6.1".parse()?;
/// assert!(then < Version::new(1, 6, 2));
/// assert_eq!(then.to_string(), "1.6.1");
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// The third, 0 when it is not given.
    pub patch: u16,
}

impl Version {
    /// A version.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 { Ok(()) } else { write!(f, ".{}", self.patch) }
    }
}

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim_start_matches('v').splitn(3, '.');
        let mut next = || parts.next().map_or(Ok(0), str::parse);
        Ok(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl TryFrom<String> for Version {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// The cluster's settings. Every field has a default, so that the smallest scenario declares no cluster at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cluster {
    /// A name for people.
    pub name: String,
    /// The addresses of pods: Calico's IP pool, and kube-proxy's `--cluster-cidr`.
    #[serde(rename = "podCIDR")]
    pub pod_cidr: Ipv4Net,
    /// Prefix length of the blocks that nodes take out of the pool.
    pub block_size: u8,
    /// The addresses of services.
    #[serde(rename = "serviceCIDR")]
    pub service_cidr: Ipv4Net,
    /// `serviceClusterIPs` of Calico's `BGPConfiguration`: service addresses that are told to routers, and what of them
    /// kube-proxy does not take is dropped (from Calico 3.17 on). The model's routers learn nothing from it.
    #[serde(rename = "serviceClusterIPs", skip_serializing_if = "Vec::is_empty")]
    pub service_cluster_ips: Vec<Ipv4Net>,
    /// When packets between nodes travel in IP-in-IP.
    pub overlay: Overlay,
    /// Whether the packets of BGP's sessions travel.
    #[serde(skip_serializing_if = "Bgp::is_routes")]
    pub bgp: Bgp,
    /// The release whose rules kube-proxy writes.
    pub kube_proxy: Version,
    /// How kube-proxy is configured.
    pub kube_proxy_options: KubeProxyOptions,
    /// kube-apiserver's `--service-node-port-range`: the first port and the last.
    pub node_port_range: (u16, u16),
    /// The release of Calico.
    pub calico: Version,
    /// The release of MetalLB.
    pub metallb: Version,
    /// The release of `kubectl`, on whose machine nobody asks; that of kube-proxy when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubectl: Option<Version>,
    /// The release of iptables on the nodes: it decides about `--random-fully`, and how listings look.
    pub iptables: Version,
    /// The kernel of the nodes.
    pub kernel: Version,
    /// The MTU of pods and of `tunl0`, in bytes. See [`Cluster::usual_mtu`].
    pub mtu: u16,
    /// The domain of the cluster's names.
    pub domain: String,
    /// `nameserver` in the machines' own `/etc/resolv.conf`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<Ipv4Addr>,
    /// `search` there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<String>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            name: "cluster".into(),
            pod_cidr: Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
            block_size: 26,
            service_cidr: Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 16),
            service_cluster_ips: Vec::new(),
            overlay: Overlay::Always,
            bgp: Bgp::Routes,
            kube_proxy: Version::new(1, 20, 0),
            kube_proxy_options: KubeProxyOptions::default(),
            node_port_range: (30_000, 32_767),
            calico: Version::new(3, 16, 0),
            metallb: Version::new(0, 8, 0),
            kubectl: None,
            iptables: Version::new(1, 6, 1),
            kernel: Version::new(4, 15, 0),
            mtu: 1440,
            domain: "cluster.local".into(),
            nameservers: Vec::new(),
            searches: Vec::new(),
        }
    }
}

impl Cluster {
    /// The release of iptables that goes with a release of kube-proxy where nobody says another. Today's kube-proxy brings its
    /// own in its image (`distroless-iptables`, kubernetes, `build/common.sh`), for which the one of Debian 12 stands here; that
    /// of the nodes of the white paper goes with the older ones.
    pub fn usual_iptables(kube_proxy: Version) -> Version {
        if kube_proxy < Version::new(1, 25, 0) { Self::default().iptables } else { Version::new(1, 8, 9) }
    }

    /// The MTU in bytes that Calico gives pods and `tunl0` of itself: up to 3.16 the one of its manifests, from 3.17 on
    /// that of the machines, here 1500, less what IP-in-IP needs (felix, `determinePodMTU`).
    ///
    /// ```
    /// use netscene_core::kube::{Cluster, Overlay, Version};
    /// assert_eq!(Cluster::usual_mtu(Version::new(3, 16, 0), Overlay::Always), Cluster::default().mtu);
    /// assert_eq!(Cluster::usual_mtu(Version::new(3, 20, 0), Overlay::Always), 1480);
    /// ```
    pub fn usual_mtu(calico: Version, overlay: Overlay) -> u16 {
        match overlay {
            _ if calico < Version::new(3, 17, 0) => 1440,
            Overlay::Always | Overlay::CrossSubnet => 1480,
            Overlay::Never => 1500,
        }
    }
}

/// Calico's `ipipMode` of an IP pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Overlay {
    /// Between all nodes.
    #[default]
    Always,
    /// Only between nodes of different subnets.
    CrossSubnet,
    /// Never: plain routes.
    Never,
}

/// How much there is of the BGP sessions between nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bgp {
    /// The routes they bring, and who notices when that a session is down.
    #[default]
    Routes,
    /// Also their packets, which are counted, tracked and dropped as others are.
    Packets,
}

impl Bgp {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_routes(&self) -> bool {
        *self == Self::Routes
    }
}

/// A range of addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest address.
    pub last: Ipv4Addr,
    /// The network, when the range was given as a CIDR.
    pub network: Option<Ipv4Net>,
    /// The router on the network.
    pub gateway: Option<Ipv4Addr>,
    /// The router's Ethernet address on it.
    pub gateway_mac: Option<Mac>,
    /// What takes addresses from it.
    pub purpose: PoolPurpose,
    /// Of a pool for load balancers, MetalLB's `auto-assign`: whether services get an address of it without asking for it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub auto_assign: bool,
}

pub(super) fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) fn is_yes(value: &bool) -> bool {
    *value
}

impl Pool {
    /// Whether `address` lies in the range.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.first <= address && address <= self.last
    }
}

/// What takes addresses from a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PoolPurpose {
    /// Nodes and hosts: the pool is a network.
    Machines,
    /// Services of type LoadBalancer: MetalLB assigns from it.
    LoadBalancer,
}

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// The name the scenario uses.
    pub name: String,
    /// The name the machine has in the cluster, which hashes depend on; often the same.
    pub hostname: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The block of pod addresses it holds; chosen as Calico would when not given.
    #[serde(rename = "podCIDR")]
    pub pod_cidr: Option<Ipv4Net>,
    /// The Ethernet address of its device; made from its place in the scenario when not given.
    pub mac: Option<Mac>,
    /// The name of its Ethernet device.
    pub device: DeviceName,
    /// The MTU of that in bytes; that of Ethernet when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Its label [`ZONE_LABEL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its other labels; those that the kubelet sets come by themselves.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What is set by `sysctl` on it, by name.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub sysctls: Labels,
    /// Its devices besides the one that its address is on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<NetworkDevice>,
    /// Its routes, besides those that the cluster's agents write and the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<StaticRoute>,
}

/// A machine outside the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The Ethernet address of its device; made from its place in the scenario when not given.
    pub mac: Option<Mac>,
    /// The MTU of its device in bytes; that of Ethernet when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// What runs on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
    /// Its routes, besides that to its network and the default one by its network's router. One for everything takes the
    /// place of the latter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<StaticRoute>,
}

/// TCP, UDP or SCTP, as Kubernetes writes them. Of SCTP there are the rules; nothing in the model speaks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransportProtocol {
    /// TCP.
    #[default]
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
    /// SCTP.
    #[serde(rename = "SCTP")]
    Sctp,
}

impl TransportProtocol {
    /// The protocol number of IPv4.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => crate::packet::protocol::TCP,
            Self::Udp => crate::packet::protocol::UDP,
            Self::Sctp => crate::packet::protocol::SCTP,
        }
    }

    /// The name as Kubernetes writes it.
    pub const fn upper(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// The name in lower case, as iptables and kube-proxy's hashes use it.
    pub const fn lower(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node it runs on, by the scenario's name.
    pub node: Option<String>,
    /// The address it must get; the next of its node's block when not given.
    pub address: Option<Ipv4Addr>,
    /// `interfaceName` of its WorkloadEndpoint: the host's end of its veth. Calico makes it from the pod's name; give it
    /// where only the device is known and not the name it was made from.
    pub interface_name: Option<DeviceName>,
    /// `hostNetwork`: it runs in the network of its node, and has the node's address.
    #[serde(default, skip_serializing_if = "is_default")]
    pub host_network: bool,
    /// What it has come to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: PodStatus,
    /// `hostname`: what it is called under its `subdomain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `subdomain`: the service under which it is called so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<String>,
    /// How it resolves names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dns: PodDns,
    /// Its labels.
    pub labels: Labels,
    /// Its service account.
    pub service_account: String,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A deployment, a daemon set or a stateful set: pods made from one template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// One pod on every node instead of `replicas` somewhere.
    pub daemon_set: bool,
    /// Numbered pods whose names stay, instead of pods that are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stateful_set: Option<StatefulSet>,
    /// How many pods.
    pub replicas: u32,
    /// The nodes they go to, in turn; every node when empty.
    pub on: Vec<String>,
    /// Pods whose names (and addresses) are given; they come first.
    pub pods: Vec<NamedPod>,
    /// `hostNetwork` of its pods, as of a [`Pod`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub host_network: bool,
    /// How its pods resolve names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dns: PodDns,
    /// The labels of its pods.
    pub labels: Labels,
    /// The service account of its pods.
    pub service_account: String,
    /// The containers of its pods.
    pub containers: Vec<Container>,
}

/// A pod of a deployment whose name is given, because a hash depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedPod {
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: Option<String>,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// As of a [`Pod`].
    pub interface_name: Option<DeviceName>,
    /// What it has come to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub status: PodStatus,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The ports it says it has.
    pub ports: Vec<ContainerPort>,
    /// What runs in it; nothing listens when not given.
    pub serve: Option<Serve>,
    /// Its files.
    #[serde(default, skip_serializing_if = "Disk::is_empty")]
    pub disk: Disk,
}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    /// Its name.
    pub name: Option<String>,
    /// `containerPort`.
    pub port: u16,
    /// TCP, UDP or SCTP.
    pub protocol: TransportProtocol,
}

/// What runs in a container. Each listens on the ports that the container declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "app")]
pub enum Serve {
    /// A web server. It answers 200 below its root and 404 elsewhere.
    Http {
        /// The path below which it has pages.
        root: String,
        /// What it does before it answers.
        on: Vec<HttpHandler>,
    },
    /// Accepts TCP connections, says nothing, and closes when the other side has.
    Tcp,
    /// Accepts TCP connections and closes them at once.
    Close,
    /// Says back what it is told, over TCP and UDP (RFC 862).
    Echo,
    /// CoreDNS, with the cluster's names.
    Dns {
        /// `pods` of its plugin `kubernetes`.
        #[serde(default, skip_serializing_if = "is_default")]
        pods: PodRecords,
    },
    /// A name server with the declared zones.
    Zones,
    /// The NGINX ingress controller, with the cluster's ingresses.
    IngressNginx,
}

/// Which names CoreDNS has for the addresses of pods, `a-b-c-d.namespace.pod.cluster.local`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodRecords {
    /// Of every address, whether there is such a pod or not: so kubeadm configures it.
    #[default]
    Insecure,
    /// Of those that a pod of the namespace has.
    Verified,
    /// None.
    Disabled,
}

impl PodRecords {
    /// By their names.
    pub const NAMED: [(&'static str, Self); 3] =
        [("insecure", Self::Insecure), ("verified", Self::Verified), ("disabled", Self::Disabled)];
}

/// What a web server does for a request before it answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpHandler {
    /// The request's method.
    pub method: String,
    /// The path the request's begins with.
    pub path: String,
    /// The servers it needs, in order; when one cannot be reached, the answer is 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connect: Vec<Connect>,
    /// How long it takes, once it has those.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub after: Duration,
    /// What it answers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub answer: HttpAnswer,
}

/// What a web server answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HttpAnswer {
    /// What it has at that path.
    #[default]
    Page,
    /// A status with a text.
    Text {
        /// The status.
        status: u16,
        /// The text; the status' name when not given.
        body: Option<String>,
    },
    /// Another place to go to.
    Redirect {
        /// The status: 301, 302, 303, 307 or 308.
        status: u16,
        /// `Location`: a URL or a path.
        to: String,
    },
    /// The head of the request, as it came.
    Echo,
    /// Nothing: it closes the connection.
    Close,
    /// Nothing: it resets the connection.
    Reset,
}

/// A server that a web server connects to, by name or address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connect {
    /// A name to resolve, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Node {
    /// A node that is called in the cluster as in the scenario, with one device `eth0`.
    pub fn new(name: &str, address: impl Into<Ipv4Addr>) -> Self {
        Self {
            name: name.into(),
            hostname: name.into(),
            address: address.into(),
            pod_cidr: None,
            mac: None,
            device: DeviceName::ETH0,
            mtu: None,
            zone: None,
            labels: Labels::default(),
            sysctls: Labels::default(),
            devices: Vec::new(),
            routes: Vec::new(),
        }
    }

    /// Its Ethernet address: the given one, else one made from its address.
    pub fn ethernet_address(&self) -> Mac {
        self.mac.unwrap_or_else(|| machine_mac(self.address))
    }

    /// The zone is one of its labels: written as one, it goes to where the model keeps it.
    pub(super) fn settle_zone(&mut self) {
        if let Some(zone) = self.labels.shift_remove(ZONE_LABEL) {
            self.zone.get_or_insert(zone);
        }
    }

    /// Its labels, with those that every kubelet sets (`k8s.io/api/core/v1`, `well_known_labels.go`) but the processor's
    /// architecture, which is not known.
    pub fn all_labels(&self) -> Labels {
        let mut all = Labels::from_iter([
            ("kubernetes.io/hostname".to_owned(), self.hostname.clone()),
            ("kubernetes.io/os".to_owned(), "linux".to_owned()),
        ]);
        all.extend(self.zone.clone().map(|zone| (ZONE_LABEL.to_owned(), zone)));
        all.extend(self.labels.clone());
        all
    }
}

impl Host {
    /// A machine outside the cluster.
    pub fn new(name: &str, address: impl Into<Ipv4Addr>) -> Self {
        let (name, address) = (name.into(), address.into());
        Self { name, address, mac: None, mtu: None, containers: Vec::new(), routes: Vec::new() }
    }

    /// Its Ethernet address: the given one, else one made from its address.
    pub fn ethernet_address(&self) -> Mac {
        self.mac.unwrap_or_else(|| machine_mac(self.address))
    }
}

/// A locally administered Ethernet address that nobody else's address makes.
pub(super) fn machine_mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    Mac([0x02, 0x42, a, b, c, d])
}

impl Pod {
    /// A pod without labels and containers, wherever there is room.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            node: None,
            address: None,
            interface_name: None,
            host_network: false,
            status: PodStatus::default(),
            hostname: None,
            subdomain: None,
            dns: PodDns::default(),
            labels: Labels::default(),
            service_account: "default".into(),
            containers: Vec::new(),
        }
    }
}

impl Deployment {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match (self.daemon_set, &self.stateful_set) {
            (true, _) => "daemon set",
            (false, Some(_)) => "stateful set",
            (false, None) => "deployment",
        }
    }

    /// A deployment of `replicas` pods from a template.
    pub fn new(namespace: &str, name: &str, replicas: u32, labels: Labels, containers: Vec<Container>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            daemon_set: false,
            stateful_set: None,
            replicas,
            on: Vec::new(),
            pods: Vec::new(),
            host_network: false,
            dns: PodDns::default(),
            labels,
            service_account: "default".into(),
            containers,
        }
    }
}

impl Container {
    /// A container that serves on one TCP port.
    pub fn serving(name: &str, port: u16, serve: Serve) -> Self {
        let ports = vec![ContainerPort { name: None, port, protocol: TransportProtocol::Tcp }];
        Self { name: name.into(), ports, serve: Some(serve), disk: Disk::default() }
    }
}
