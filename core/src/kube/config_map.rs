use serde::{Deserialize, Serialize};

use super::Labels;
use crate::map::IndexMap;

/// A config map (core/v1). Nothing in the model reads one: it is there to be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// Its texts, by key.
    pub data: IndexMap<String, String>,
}
