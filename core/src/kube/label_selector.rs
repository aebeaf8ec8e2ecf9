//! Selectors with expressions: `metav1.LabelSelector`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Labels;

/// A selector of pods or namespaces: everything that it says has to hold. One that says nothing selects everything.
///
/// ```
/// use netscene_core::kube::{Labels, LabelOperator, LabelRequirement, LabelSelector};
/// let labels = |key: &str, value: &str| Labels::from_iter([(key.to_owned(), value.to_owned())]);
/// let key = "tier".to_owned();
/// let not = LabelRequirement { key, operator: LabelOperator::NotIn, values: vec!["db".into()] };
/// let selector = LabelSelector { match_labels: Labels::default(), match_expressions: vec![not] };
/// assert!(selector.selects(&labels("tier", "web")));
/// assert!(selector.selects(&labels("app", "web")), "what has no such key is in no set");
/// assert!(!selector.selects(&labels("tier", "db")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// `matchLabels`: these pairs.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub match_labels: Labels,
    /// `matchExpressions`: and all of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelRequirement>,
}

/// One of the `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRequirement {
    /// The label's key.
    pub key: String,
    /// What is asked of it.
    pub operator: LabelOperator,
    /// The values of a set; none where the operator needs none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// `operator` of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelOperator {
    /// The label is there with one of the values.
    In,
    /// It is not there, or has none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelOperator {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        }
    }

    /// Whether it compares with values.
    pub const fn takes_values(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

impl LabelRequirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            LabelOperator::In => value.is_some_and(|value| self.values.contains(value)),
            LabelOperator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    }
}

impl LabelSelector {
    /// A selector of pairs and nothing else.
    pub fn of(match_labels: Labels) -> Self {
        Self { match_labels, match_expressions: Vec::new() }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether it selects what has these labels.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|one| one.holds(labels))
    }
}

impl fmt::Display for LabelSelector {
    /// As `kubectl` writes it (apimachinery, `FormatLabelSelector`): the requirements by their keys, `k=v,x in (a,b),!y`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.match_labels.iter().map(|(key, value)| (key, format!("{key}={value}")));
        let others = self.match_expressions.iter().map(|one| (&one.key, one.to_string()));
        let mut parts: Vec<_> = pairs.chain(others).collect();
        parts.sort_by_key(|(key, _)| *key);
        let parts: Vec<_> = parts.into_iter().map(|(_, text)| text).collect();
        f.write_str(&parts.join(","))
    }
}

impl fmt::Display for LabelRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, operator, values } = self;
        let mut values: Vec<_> = values.iter().map(String::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        match operator {
            LabelOperator::In => write!(f, "{key} in ({values})"),
            LabelOperator::NotIn => write!(f, "{key} notin ({values})"),
            LabelOperator::Exists => f.write_str(key),
            LabelOperator::DoesNotExist => write!(f, "!{key}"),
        }
    }
}
