use std::fmt::Display;

use super::{Cluster, NONE};
use crate::kube::{Labels, Version};
use crate::view::tabwriter::TabWriter;

/// The longest line that is printed of an annotation, in bytes (kubectl, `describe.go`).
const LONGEST_ANNOTATION: usize = 140;
/// What `kubectl apply` keeps of the manifest; hidden since 1.19.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What `describe` prints of one object: lines whose cells tabs end.
#[derive(Default)]
pub(super) struct Sheet(String);

impl Sheet {
    /// `Title:  value`
    pub(super) fn field(&mut self, title: &str, value: impl Display) {
        self.line(&format!("{title}:\t{value}"));
    }

    pub(super) fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    /// Labels below each other, in the order of their keys.
    pub(super) fn labels(&mut self, title: &str, labels: &Labels) {
        self.list(title, sorted(labels).map(|(key, value)| format!("{key}={value}")));
    }

    /// Values below each other.
    pub(super) fn list(&mut self, title: &str, values: impl Iterator<Item = String>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return self.field(title, NONE);
        }
        for (at, value) in values.enumerate() {
            if at == 0 { self.field(title, value) } else { self.line(&format!("\t{value}")) }
        }
    }

    /// Annotations below each other: a long one on lines of its own, and no longer than kubectl cares for.
    pub(super) fn annotations(&mut self, cluster: Cluster<'_>, annotations: &Labels) {
        let hides = cluster.kubectl() >= Version::new(1, 19, 0);
        let mut lines = Vec::new();
        for (key, value) in sorted(annotations).filter(|(key, _)| !(hides && key.as_str() == LAST_APPLIED)) {
            let value = value.strip_suffix('\n').unwrap_or(value);
            if key.len() + value.len() + 2 > LONGEST_ANNOTATION || value.contains('\n') {
                lines.push(format!("{key}:"));
                lines.extend(value.split('\n').map(|line| format!("  {}", shorten(line, LONGEST_ANNOTATION - 2))));
            } else {
                lines.push(format!("{key}: {value}"));
            }
        }
        self.list("Annotations", lines.into_iter());
    }

    /// The end of most sheets.
    pub(super) fn events(&mut self) {
        self.field("Events", NONE);
    }

    pub(super) fn print(self) -> String {
        TabWriter { min_width: 0, padding: 2 }.align(&self.0)
    }
}

pub(super) fn sorted(labels: &Labels) -> impl Iterator<Item = (&String, &String)> {
    let mut pairs: Vec<_> = labels.iter().collect();
    pairs.sort_unstable();
    pairs.into_iter()
}

/// At most `longest` bytes, and dots where something is left out.
fn shorten(line: &str, longest: usize) -> String {
    match line.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|end| *end <= longest).last() {
        Some(end) if end < line.len() => format!("{}...", &line[..end]),
        _ => line.to_owned(),
    }
}
