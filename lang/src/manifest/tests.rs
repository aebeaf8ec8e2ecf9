use netscene_core::kube::ServiceBackendPort;

use super::*;
use crate::{SourceFiles, compile, has_errors};

fn objects(operations: &[Operation]) -> Vec<Object> {
    let object = |operation: &Operation| match &operation.op {
        Op::Declare { object } => Some(without_places(object.clone())),
        _ => None,
    };
    operations.iter().filter_map(object).collect()
}

/// Of a policy's rules, where they are written is no part of what they say.
fn without_places(mut object: Object) -> Object {
    if let Object::NetworkPolicy(policy) = &mut object {
        for rule in policy.ingress.iter_mut().chain(&mut policy.egress) {
            assert!(rule.origin.take().is_some());
            assert!(rule.peers.iter_mut().all(|peer| peer.origin.take().is_some()));
        }
    }
    object
}

/// A manifest and a scenario that say the same.
fn same(manifest: &str, scenario: &str) {
    let mut files = SourceFiles::default();
    let (applied, faults) = read(&files.add("x.yaml", manifest));
    assert_eq!(faults, []);
    let (program, faults) = compile(&files.add("x.scn", scenario));
    assert!(!has_errors(&faults), "{faults:?}");
    let declared = objects(program.declarations());
    let declared: Vec<_> =
        declared.into_iter().filter(|object| !matches!(object, Object::Namespace { .. } | Object::Pool(_))).collect();
    assert_eq!(objects(&applied), declared);
}

#[test]
fn a_manifest_declares_what_a_scenario_would() {
    same(
        "
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: worker1}, spec: {podCIDR: 192.168.8.192/26},
   status: {addresses: [{type: Hostname, address: worker1}, {type: InternalIP, address: 10.0.0.1}]}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    replicas: 1
    template:
      metadata: {labels: {app: web}}
      spec:
        serviceAccountName: shop
        containers: [{name: nginx, ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP, name: dns}]}]
- apiVersion: v1
  kind: Pod
  metadata: {name: web-75f45485dc-zvdj2, namespace: shop, ownerReferences: [{kind: ReplicaSet, name: web-75f45485dc}]}
  spec: {nodeName: worker1, containers: [{name: nginx}]}
  status: {podIP: 192.168.8.200}
",
        "node worker1 at 10.0.0.1 podCIDR 192.168.8.192/26
namespace shop {
  deployment web {
    replicas 1
    labels app=web
    serviceAccount shop
    pod web-75f45485dc-zvdj2 on worker1 at 192.168.8.200
    container nginx { port 80; port 53/UDP as dns; serve http }
  }
}
",
    );
}

#[test]
fn a_service_keeps_every_field() {
    same(
        "
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {
  type: LoadBalancer, clusterIP: 10.96.0.20, loadBalancerIP: 10.0.0.105, externalTrafficPolicy: Local,
  sessionAffinity: ClientIP, selector: {app: web},
  ports: [{name: http, port: 80, targetPort: http, nodePort: 30080}, {name: dns, port: 53, protocol: UDP}]}}
",
        "pool balancers 10.0.0.105 to 10.0.0.106 for LoadBalancer
namespace default {
  service web {
    type LoadBalancer
    clusterIP 10.96.0.20
    loadBalancerIP 10.0.0.105
    externalTrafficPolicy Local
    sessionAffinity ClientIP
    selector app=web
    port 80 -> http as http nodePort 30080
    port 53/UDP as dns
  }
}
",
    );
}

#[test]
fn an_ingress_of_each_version_is_the_same() {
    let old = "{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: web}, spec: {rules: [
      {http: {paths: [{path: /shop, backend: {serviceName: web, servicePort: 80}}]}}]}}";
    let new = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {rules: [
      {http: {paths: [{path: /shop, pathType: ImplementationSpecific,
                       backend: {service: {name: web, port: {number: 80}}}}]}}]}}";
    let mut files = SourceFiles::default();
    let (applied, faults) = read(&files.add("new.yaml", new));
    assert_eq!(faults, []);
    let Object::Ingress(ingress) = &objects(&applied)[0] else { panic!("{applied:?}") };
    let path = &ingress.paths[0];
    assert_eq!((path.path.as_str(), &path.port), ("/shop", &ServiceBackendPort::Number(80)));
    let (before, faults) = read(&files.add("old.yaml", old));
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [Code::Deprecated]);
    assert_eq!(objects(&before), objects(&applied));

    // A port may be named.
    let (before, _) = read(&files.add("old_name.yaml", old.replace("servicePort: 80", "servicePort: http")));
    let (applied, faults) = read(&files.add("new_name.yaml", new.replace("number: 80", "name: http")));
    assert_eq!(faults, []);
    let Object::Ingress(ingress) = &objects(&applied)[0] else { panic!("{applied:?}") };
    assert_eq!(ingress.paths[0].port, ServiceBackendPort::Name("http".to_owned()));
    assert_eq!(objects(&before), objects(&applied));
}

#[test]
fn a_policy_says_the_same_in_both() {
    same(
        "
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: web, labels: {app: web}}
spec:
  podSelector:
    matchLabels: {app: web}
    matchExpressions: [{key: tier, operator: NotIn, values: [db, cache]}, {key: debug, operator: DoesNotExist}]
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector: {matchLabels: {app: web}}
    - {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}
    - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}
    ports: [{port: 80}, {port: dns, protocol: UDP}, {port: 8000, endPort: 8100}, {protocol: UDP}]
  - {}
  egress:
  - to: [{namespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}}]
---
{kind: Node, apiVersion: v1, metadata: {name: n}, status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: web, labels: {app: web}}, spec: {nodeName: n, containers: []}}
",
        "namespace default {
  networkPolicy web {
    labels app=web
    podSelector app=web, tier NotIn db cache, debug DoesNotExist
    policyTypes Ingress, Egress
    ingress {
      from podSelector app=web
      from namespaceSelector all podSelector app=web
      from ipBlock 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16
      port 80
      port dns/UDP
      port 8000 to 8100
      port UDP
    }
    ingress { }
    egress { to namespaceSelector team Exists }
  }
}
node n at 10.0.0.1
namespace default { labels team=x; pod web on n { labels app=web } }
",
    );
}
