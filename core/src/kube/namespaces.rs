//! Namespaces: where each was declared, and its labels.

use std::sync::Arc;

use super::{Labels, State, Version};
use crate::Origin;

/// The label by which a namespace is selected by its name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// The first release that sets it (KEP-2161).
const NAMED_SINCE: Version = Version::new(1, 21, 0);

/// What is known of a namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespace {
    /// Where it was declared, or first used.
    pub(super) origin: Option<Origin>,
    /// Its labels as declared.
    labels: Labels,
}

impl State {
    /// A namespace may be opened as often as one likes; the first place counts. Labels add up.
    pub(super) fn set_namespace(&mut self, name: &str, labels: Labels, origin: Option<&Origin>) {
        let known = Arc::make_mut(&mut self.namespaces).entry(name.into()).or_default();
        if known.origin.is_none() {
            known.origin = origin.cloned();
        }
        known.labels.extend(labels);
    }

    /// The namespace of an object, which comes with it.
    pub(super) fn bring_namespace(&mut self, name: &str, origin: Option<&Origin>) {
        if !self.namespaces.contains_key(name) {
            let namespace = Namespace { origin: origin.cloned(), labels: Labels::default() };
            Arc::make_mut(&mut self.namespaces).insert(name.into(), namespace);
        }
    }

    /// The labels of a namespace; none if there is no such namespace. Since Kubernetes 1.21 its name is among them.
    ///
    /// ```
    /// use netscene_core::kube::{Cluster, NAMESPACE_NAME, Object, State, Version};
    /// let mut state = State::new(0);
    /// assert!(state.namespace_labels("default").is_empty(), "1.20 sets none");
    /// let cluster = Cluster { kube_proxy: Version::new(1, 36, 0), ..Cluster::default() };
    /// state.declare(Object::Cluster(cluster), None)?;
    /// assert_eq!(state.namespace_labels("default")[NAMESPACE_NAME], "default");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn namespace_labels(&self, name: &str) -> Labels {
        let Some(known) = self.namespaces.get(name) else { return Labels::default() };
        let mut labels = known.labels.clone();
        if self.names_namespaces() {
            labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
        }
        labels
    }

    /// Whether the API server labels namespaces with their names.
    pub(super) fn names_namespaces(&self) -> bool {
        self.cluster().kube_proxy >= NAMED_SINCE
    }
}
