use crate::map::IndexMap;

/// Labels, or an equality selector over them, in the order written.
///
/// A selector selects what has all its pairs; an empty selector selects nothing (a Service's rule, core/v1).
pub type Labels = IndexMap<String, String>;

/// Whether `selector` selects something that has `labels`.
pub fn selects(selector: &Labels, labels: &Labels) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}
