use super::{Command, NONE};
use crate::kube::Labels;
use crate::view::tabwriter::TabWriter;

/// The titles of a kind's columns: those after NAME, and those that `-o wide` adds.
pub(super) struct Columns {
    pub(super) usual: &'static [&'static str],
    pub(super) wide: &'static [&'static str],
}

/// An object's line in a table.
pub(super) struct Row {
    /// Empty for what is in none.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) usual: Vec<String>,
    pub(super) wide: Vec<String>,
}

impl Row {
    pub(super) fn new(namespace: &str, name: &str, usual: Vec<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), labels: Labels::default(), usual, wide: Vec::new() }
    }

    /// `namespace/name`.
    pub(super) fn key(&self) -> String {
        super::key(&self.namespace, &self.name)
    }
}

/// kubectl's columns (cli-runtime, `printers/tabwriter.go`).
const COLUMNS: TabWriter = TabWriter { min_width: 6, padding: 3 };

/// The table that `get` prints.
pub(super) fn table(columns: &Columns, rows: &[Row], command: &Command) -> String {
    let with_namespace = command.namespace.is_none() && command.kind.is_namespaced();
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !command.no_headers {
        let namespace = with_namespace.then_some("NAMESPACE");
        let wide = columns.wide.iter().filter(|_| command.wide);
        let labels = command.show_labels.then_some("LABELS");
        let titles =
            namespace.into_iter().chain(["NAME"]).chain(columns.usual.iter().chain(wide).copied()).chain(labels);
        lines.push(titles.map(str::to_owned).collect());
    }
    for row in rows {
        let namespace = with_namespace.then(|| row.namespace.clone());
        let wide = row.wide.iter().filter(|_| command.wide);
        let labels = command.show_labels.then(|| pairs(&row.labels));
        let cells = row.usual.iter().chain(wide).cloned();
        lines.push(namespace.into_iter().chain([row.name.clone()]).chain(cells).chain(labels).collect());
    }
    COLUMNS.align(&lines.into_iter().map(|cells| cells.join("\t") + "\n").collect::<String>())
}

/// `key=value,…` in the order of the keys (apimachinery, `labels.FormatLabels`).
pub(super) fn pairs(labels: &Labels) -> String {
    if labels.is_empty() {
        return NONE.to_owned();
    }
    let mut pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.sort_unstable();
    pairs.join(",")
}
