//! Ingresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Labels, ServicePort, TargetPort};

/// An ingress.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ingress {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// `ingressClassName`: which controller it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,
    /// `tls[].hosts`: the hosts there are certificates for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<String>,
    /// `defaultBackend`: for requests that no path is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_backend: Option<IngressBackend>,
    /// Its paths, in the order written.
    pub paths: Vec<IngressPath>,
}

impl Ingress {
    /// Whether it is for a controller of the class `nginx`: the annotation comes before the field, and an ingress with neither is
    /// everybody's (`--ingress-class`, and `k8s.io/ingress-nginx` of its `IngressClass`).
    pub fn is_nginx(&self) -> bool {
        let named = self.annotations.get(super::INGRESS_CLASS).or(self.ingress_class_name.as_ref());
        named.is_none_or(|class| class == "nginx")
    }
}

/// A service and a port of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressBackend {
    /// The service, in the ingress' namespace.
    pub service: String,
    /// The service's port.
    pub port: ServiceBackendPort,
}

/// How an ingress names a port of a service (networking.k8s.io/v1). One is written as the other is: `80`, `http`.
///
/// ```
/// use netscene_core::kube::ServiceBackendPort;
/// assert_eq!(ServiceBackendPort::Name("http".to_owned()).to_string(), "http");
/// assert_eq!(ServiceBackendPort::Number(80).to_string(), "80");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ServiceBackendPort {
    /// By its number.
    Number(u16),
    /// By its name.
    Name(String),
}

impl ServiceBackendPort {
    /// Whether this is that port of a service.
    pub fn is(&self, port: &ServicePort) -> bool {
        match self {
            Self::Number(number) => port.port == *number,
            Self::Name(name) => port.name.as_deref() == Some(name),
        }
    }

    /// Whether ingress-nginx takes it for that port of a service: the controller compares it with `targetPort` too
    /// (`serviceEndpoints` in `internal/ingress/controller/controller.go`).
    pub fn leads_to(&self, port: &ServicePort) -> bool {
        let target = match (self, &port.target_port) {
            (Self::Number(number), Some(TargetPort::Number(target))) => number == target,
            (Self::Name(name), Some(TargetPort::Name(target))) => name == target,
            _ => false,
        };
        target || self.is(port)
    }
}

impl fmt::Display for ServiceBackendPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A path of an ingress and the service behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressPath {
    /// The host it is for; every host when not given.
    pub host: Option<String>,
    /// `pathType`.
    pub path_type: PathType,
    /// The path.
    pub path: String,
    /// The service, in the ingress' namespace.
    pub service: String,
    /// The service's port.
    pub port: ServiceBackendPort,
}

/// `pathType` of an ingress path (networking.k8s.io/v1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathType {
    /// The path and nothing else.
    Exact,
    /// The path and all below it, element by element.
    Prefix,
    /// What the controller makes of it: for nginx, whatever begins with the text.
    ImplementationSpecific,
}
