use indexmap::IndexMap;

/// Labels, or an equality selector over them, in the order written.
///
/// A selector selects what has all its pairs; an empty selector selects nothing (a Service's rule, core/v1).
pub type Labels = IndexMap<String, String>;
