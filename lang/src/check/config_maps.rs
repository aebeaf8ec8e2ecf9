//! Config maps.

use netscene_core::kube::{ConfigMap, Labels, Object};
use netscene_core::map::IndexMap;

use super::{Checker, values};
use crate::ast::{Block, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Word};

impl Checker<'_> {
    pub(super) fn config_map(&mut self, namespace: &str, name: &Text, body: &Block) -> Option<Object> {
        let (mut labels, mut labelled) = (Labels::default(), None);
        let (mut annotations, mut annotated) = (Labels::default(), None);
        let mut data = IndexMap::default();
        for field in &body.statements {
            match &field.kind {
                StatementKind::Labels { word: Word::Labels, pairs } => {
                    self.labels(&mut labels, &mut labelled, "labels", pairs, field.span);
                }
                StatementKind::Labels { word: Word::Annotations, pairs } => {
                    self.annotations(&mut annotations, &mut annotated, pairs, field.span);
                }
                StatementKind::Data { key, text } => {
                    if data.insert(key.text.clone(), text.text.clone()).is_some() {
                        let title = format!("the configMap has a text `{}` already", key.text);
                        self.report(Diagnostic::error(Code::Duplicate, title).at(key.span, "given again here"));
                    }
                }
                _ => self.misplaced(field, BlockKind::ConfigMap),
            }
        }
        let name = self.ok(values::name(name))?;
        Some(Object::ConfigMap(ConfigMap { namespace: namespace.to_owned(), name, labels, annotations, data }))
    }
}
