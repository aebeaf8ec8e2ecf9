/// A kind of objects that kubectl can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `pods`
    Pods,
    /// `services`
    Services,
    /// `endpoints`
    Endpoints,
    /// `endpointslices`
    EndpointSlices,
    /// `ingresses`
    Ingresses,
    /// `nodes`
    Nodes,
    /// `deployments`
    Deployments,
    /// `daemonsets`
    DaemonSets,
    /// `statefulsets`
    StatefulSets,
    /// `configmaps`
    ConfigMaps,
    /// `networkpolicies`
    NetworkPolicies,
    /// `ipaddresspools`, of MetalLB
    IpAddressPools,
    /// `l2advertisements`, of MetalLB
    L2Advertisements,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Pods,
        Self::Services,
        Self::Endpoints,
        Self::EndpointSlices,
        Self::Ingresses,
        Self::Nodes,
        Self::Deployments,
        Self::DaemonSets,
        Self::StatefulSets,
        Self::ConfigMaps,
        Self::NetworkPolicies,
        Self::IpAddressPools,
        Self::L2Advertisements,
    ];

    /// What it may be called: the plural, the singular and the short name (`kubectl api-resources`).
    pub const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Pods => ["pods", "pod", "po"],
            Self::Services => ["services", "service", "svc"],
            Self::Endpoints => ["endpoints", "endpoint", "ep"],
            Self::EndpointSlices => ["endpointslices", "endpointslice", "endpointslices"],
            Self::Ingresses => ["ingresses", "ingress", "ing"],
            Self::Nodes => ["nodes", "node", "no"],
            Self::Deployments => ["deployments", "deployment", "deploy"],
            Self::DaemonSets => ["daemonsets", "daemonset", "ds"],
            Self::StatefulSets => ["statefulsets", "statefulset", "sts"],
            Self::ConfigMaps => ["configmaps", "configmap", "cm"],
            Self::NetworkPolicies => ["networkpolicies", "networkpolicy", "netpol"],
            Self::IpAddressPools => ["ipaddresspools", "ipaddresspool", "ipaddresspools"],
            Self::L2Advertisements => ["l2advertisements", "l2advertisement", "l2advertisements"],
        }
    }

    /// The kind of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The resource and its group, as the API server names them in its errors.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::EndpointSlices => "endpointslices.discovery.k8s.io",
            Self::Ingresses => "ingresses.networking.k8s.io",
            Self::NetworkPolicies => "networkpolicies.networking.k8s.io",
            Self::Deployments => "deployments.apps",
            Self::DaemonSets => "daemonsets.apps",
            Self::StatefulSets => "statefulsets.apps",
            Self::IpAddressPools => "ipaddresspools.metallb.io",
            Self::L2Advertisements => "l2advertisements.metallb.io",
            _ => self.names()[0],
        }
    }

    /// Whether objects of the kind are in namespaces.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Nodes)
    }
}
