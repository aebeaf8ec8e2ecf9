//! `metadata`.

use netscene_core::kube::Labels;

use super::fields::{Fields, text};
use crate::{Code, Diagnostic, Span};

/// What an object says of itself.
pub(super) struct Meta<'a> {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) labels: Labels,
    pub(super) annotations: Vec<(&'a str, &'a str, Span)>,
    /// Kind and name of the object that has made it.
    pub(super) owner: Option<(&'a str, &'a str)>,
    /// `deletionTimestamp`: it is on its way out.
    pub(super) terminating: bool,
}

/// Fields of `metadata` that make no difference.
const IDLE: [&str; 9] = [
    "creationTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
    "deletionGracePeriodSeconds",
];

impl<'a> Meta<'a> {
    /// Reads the `metadata` of an object.
    pub(super) fn read(object: &Fields<'a>, namespaced: bool) -> Option<Self> {
        object.required("metadata")?;
        let fields = object.fields("metadata")?;
        let name = fields.required("name").and_then(|node| {
            let name = text(node, "name", fields.faults)?;
            let fits = !name.is_empty() && name.len() <= 253;
            let fits = fits
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
            if !fits {
                let diagnostic = Diagnostic::error(Code::BadValue, format!("`{name}` cannot name an object"));
                fields.faults.tell(diagnostic.at(node.span, "expected lower case letters, digits, `-` and `.`"));
            }
            fits.then(|| name.to_owned())
        });
        let namespace = if namespaced { fields.text("namespace").unwrap_or("default") } else { "" };
        let labels = labels(&fields, "labels");
        let annotations = fields.pairs("annotations");
        let mut owner = None;
        for one in fields.each("ownerReferences", "an owner") {
            owner = owner.or(one.text("kind").zip(one.text("name")));
            one.finish(&["apiVersion", "blockOwnerDeletion", "controller", "uid"]);
        }
        let terminating = fields.get("deletionTimestamp").is_some();
        fields.finish(&IDLE);
        Some(Self { name: name?, namespace: namespace.to_owned(), labels, annotations, owner, terminating })
    }

    /// Every annotation, as an object keeps it.
    pub(super) fn all_annotations(&self) -> Labels {
        self.annotations.iter().map(|(key, value, _)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// The value of an annotation, and where it stands.
    pub(super) fn annotation(&self, key: &str) -> Option<(&'a str, Span)> {
        self.annotations.iter().find(|(name, ..)| *name == key).map(|(_, value, span)| (*value, *span))
    }
}

/// A field that is a mapping of labels.
pub(super) fn labels(fields: &Fields<'_>, key: &'static str) -> Labels {
    fields.pairs(key).into_iter().map(|(key, value, _)| (key.to_owned(), value.to_owned())).collect()
}
