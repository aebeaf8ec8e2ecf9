//! Selectors of policies as Felix reads and prints them, and the names of the sets it keeps for them.
//!
//! A selector goes through libcalico-go (`conversion.go`, `syncersv1/updateprocessors/rules.go`) to Felix, which parses it
//! and prints it in a form of its own (`lib/selector/parser`). A set is named by a hash of that text.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha224};

use crate::kube::{LabelOperator, LabelSelector, NetworkPolicyPeer, TransportProtocol};

/// The longest name of a set, in bytes (`IPSET_MAXNAMELEN` less its final zero).
const MAX_SET_NAME: usize = 31;
/// What a namespace's labels are called at its pods (libcalico-go, `NamespaceLabelPrefix`).
const OF_NAMESPACE: &str = "pcns.";

/// A selector, as parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    /// `all()`
    All,
    Equals(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    HasNot(String),
    And(Vec<Selector>),
}

impl Selector {
    /// Whom a peer of a policy of `namespace` means; `None` for an `ipBlock`.
    pub(super) fn of_peer(namespace: &str, peer: &NetworkPolicyPeer) -> Option<Self> {
        if peer.ip_block.is_some() {
            return None;
        }
        let namespaces = match &peer.namespace_selector {
            None => Self::Equals("projectcalico.org/namespace".to_owned(), namespace.to_owned()),
            Some(selector) if selector.is_empty() => Self::Has("projectcalico.org/namespace".to_owned()),
            Some(selector) => Self::all_of(requirements(selector, OF_NAMESPACE)),
        };
        let orchestrator = Self::Equals("projectcalico.org/orchestrator".to_owned(), "k8s".to_owned());
        let pods = peer.pod_selector.iter().flat_map(|selector| requirements(selector, ""));
        let pods = Self::all_of(std::iter::once(orchestrator).chain(pods).collect());
        Some(Self::And(vec![namespaces, pods]))
    }

    /// A single one stands for itself.
    fn all_of(mut all: Vec<Self>) -> Self {
        if all.len() == 1 { all.remove(0) } else { Self::And(all) }
    }

    /// What Felix calls it (`Selector.UniqueID`).
    pub(super) fn id(&self) -> String {
        unique_id("s", &self.to_string())
    }
}

/// The requirements of a selector: those of `matchLabels` by their keys, then the expressions as written.
fn requirements(selector: &LabelSelector, prefix: &str) -> Vec<Selector> {
    let mut pairs: Vec<_> = selector.match_labels.iter().collect();
    pairs.sort_unstable();
    let pairs = pairs.into_iter().map(|(key, value)| Selector::Equals(format!("{prefix}{key}"), value.clone()));
    let others = selector.match_expressions.iter().map(|one| {
        let key = format!("{prefix}{}", one.key);
        // `ConvertToStringSetInPlace`.
        let mut values = one.values.clone();
        values.sort_unstable();
        values.dedup();
        match one.operator {
            LabelOperator::In => Selector::In(key, values),
            LabelOperator::NotIn => Selector::NotIn(key, values),
            LabelOperator::Exists => Selector::Has(key),
            LabelOperator::DoesNotExist => Selector::HasNot(key),
        }
    });
    pairs.chain(others).collect()
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |f: &mut fmt::Formatter<'_>, key, operator, values: &[String]| {
            let values: Vec<_> = values.iter().map(|value| format!("\"{value}\"")).collect();
            write!(f, "{key} {operator} {{{}}}", values.join(", "))
        };
        match self {
            Self::All => f.write_str("all()"),
            Self::Equals(key, value) => write!(f, "{key} == \"{value}\""),
            Self::In(key, values) => set(f, key, "in", values),
            Self::NotIn(key, values) => set(f, key, "not in", values),
            Self::Has(key) => write!(f, "has({key})"),
            Self::HasNot(key) => write!(f, "!has({key})"),
            Self::And(all) => {
                let all: Vec<_> = all.iter().map(ToString::to_string).collect();
                write!(f, "({})", all.join(" && "))
            }
        }
    }
}

/// The id of a set of addresses and ports: those of a selector's pods that have a port of this name.
pub(super) fn named_port_id(selector: &Selector, protocol: TransportProtocol, port: &str) -> String {
    unique_id("n", &format!("{},{},{port}", selector.id(), protocol.lower()))
}

/// `MakeUniqueID` (libcalico-go, `lib/hash`).
fn unique_id(prefix: &str, content: &str) -> String {
    format!("{prefix}:{}", BASE64URL_NOPAD.encode(&Sha224::digest(format!("{prefix}:{content}"))))
}

/// The name of the set of that id for IPv4.
pub(super) fn set_name(id: &str) -> String {
    let mut name = format!("cali40{id}");
    name.truncate(MAX_SET_NAME);
    name
}
