//! Zones of names outside the cluster.

use netscene_core::kube::{Object, Zone, ZoneData, ZoneRecord};

use super::{Checker, values};
use crate::ast::{Block, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic};

/// The types of records that a zone may have.
#[derive(Clone, Copy)]
enum Kind {
    A,
    Cname,
    Txt,
}

impl Checker<'_> {
    pub(super) fn zone(&mut self, name: &Text, body: &Block) -> Option<Object> {
        let mut records: Vec<ZoneRecord> = Vec::new();
        for field in &body.statements {
            let StatementKind::Record { owner, kind, value } = &field.kind else {
                self.misplaced(field, BlockKind::Zone);
                continue;
            };
            let kinds = [("A", Kind::A), ("CNAME", Kind::Cname), ("TXT", Kind::Txt)];
            let data = match self.ok(values::choice("type of a zone's record", kind, &kinds)) {
                Some(Kind::A) => self.ok(values::address(&value.text, value.span)).map(ZoneData::A),
                Some(Kind::Cname) => Some(ZoneData::Cname(value.text.clone())),
                Some(Kind::Txt) if value.text.len() > ZoneData::LONGEST_TEXT => {
                    let title = format!("the text of `{}` has {} bytes", owner.text, value.text.len());
                    let label = format!("a text of DNS has {} bytes at most", ZoneData::LONGEST_TEXT);
                    self.report(Diagnostic::error(Code::BadValue, title).at(value.span, label));
                    None
                }
                Some(Kind::Txt) => Some(ZoneData::Txt(value.text.clone())),
                None => None,
            };
            let Some(data) = data else { continue };
            let record = ZoneRecord { name: owner.text.clone(), data };
            let alias = |one: &ZoneRecord| matches!(one.data, ZoneData::Cname(_));
            let clash = records.iter().any(|other| other.name == record.name && (alias(other) || alias(&record)));
            if clash {
                let title = format!("`{}` is another name, and has more records", owner.text);
                let diagnostic = Diagnostic::error(Code::Duplicate, title).at(field.span, "a CNAME stands alone");
                self.report(diagnostic);
                continue;
            }
            records.push(record);
        }
        let name = self.ok(values::name(name))?;
        Some(Object::Zone(Zone { name, records }))
    }
}
