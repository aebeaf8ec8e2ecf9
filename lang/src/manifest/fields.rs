//! Reading the fields of an object: each is asked for by name, and what nobody has asked for is told at the end.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::str::FromStr;

use super::yaml::{Node, Yaml};
use crate::suggest::{list, question};
use crate::{Code, Diagnostic, Span};

/// Where faults go.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<Diagnostic>>);

impl Faults {
    pub(super) fn tell(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn into_vec(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// A mapping that is being read.
pub(super) struct Fields<'a> {
    /// What it is of, for people: `spec`, `a port`.
    what: &'a str,
    span: Span,
    entries: Vec<Entry<'a>>,
    /// What has been asked for, there or not.
    asked: RefCell<Vec<&'static str>>,
    pub(super) faults: &'a Faults,
}

struct Entry<'a> {
    key: &'a str,
    key_span: Span,
    value: &'a Node,
    asked: Cell<bool>,
}

impl<'a> Fields<'a> {
    /// The fields of `node`, which is to be a mapping; one that is nothing has none.
    pub(super) fn of(node: &'a Node, what: &'a str, faults: &'a Faults) -> Option<Self> {
        let map = match &node.value {
            Yaml::Map(map) => map.as_slice(),
            Yaml::Null => &[],
            other => {
                let title = format!("{what} is {}", other.describe());
                faults.tell(Diagnostic::error(Code::BadValue, title).at(node.span, "expected a mapping"));
                return None;
            }
        };
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for (key, value) in map {
            let Yaml::Scalar { text } = &key.value else {
                let title = format!("{what} has a key that is {}", key.value.describe());
                faults.tell(Diagnostic::error(Code::BadValue, title).at(key.span, "expected the name of a field"));
                continue;
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let diagnostic = Diagnostic::error(Code::Duplicate, format!("`{text}` is given twice"));
                faults.tell(diagnostic.at(key.span, "given again here").see(first.key_span, "first given here"));
                continue;
            }
            entries.push(Entry { key: text, key_span: key.span, value, asked: Cell::new(false) });
        }
        Some(Self { what, span: node.span, entries, asked: RefCell::default(), faults })
    }

    /// Its place.
    pub(super) const fn span(&self) -> Span {
        self.span
    }

    /// The value of a field, unless it is nothing.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        entry.asked.set(true);
        (!matches!(entry.value.value, Yaml::Null)).then_some(entry.value)
    }

    /// Whether a field is there, which somebody else may ask for.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// A field that is a port's number.
    pub(super) fn port(&self, key: &'static str) -> Option<u16> {
        super::service::number(self.get(key)?, self.faults)
    }

    /// A field that has to be there.
    pub(super) fn required(&self, key: &'static str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            let diagnostic = Diagnostic::error(Code::Missing, format!("{} has no `{key}`", self.what));
            let article = if key.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            self.faults.tell(diagnostic.at(self.head(), format!("expected {article} `{key}`")));
        }
        found
    }

    /// The line that the mapping begins in: a long one is not shown whole.
    pub(super) fn head(&self) -> Span {
        let first = self.entries.first().map_or(self.span, |entry| entry.key_span);
        Span { start: self.span.start.min(first.start), end: first.end, ..first }
    }

    /// A field that is a mapping itself.
    pub(super) fn fields(&self, key: &'static str) -> Option<Fields<'a>> {
        Fields::of(self.get(key)?, key, self.faults)
    }

    /// The items of a field that is a list.
    pub(super) fn list(&self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.get(key) else { return &[] };
        match &node.value {
            Yaml::List(list) => list,
            other => {
                let title = format!("`{key}` is {}", other.describe());
                self.faults.tell(Diagnostic::error(Code::BadValue, title).at(node.span, "expected a list"));
                &[]
            }
        }
    }

    /// The items of a field that is a list of mappings.
    pub(super) fn each(&self, key: &'static str, what: &'a str) -> Vec<Fields<'a>> {
        self.list(key).iter().filter_map(|item| Fields::of(item, what, self.faults)).collect()
    }

    /// A field that is text.
    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        text(self.get(key)?, key, self.faults)
    }

    /// A field that is to be read as a `what`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, key: &'static str, what: &str) -> Option<T> {
        parsed(self.get(key)?, key, what, self.faults)
    }

    /// A field that is a list of values, each to be read as a `what`.
    pub(super) fn parsed_list<T: FromStr<Err: Display>>(&self, key: &'static str, what: &str) -> Vec<T> {
        self.list(key).iter().filter_map(|item| parsed(item, key, what, self.faults)).collect()
    }

    /// A field that is one of several words.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        let word = text(node, key, self.faults)?;
        let found = choices.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names = choices.iter().map(|(name, _)| *name);
            let label = question(word, names.clone()).unwrap_or_else(|| format!("expected {}", list(names, "or")));
            let title = format!("`{word}` is no `{key}`");
            self.faults.tell(Diagnostic::error(Code::BadValue, title).at(node.span, label));
        }
        found.map(|(_, value)| *value)
    }

    /// A field that is true or false.
    pub(super) fn truth(&self, key: &'static str) -> Option<bool> {
        self.choice(key, &[("true", true), ("false", false)])
    }

    /// A field whose keys are free: labels, annotations, data.
    pub(super) fn pairs(&self, key: &'static str) -> Vec<(&'a str, &'a str, Span)> {
        let Some(fields) = self.fields(key) else { return Vec::new() };
        let pair = |entry: &Entry<'a>| match &entry.value.value {
            Yaml::Null => Some((entry.key, "", entry.value.span)),
            _ => Some((entry.key, text(entry.value, entry.key, self.faults)?, entry.value.span)),
        };
        fields.entries.iter().filter_map(pair).collect()
    }

    /// Tells of every field that nobody has asked for and that is not among `idle`, those that Kubernetes has and that
    /// make no difference to a packet.
    pub(super) fn finish(self, idle: &[&str]) {
        for entry in self.entries.iter().filter(|entry| !entry.asked.get() && !idle.contains(&entry.key)) {
            let known = self.asked.borrow();
            let label = question(entry.key, known.iter().copied().chain(idle.iter().copied()));
            let title = format!("{} has no field `{}`", self.what, entry.key);
            let label = label.unwrap_or_else(|| "Kubernetes knows no such field here".to_owned());
            self.faults.tell(Diagnostic::error(Code::UnknownWord, title).at(entry.key_span, label));
        }
    }
}

/// A node's text.
pub(super) fn text<'a>(node: &'a Node, what: &str, faults: &Faults) -> Option<&'a str> {
    match &node.value {
        Yaml::Scalar { text, .. } => Some(text),
        other => {
            let title = format!("`{what}` is {}", other.describe());
            faults.tell(Diagnostic::error(Code::BadValue, title).at(node.span, "expected a single value"));
            None
        }
    }
}

/// A node's text read as a `what`.
pub(super) fn parsed<T: FromStr<Err: Display>>(node: &Node, key: &str, what: &str, faults: &Faults) -> Option<T> {
    let text = text(node, key, faults)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let title = format!("`{text}` is no {what}");
            faults.tell(Diagnostic::error(Code::BadValue, title).at(node.span, error.to_string()));
            None
        }
    }
}
