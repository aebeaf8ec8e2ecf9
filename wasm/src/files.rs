//! The other files of a scenario, as a page has them: a map from path to text.

use std::collections::BTreeMap;

use crate::types::{Files, stringify};

/// The files that a page gave. What is not a map of texts has no files.
pub(crate) fn map(files: Option<Files>) -> BTreeMap<String, String> {
    files.and_then(|files| serde_json::from_str(&stringify(&files.into())).ok()).unwrap_or_default()
}
