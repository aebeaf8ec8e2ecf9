//! Kubernetes' own manifests: from YAML to the objects that a scenario would declare.
//!
//! Fields are read by the names they have in Kubernetes' API. Those that make no difference to a packet are passed over;
//! one that Kubernetes does not know is a fault, as it is to `kubectl apply --validate`. Kinds that the model has no use
//! for are reported and left alone.
//!
//! What a manifest cannot say is said by annotations of a pod (or of a pod template), which `workload.rs` lists.

mod endpoint_slice;
mod fields;
mod ingress;
mod meta;
mod metallb;
mod policy;
mod service;
mod workload;
mod yaml;

use std::sync::Arc;

use netscene_core::kube::{ConfigMap, Object};
use netscene_core::world::{Op, Operation};

use self::fields::{Faults, Fields, text};
use self::meta::Meta;
use self::workload::Owned;
use self::yaml::{Node, Yaml};
use crate::{Code, Diagnostic, SourceFile, Span};

/// The objects of a manifest, in the order written but for MetalLB's pools, which come first, as operations that declare them; and everything there is to say about
/// it. The operations may be applied if no diagnostic is an error.
///
/// ```
/// use netscene_lang::{SourceFiles, manifest};
/// let mut files = SourceFiles::default();
/// let file = files.add("web.yaml", "\
/// apiVersion: v1
/// kind: Service
/// metadata: {name: web}
/// spec:
///   selecter: {app: web}
///   ports: [{port: 80}]
/// ");
/// let (operations, diagnostics) = manifest::read(&file);
/// assert_eq!(operations.len(), 1);
/// assert_eq!(diagnostics[0].labels[0].text, "did you mean `selector`?");
/// ```
pub fn read(file: &Arc<SourceFile>) -> (Vec<Operation>, Vec<Diagnostic>) {
    let (documents, fault) = yaml::documents(file);
    let faults = Faults::default();
    let mut reader = Reader { file, objects: Vec::new(), owned: Vec::new(), given: Vec::new(), left: Vec::new() };
    for document in documents.iter().filter(|document| !matches!(document.value, Yaml::Null)) {
        reader.object(document, &faults);
    }
    let Reader { mut objects, owned, given, .. } = reader;
    workload::adopt(&mut objects, owned);
    for given in given {
        service::give(&mut objects, given, &faults);
    }
    // In a cluster a service waits for its pool; here the pool is declared before it.
    objects.sort_by_key(|(object, _)| !matches!(object, Object::IpAddressPool(_)));
    let operation = |(object, span)| Operation { op: Op::Declare { object }, origin: Some(file.origin(span)) };
    let operations = objects.into_iter().map(operation).collect();
    let mut diagnostics = faults.into_vec();
    diagnostics.extend(fault);
    diagnostics.sort_by_key(Diagnostic::span);
    (operations, diagnostics)
}

/// Fields of every object that make no difference.
const ENVELOPE: [&str; 1] = ["status"];

struct Reader<'a> {
    file: &'a SourceFile,
    objects: Vec<(Object, Span)>,
    owned: Vec<Owned>,
    given: Vec<service::Given>,
    /// The kinds that are left alone.
    left: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Leaves an object of a kind that is not read. Once in a file is enough to say so.
    fn leave(&mut self, group: &str, kind: &'a str, head: Span, faults: &'a Faults) {
        if self.left.contains(&kind) {
            return;
        }
        self.left.push(kind);
        if NOTICED.contains(&domain(group)) {
            return workload::unmodelled(faults, head, &format!("{kind} of {group}"));
        }
        let diagnostic = Diagnostic::error(Code::UnknownKind, format!("{kind} is left alone")).warning();
        let misspelt = !OTHERS.contains(&kind) && KINDS.iter().all(|known| known.name != kind);
        let meant = crate::suggest::question(kind, KINDS.iter().map(|known| known.name)).filter(|_| misspelt);
        faults.tell(diagnostic.at(head, meant.unwrap_or_else(|| "the model has no use for it".to_owned())));
    }

    fn object(&mut self, node: &'a Node, faults: &'a Faults) {
        let Some(fields) = Fields::of(node, "an object", faults) else { return };
        let group = fields.required("apiVersion").and_then(|node| text(node, "apiVersion", faults));
        let kind = fields.required("kind").and_then(|node| text(node, "kind", faults));
        let (Some(group), Some(kind)) = (group, kind) else { return };
        if kind.ends_with("List") {
            for item in fields.list("items") {
                self.object(item, faults);
            }
            return;
        }
        let head = fields.get("kind").map_or(node.span, |kind| kind.span);
        let Some(known) = KINDS.iter().find(|known| known.name == kind && !known.is_foreign(group)) else {
            return self.leave(group, kind, head, faults);
        };
        known.check_group(group, fields.get("apiVersion").map_or(node.span, |node| node.span), faults);
        let Some(meta) = Meta::read(&fields, known.namespaced) else { return };
        if kind == "ReplicaSet" && meta.owner.is_some() {
            // It says nothing that the Deployment which has made it does not.
            return;
        }
        let before = faults.count();
        let read = match known.name {
            "Namespace" => {
                Some(Read::Object(Object::Namespace { name: meta.name.clone(), labels: meta.labels.clone() }))
            }
            "Node" => workload::node(&fields, &meta).map(Read::Object),
            "Pod" => workload::pod(&fields, &meta),
            "Service" => service::service(&fields, &meta).map(Read::Object),
            "Endpoints" => Some(Read::Endpoints(meta.name.clone(), service::endpoints(&fields))),
            "EndpointSlice" => endpoint_slice::read(&fields, &meta, head),
            "ConfigMap" => Some(Read::Object(config_map(&fields, &meta))),
            "Ingress" => ingress::ingress(&fields, &meta, group).map(Read::Object),
            "IPAddressPool" => metallb::ip_address_pool(&fields, &meta, head).map(Read::Object),
            "L2Advertisement" => Some(Read::Object(metallb::l2_advertisement(&fields, &meta, head))),
            "NetworkPolicy" => policy::network_policy(&fields, &meta, self.file).map(Read::Object),
            _ => workload::deployment(&fields, &meta, known.name).map(Read::Object),
        };
        fields.finish(&ENVELOPE);
        // Of an object with a fault the rest is not worth telling: it is not declared.
        let whole = Span { start: node.span.start, end: node.span.end, ..node.span };
        match read {
            Some(Read::Object(object)) => self.objects.push((object, whole)),
            Some(Read::Owned(owned)) if before == faults.count() => self.owned.push(owned),
            Some(Read::Owned(_)) | None => {}
            Some(Read::Endpoints(service, endpoints)) => {
                self.given.push(service::Given { namespace: meta.namespace.clone(), service, endpoints, head });
            }
        }
    }
}

/// A config map.
fn config_map(object: &Fields<'_>, meta: &Meta<'_>) -> Object {
    let data = object.pairs("data").into_iter().map(|(key, value, _)| (key.to_owned(), value.to_owned())).collect();
    object.get("binaryData");
    object.get("immutable");
    Object::ConfigMap(ConfigMap {
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        labels: meta.labels.clone(),
        annotations: meta.all_annotations(),
        data,
    })
}

/// What has been made of a manifest.
enum Read {
    Object(Object),
    /// A pod that a Deployment or a `DaemonSet` has made.
    Owned(Owned),
    /// What stands behind a service without selector.
    /// By the name of the service.
    Endpoints(String, Vec<netscene_core::kube::EndpointAddress>),
}

/// A kind of Kubernetes' API.
struct Kind {
    name: &'static str,
    /// `apiVersion` today.
    group: &'static str,
    /// Those it had before, no longer served, and the first release without them.
    before: &'static [(&'static str, &'static str)],
    namespaced: bool,
}

impl Kind {
    const fn new(name: &'static str, group: &'static str, before: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, group, before, namespaced: true }
    }

    /// Whether an `apiVersion` is of somebody else's kind of the same name: a group with a domain of its own.
    fn is_foreign(&self, group: &str) -> bool {
        let given = domain(group);
        given.contains('.') && given != domain(self.group) && !given.ends_with(".k8s.io")
    }

    fn check_group(&self, group: &str, span: Span, faults: &Faults) {
        if group == self.group {
            return;
        }
        let title = format!("{} is of {}", self.name, self.group);
        let diagnostic = match self.before.iter().find(|(before, _)| *before == group) {
            Some((_, gone)) => Diagnostic::error(Code::Deprecated, title)
                .warning()
                .at(span, format!("Kubernetes {gone} and later do not take `{group}`")),
            None => Diagnostic::error(Code::BadValue, title).at(span, format!("expected `{}`", self.group)),
        };
        faults.tell(diagnostic);
    }
}

/// The group of an `apiVersion`; empty for Kubernetes' core.
fn domain(group: &str) -> &str {
    group.split_once('/').map_or("", |(domain, _)| domain)
}

/// The kinds that are read (the deprecated API migration guide of Kubernetes tells what was when).
const KINDS: [Kind; 15] = [
    Kind::new("ConfigMap", "v1", &[]),
    Kind { namespaced: false, ..Kind::new("Namespace", "v1", &[]) },
    Kind { namespaced: false, ..Kind::new("Node", "v1", &[]) },
    Kind::new("Pod", "v1", &[]),
    Kind::new("Service", "v1", &[]),
    Kind::new("Endpoints", "v1", &[]),
    Kind::new("EndpointSlice", "discovery.k8s.io/v1", SLICE),
    Kind::new("Deployment", "apps/v1", WORKLOADS),
    Kind::new("DaemonSet", "apps/v1", WORKLOADS),
    Kind::new("ReplicaSet", "apps/v1", WORKLOADS),
    Kind::new("StatefulSet", "apps/v1", STATEFUL_SETS),
    Kind::new("Ingress", "networking.k8s.io/v1", INGRESS),
    Kind::new("NetworkPolicy", "networking.k8s.io/v1", POLICY),
    Kind::new("IPAddressPool", "metallb.io/v1beta1", &[]),
    Kind::new("L2Advertisement", "metallb.io/v1beta1", &[]),
];

/// Kinds of Kubernetes that make no difference to a packet, and are near in name to one that does.
const OTHERS: [&str; 3] = ["Secret", "ServiceAccount", "IngressClass"];

/// Groups of kinds that packets would notice, but for those above.
const NOTICED: [&str; 5] = [
    "crd.projectcalico.org",
    "gateway.networking.k8s.io",
    "metallb.io",
    "policy.networking.k8s.io",
    "projectcalico.org",
];

/// Where Deployments and their kin have been before.
const WORKLOADS: &[(&str, &str)] =
    &[("extensions/v1beta1", "1.16"), ("apps/v1beta1", "1.16"), ("apps/v1beta2", "1.16")];
const SLICE: &[(&str, &str)] = &[("discovery.k8s.io/v1beta1", "1.25")];
/// The same without the group in which there have never been stateful sets.
const STATEFUL_SETS: &[(&str, &str)] = &[("apps/v1beta1", "1.16"), ("apps/v1beta2", "1.16")];
const POLICY: &[(&str, &str)] = &[("extensions/v1beta1", "1.16")];
const INGRESS: &[(&str, &str)] = &[("extensions/v1beta1", "1.22"), ("networking.k8s.io/v1beta1", "1.22")];

#[cfg(test)]
mod tests;
