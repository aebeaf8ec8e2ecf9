//! Nodes, pods, and what makes pods.
//!
//! What the API has no field for is said by annotations of the pod or its template:
//!
//! | Annotation | says |
//! |---|---|
//! | `scn/serve.CONTAINER` | what runs in a container, as `serve` says it in a scenario: `http root /wordpress` |
//! | `scn/interfaceName` | the host's end of the pod's veth |
//! | `cni.projectcalico.org/ipAddrs` | the pod's address, `["192.168.8.222"]` (Calico's own annotation) |
//!
//! A container without `scn/serve.…` serves what its port's name or number is known for: HTTP on ports named `http…`, on 80
//! and 8080; nothing but accepted connections on other TCP ports; nothing on UDP ports.

use std::net::Ipv4Addr;

use netscene_core::kube::{
    Container, ContainerPort, Deployment, Disk, DnsPolicy, Labels, NamedPod, Node, Object, Pod, PodDns, PodPhase,
    PodStatus, Serve, StatefulSet, TransportProtocol, VolumeMount,
};

use netscene_core::world::Op;

use super::Read;
use super::fields::{Faults, Fields};
use super::meta::{self, Meta};
use crate::{Code, Diagnostic, SourceFiles, Span, compile};

/// A pod that a Deployment or a `DaemonSet` has made, as `kubectl get pods -o yaml` prints it.
pub(super) struct Owned {
    namespace: String,
    owner: (String, String),
    pod: Pod,
    span: Span,
}

/// Fields of a pod's `spec` that make no difference.
const IDLE_POD: [&str; 22] = [
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "hostIPC",
    "hostPID",
    "imagePullSecrets",
    "initContainers",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "shareProcessNamespace",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "overhead",
];

/// Fields of a container that make no difference.
const IDLE_CONTAINER: [&str; 16] = [
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "resources",
    "securityContext",
    "startupProbe",
    "stdin",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
];

/// Fields of the `spec` of a Deployment and its kin that make no difference.
const IDLE_WORKLOAD: [&str; 9] = [
    "minReadySeconds",
    "paused",
    "persistentVolumeClaimRetentionPolicy",
    "podManagementPolicy",
    "progressDeadlineSeconds",
    "revisionHistoryLimit",
    "strategy",
    "updateStrategy",
    "volumeClaimTemplates",
];

/// A machine: `kubectl get nodes -o yaml`.
pub(super) fn node(object: &Fields<'_>, meta: &Meta<'_>) -> Option<Object> {
    let spec = object.fields("spec");
    let pod_cidr = spec.as_ref().and_then(|spec| spec.parsed("podCIDR", "CIDR"));
    if let Some(spec) = spec {
        spec.finish(&["podCIDRs", "providerID", "taints", "unschedulable", "externalID"]);
    }
    let addresses = object.fields("status").map(|status| status.each("addresses", "an address")).unwrap_or_default();
    let internal = |one: &&Fields<'_>| one.text("type") == Some("InternalIP");
    let address = addresses.iter().find(internal).and_then(|one| one.parsed::<Ipv4Addr>("address", "IPv4 address"));
    let Some(address) = address else {
        let diagnostic = Diagnostic::error(Code::Missing, format!("node `{}` has no address", meta.name));
        object.faults.tell(diagnostic.at(object.head(), "expected one of type InternalIP in `status.addresses`"));
        return None;
    };
    let mut node = Node::new(&meta.name, address);
    node.pod_cidr = pod_cidr;
    node.labels.clone_from(&meta.labels);
    Some(Object::Node(node))
}

/// A pod of its own, or one that somebody has made.
pub(super) fn pod(object: &Fields<'_>, meta: &Meta<'_>) -> Option<Read> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let template = Template::read(spec, meta);
    let mut pod = Pod::new(&meta.namespace, &meta.name);
    pod.node = template.node;
    pod.address = template.address;
    if let Some(status) = object.fields("status") {
        let address = status.parsed("podIP", "IPv4 address");
        // A pod in the network of its node has the node's.
        pod.address = pod.address.or(address.filter(|_| !template.host_network));
        pod.status = pod_status(&status);
    }
    pod.status.conditions.terminating |= meta.terminating;
    pod.interface_name = template.interface_name;
    pod.labels.clone_from(&meta.labels);
    pod.host_network = template.host_network;
    pod.hostname = template.hostname;
    pod.subdomain = template.subdomain;
    pod.dns = template.dns;
    pod.service_account = template.service_account;
    pod.containers = template.containers;
    Some(match meta.owner {
        Some((kind, name)) => Read::Owned(Owned {
            namespace: meta.namespace.clone(),
            owner: (kind.to_owned(), name.to_owned()),
            pod,
            span: object.span(),
        }),
        None => Read::Object(Object::Pod(pod)),
    })
}

/// `status` of a pod, as far as the model does not find it out.
fn pod_status(status: &Fields<'_>) -> PodStatus {
    let phases = [
        ("Pending", PodPhase::Running),
        ("Running", PodPhase::Running),
        ("Succeeded", PodPhase::Completed),
        ("Failed", PodPhase::Error),
        ("Unknown", PodPhase::Running),
    ];
    let mut found = PodStatus { phase: status.choice("phase", &phases).unwrap_or_default(), ..PodStatus::default() };
    for container in status.each("containerStatuses", "a container's status") {
        found.restarts += container.parsed::<u32>("restartCount", "number of restarts").unwrap_or_default();
    }
    for condition in status.each("conditions", "a condition") {
        if condition.text("type") == Some("Ready") && found.phase == PodPhase::Running {
            found.conditions.ready = condition.text("status") != Some("False");
        }
    }
    found
}

/// A Deployment, `ReplicaSet`, `DaemonSet` or `StatefulSet`.
pub(super) fn deployment(object: &Fields<'_>, meta: &Meta<'_>, kind: &str) -> Option<Object> {
    object.required("spec")?;
    let spec = object.fields("spec")?;
    let replicas = spec.parsed("replicas", "number of replicas").unwrap_or(1);
    spec.required("template")?;
    let template = spec.fields("template")?;
    let own = template.fields("metadata");
    let labels = own.as_ref().map(|own| meta::labels(own, "labels")).unwrap_or_default();
    let annotations = own.as_ref().map(|own| own.pairs("annotations")).unwrap_or_default();
    if let Some(own) = own {
        own.finish(&["creationTimestamp", "name", "namespace"]);
    }
    check_selector(&spec, &labels);
    let inner = Meta {
        annotations,
        name: meta.name.clone(),
        namespace: String::new(),
        labels: Labels::default(),
        owner: None,
        terminating: false,
    };
    template.required("spec")?;
    let pod = Template::read(template.fields("spec")?, &inner);
    template.finish(&[]);
    let service_name = if kind == "StatefulSet" { spec.text("serviceName") } else { None };
    let service_name = service_name.unwrap_or_default().to_owned();
    spec.finish(&IDLE_WORKLOAD);
    let mut deployment = Deployment::new(&meta.namespace, &meta.name, replicas, labels, pod.containers);
    deployment.daemon_set = kind == "DaemonSet";
    deployment.stateful_set = (kind == "StatefulSet").then_some(StatefulSet { service_name });
    deployment.host_network = pod.host_network;
    deployment.dns = pod.dns;
    deployment.service_account = pod.service_account;
    deployment.on = pod.node.into_iter().collect();
    Some(Object::Deployment(deployment))
}

/// The selector must select what the template makes (`apps/v1` refuses others).
fn check_selector(spec: &Fields<'_>, labels: &Labels) {
    let Some(selector) = spec.fields("selector") else { return };
    for (key, value, span) in selector.pairs("matchLabels") {
        if labels.get(key).map(String::as_str) != Some(value) {
            let diagnostic = Diagnostic::error(Code::BadValue, "the selector does not select the template's pods");
            spec.faults.tell(diagnostic.at(span, format!("the template has no label {key}={value}")));
        }
    }
    selector.finish(&["matchExpressions"]);
}

/// Gives the pods that somebody has made to whoever has, if that is declared; others stand alone.
pub(super) fn adopt(objects: &mut Vec<(Object, Span)>, owned: Vec<Owned>) {
    for Owned { namespace, owner: (kind, name), pod, span } in owned {
        // A ReplicaSet of a Deployment is called after it, with the hash of the template.
        let maker = match kind.as_str() {
            "ReplicaSet" => name.rsplit_once('-').map_or(name.as_str(), |(maker, _)| maker),
            _ => name.as_str(),
        };
        let found = objects.iter_mut().find_map(|(object, _)| match object {
            Object::Deployment(one) if one.namespace == namespace && (one.name == maker || one.name == name) => {
                Some(one)
            }
            _ => None,
        });
        let Some(deployment) = found else {
            objects.push((Object::Pod(pod), span));
            continue;
        };
        let Pod { name, node, address, interface_name, status, .. } = pod;
        deployment.pods.push(NamedPod { name, node, address, interface_name, status });
        if deployment.daemon_set {
            // One on every node, as far as they are known.
            deployment.replicas = deployment.pods.len() as u32;
        }
    }
}

/// What a pod is made from.
struct Template {
    node: Option<String>,
    address: Option<Ipv4Addr>,
    interface_name: Option<netscene_core::packet::DeviceName>,
    host_network: bool,
    hostname: Option<String>,
    subdomain: Option<String>,
    dns: PodDns,
    service_account: String,
    containers: Vec<Container>,
}

impl Template {
    fn read(spec: Fields<'_>, meta: &Meta<'_>) -> Self {
        let faults = spec.faults;
        let by_label = spec.fields("nodeSelector").and_then(|selector| {
            let name = selector.text("kubernetes.io/hostname").map(str::to_owned);
            let others = ["kubernetes.io/os", "beta.kubernetes.io/os", "kubernetes.io/arch"];
            for (key, _, span) in spec.pairs("nodeSelector") {
                if key != "kubernetes.io/hostname" && !others.contains(&key) {
                    unmodelled(faults, span, &format!("the node selector `{key}`"));
                }
            }
            name
        });
        let node = spec.text("nodeName").map(str::to_owned).or(by_label);
        let host_network = spec.truth("hostNetwork").unwrap_or_default();
        let service_account = spec.text("serviceAccountName").unwrap_or("default").to_owned();
        let volumes = shared_volumes(&spec);
        let containers = spec.each("containers", "a container");
        let containers =
            containers.into_iter().filter_map(|fields| container(fields, meta, &volumes, host_network)).collect();
        let [hostname, subdomain] = ["hostname", "subdomain"].map(|name| spec.text(name).map(str::to_owned));
        let dns = pod_dns(&spec);
        if let Some(aliases) = spec.get("hostAliases") {
            unmodelled(faults, aliases.span, "hostAliases");
        }
        spec.finish(&IDLE_POD);
        Self {
            hostname,
            subdomain,
            dns,
            node,
            address: address(meta, faults),
            interface_name: interface_name(meta, faults),
            host_network,
            service_account,
            containers,
        }
    }
}

/// `dnsPolicy` and `dnsConfig`.
fn pod_dns(spec: &Fields<'_>) -> PodDns {
    let mut dns = PodDns { dns_policy: spec.choice("dnsPolicy", &DnsPolicy::NAMED), ..PodDns::default() };
    let Some(config) = spec.fields("dnsConfig") else { return dns };
    dns.nameservers = config.parsed_list("nameservers", "IPv4 address");
    dns.searches = config.parsed_list("searches", "domain");
    for option in config.each("options", "an option") {
        let name = option.text("name").unwrap_or_default().to_owned();
        let value = option.parsed::<u8>("value", "value of an option");
        if !value.is_some_and(|value| dns.set_option(&name, value)) {
            unmodelled(spec.faults, option.head(), &format!("the resolver's option `{name}`"));
        }
        option.finish(&[]);
    }
    config.finish(&[]);
    dns
}

pub(super) fn unmodelled(faults: &Faults, span: Span, what: &str) {
    let diagnostic = Diagnostic::error(Code::Unmodelled, format!("the model does not have {what}")).warning();
    faults.tell(diagnostic.at(span, "passed over"));
}

/// The address that an annotation of Calico asks for: `["192.168.8.222"]`.
fn address(meta: &Meta<'_>, faults: &Faults) -> Option<Ipv4Addr> {
    let (list, span) = meta.annotation("cni.projectcalico.org/ipAddrs")?;
    let one = list.trim().strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    let address = one.and_then(|one| one.trim().trim_matches('"').parse().ok());
    if address.is_none() {
        let diagnostic = Diagnostic::error(Code::BadValue, format!("`{list}` is no list of one IPv4 address"));
        faults.tell(diagnostic.at(span, "expected `[\"192.168.8.222\"]`"));
    }
    address
}

fn interface_name(meta: &Meta<'_>, faults: &Faults) -> Option<netscene_core::packet::DeviceName> {
    let (name, span) = meta.annotation("scn/interfaceName")?;
    match name.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            faults.tell(Diagnostic::error(Code::BadValue, error.to_string()).at(span, "expected a device's name"));
            None
        }
    }
}

/// The volumes that begin empty, and that containers of the pod may share. What is in others, the model does not know.
fn shared_volumes<'a>(spec: &Fields<'a>) -> Vec<&'a str> {
    let mut shared = Vec::new();
    for volume in spec.each("volumes", "a volume") {
        let name = volume.required("name").and_then(|_| volume.text("name"));
        shared
            .extend(name.filter(|_| volume.get("emptyDir").is_some() || volume.get("persistentVolumeClaim").is_some()));
    }
    shared
}

/// What a manifest says of a container's files.
fn disk(fields: &Fields<'_>, volumes: &[&str]) -> Disk {
    let mut volume_mounts = Vec::new();
    for mount in fields.each("volumeMounts", "a volume mount") {
        let name = mount.required("name").and_then(|_| mount.text("name"));
        let path = mount.required("mountPath").and_then(|_| mount.text("mountPath"));
        mount.finish(&["readOnly", "subPath", "subPathExpr", "mountPropagation", "recursiveReadOnly"]);
        if let (Some(name), Some(path)) = (name, path)
            && volumes.contains(&name)
        {
            volume_mounts.push(VolumeMount { name: name.to_owned(), mount_path: path.to_owned() });
        }
    }
    Disk { working_dir: fields.text("workingDir").map(str::to_owned), volume_mounts, ..Disk::default() }
}

fn container(fields: Fields<'_>, meta: &Meta<'_>, volumes: &[&str], host_network: bool) -> Option<Container> {
    let name = fields.required("name").and_then(|_| fields.text("name"));
    let mut ports = Vec::new();
    for port in fields.each("ports", "a port") {
        let number = port.required("containerPort").and_then(|_| port.port("containerPort"));
        let protocol = protocol(&port);
        let name = port.text("name").map(str::to_owned);
        // In the network of its node every port is one of the host.
        if let Some(host_port) = port.get("hostPort").filter(|_| !host_network) {
            unmodelled(fields.faults, host_port.span, "hostPort, which the CNI plugin portmap makes");
        }
        port.finish(&["hostIP"]);
        ports.extend(number.zip(protocol).map(|(port, protocol)| ContainerPort { name, port, protocol }));
    }
    let faults = fields.faults;
    let disk = disk(&fields, volumes);
    fields.finish(&IDLE_CONTAINER);
    let name = name?;
    let serve = match meta.annotation(&format!("scn/serve.{name}")) {
        Some((text, span)) => serve(text, span, faults),
        None => known_for(&ports),
    };
    Some(Container { name: name.to_owned(), ports, serve, disk })
}

/// What `serve TEXT` says in a container of a scenario.
fn serve(text: &str, span: Span, faults: &Faults) -> Option<Serve> {
    let scenario = format!("namespace a {{ pod b {{ container c {{ port 1; serve {text} }} }} }}\n");
    let (program, diagnostics) = compile(&SourceFiles::default().add("annotation", scenario));
    if let Some(fault) = diagnostics.first() {
        let label = fault.labels.first().map(|label| label.text.clone()).unwrap_or_default();
        let title = format!("`serve {text}` cannot be read: {}", fault.title);
        faults.tell(Diagnostic::error(Code::BadValue, title).at(span, label));
        return None;
    }
    program.declarations().iter().find_map(|operation| match &operation.op {
        Op::Declare { object: Object::Pod(pod) } => pod.containers.first()?.serve.clone(),
        _ => None,
    })
}

/// The protocols of ports, as Kubernetes writes them.
pub(super) const PROTOCOLS: [(&str, TransportProtocol); 3] =
    [("TCP", TransportProtocol::Tcp), ("UDP", TransportProtocol::Udp), ("SCTP", TransportProtocol::Sctp)];

/// TCP where nothing else is said.
pub(super) fn protocol(port: &Fields<'_>) -> Option<TransportProtocol> {
    match port.get("protocol") {
        None => Some(TransportProtocol::Tcp),
        Some(_) => port.choice("protocol", &PROTOCOLS),
    }
}

/// What a container's ports are known for.
fn known_for(ports: &[ContainerPort]) -> Option<Serve> {
    let tcp = |port: &&ContainerPort| port.protocol == TransportProtocol::Tcp;
    let http = |port: &ContainerPort| {
        matches!(port.port, 80 | 8080) || port.name.as_ref().is_some_and(|name| name.starts_with("http"))
    };
    let mut found = ports.iter().filter(tcp).peekable();
    found.peek()?;
    Some(if found.any(http) { Serve::Http { root: "/".to_owned(), on: Vec::new() } } else { Serve::Tcp })
}
