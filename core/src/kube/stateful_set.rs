//! Stateful sets: pods with names that stay (kubernetes, `pkg/controller/statefulset/stateful_set_utils.go`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::declare::Wanted;
use super::validate::{dns_label, fault};
use super::{Deployment, NamedPod, State};
use crate::world::OpError;

/// The label of a pod that says its name, so that a service can select a single one.
pub const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// What makes a deployment's pods those of a stateful set: they are called after it and numbered from 0, and another pod of
/// a number has the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatefulSet {
    /// `serviceName`: the headless service under which each pod has a name. Empty where none is given.
    pub service_name: String,
}

/// The number of a pod, by its name.
pub(super) fn ordinal(set: &str, pod: &str) -> Option<u32> {
    let number = pod.strip_prefix(set)?.strip_prefix('-')?;
    let plain = number == "0" || !number.starts_with('0');
    number.parse().ok().filter(|_| plain && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The name of the pod of that number.
pub(super) fn pod_name(set: &str, ordinal: u32) -> String {
    format!("{set}-{ordinal}")
}

/// What holds for a stateful set besides what holds for a deployment.
pub(super) fn check(deployment: &Deployment, set: &StatefulSet) -> Result<(), OpError> {
    let name = &deployment.name;
    if !set.service_name.is_empty() {
        dns_label("serviceName", &set.service_name)?;
    }
    if deployment.daemon_set {
        return Err(fault(format!("{name} cannot be a stateful set and a daemon set"), "declare two"));
    }
    for pod in &deployment.pods {
        if ordinal(name, &pod.name).is_none_or(|ordinal| ordinal >= deployment.replicas) {
            let problem = format!("stateful set {name} with {} replicas has no pod {}", deployment.replicas, pod.name);
            return Err(fault(problem, format!("its pods are {name}-0 to {name}-{}", deployment.replicas.max(1) - 1)));
        }
    }
    Ok(())
}

/// The pods of a stateful set, in their order: pod number i goes to the i-th node, unless it is said of it.
pub(super) fn pods(deployment: &Deployment, on: &[Arc<str>]) -> Vec<Wanted> {
    let pod = |ordinal: u32| {
        let name = pod_name(&deployment.name, ordinal);
        let said = deployment.pods.iter().find(|pod| pod.name == name);
        let NamedPod { name, node, address, interface_name, status } =
            said.cloned().unwrap_or(NamedPod { name, ..NamedPod::default() });
        let node = node.map_or_else(|| on[ordinal as usize % on.len()].clone(), Into::into);
        Wanted { name, node, address, interface_name, status }
    };
    (0..deployment.replicas).map(pod).collect()
}

impl State {
    /// The name of the next pod of a stateful set: the lowest number that no pod has.
    pub(super) fn next_of_stateful_set(&self, deployment: &Deployment) -> String {
        let mut names = (0..).map(|ordinal| pod_name(&deployment.name, ordinal));
        let is_free = |name: &String| self.pods.get(&format!("{}/{name}", deployment.namespace)).is_none();
        names.find(is_free).unwrap_or_default()
    }

    /// The pod with the highest number, which goes first.
    pub(super) fn last_of_stateful_set(&self, deployment: &Deployment) -> Option<Arc<str>> {
        let owner = format!("{}/{}", deployment.namespace, deployment.name);
        let last = self.pods.of(&owner).max_by_key(|pod| ordinal(&deployment.name, &pod.name));
        last.map(|pod| pod.key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::{declare, node};
    use super::super::{Labels, Object, ObjectKind};
    use super::*;

    fn set(replicas: u32) -> Deployment {
        let plain = Deployment::new("default", "db", replicas, Labels::default(), Vec::new());
        Deployment { stateful_set: Some(StatefulSet { service_name: "db".into() }), ..plain }
    }

    fn running(state: &State) -> Vec<(String, String)> {
        state.pods().map(|pod| (pod.name.to_string(), pod.node.to_string())).collect()
    }

    fn names(state: &State) -> Vec<String> {
        running(state).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_has_one_number() {
        assert_eq!(ordinal("db", "db-0"), Some(0));
        assert_eq!(ordinal("db", "db-12"), Some(12));
        for other in ["db", "db-", "db-01", "db-x", "db-+1", "web-0", "db-0-0"] {
            assert_eq!(ordinal("db", other), None, "{other}");
        }
    }

    #[test]
    fn names_stay_and_the_highest_goes_first() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        declare(&mut state, node("b", "10.0.0.2", "192.168.165.192/26"));
        declare(&mut state, Object::Deployment(set(3)));
        let on = [("db-0", "a"), ("db-1", "b"), ("db-2", "a")];
        assert_eq!(running(&state), on.map(|(name, node)| (name.to_owned(), node.to_owned())));
        state.scale("db", 2).unwrap();
        assert_eq!(names(&state), ["db-0", "db-1"]);
        let before = state.pod("db-0").unwrap().address;
        state.delete(ObjectKind::Pod, "db-0").unwrap();
        assert_eq!(names(&state), ["db-1", "db-0"]);
        assert_ne!(state.pod("db-0").unwrap().address, before);
        state.scale("db", 4).unwrap();
        assert_eq!(names(&state), ["db-1", "db-0", "db-2", "db-3"]);
        let labels = &state.pod("db-3").unwrap().labels;
        assert_eq!(labels.get(POD_NAME_LABEL).map(String::as_str), Some("db-3"));
        let new = Deployment { service_account: "other".into(), ..set(4) };
        state.change(&Object::Deployment(new), &["serviceAccount".into()], super::super::Strategy::Replace).unwrap();
        assert_eq!(names(&state), ["db-3", "db-2", "db-1", "db-0"]);
    }

    #[test]
    fn a_pod_that_is_named_is_one_of_its_numbers() {
        let mut state = State::new(0);
        declare(&mut state, node("a", "10.0.0.1", "192.168.8.192/26"));
        for name in ["db-2", "web-0"] {
            let pods = vec![NamedPod { name: name.into(), ..NamedPod::default() }];
            let error = state.declare(Object::Deployment(Deployment { pods, ..set(2) }), None).unwrap_err();
            assert_eq!(error.problem, format!("stateful set db with 2 replicas has no pod {name}"));
        }
    }
}
