//! Connections that a scenario keeps open, and segments of none, from the file's words to the engine's.

use netscene_core::kube::TransportProtocol;
use netscene_core::packet::TcpFlags;
use netscene_core::world::{Op, Side};

use super::{Lowering, Result};
use crate::ast::{Operand, Text, Value, What};
use crate::check::values;
use crate::{Code, Diagnostic, Word};

impl Lowering<'_> {
    /// A segment of no connection.
    pub(super) fn segment(
        &mut self,
        (from, to): (&Operand, &Operand),
        protocol: &Text,
        flags: &[Text],
        name: &Text,
    ) -> Result<Op> {
        let (from, target) = (self.source(from)?, self.target(to)?);
        if values::protocol(&protocol.text, protocol.span)? != TransportProtocol::Tcp {
            let diagnostic = Diagnostic::error(Code::BadValue, format!("{} has no flags", protocol.text));
            return Err(diagnostic.at(protocol.span, "expected `tcp`"));
        }
        if target.port.is_none() && !matches!(to.what, What::Island(_)) {
            let diagnostic = Diagnostic::error(Code::Missing, "there is no port to send to");
            return Err(diagnostic.at(to.span, "expected a `:PORT` behind it"));
        }
        let names = TcpFlags::NAMED.map(|(_, name)| (name, name));
        let flag = |flag: &Text| values::choice("flag of TCP", flag, &names).map(str::to_owned);
        let flags = flags.iter().map(flag).collect::<Result<_>>()?;
        Ok(Op::Segment { from, to: target, flags, name: name.text.clone() })
    }

    pub(super) fn open(&mut self, from: &Operand, to: &Operand, name: &Text) -> Result<Op> {
        let (from, target) = (self.source(from)?, self.target(to)?);
        if target.port.is_none() && !matches!(to.what, What::Island(_)) {
            let diagnostic = Diagnostic::error(Code::Missing, "there is no port to connect to");
            return Err(diagnostic.at(to.span, "expected a `:PORT` behind it"));
        }
        Ok(Op::Open { from, to: target, name: name.text.clone() })
    }

    pub(super) fn say(
        &mut self,
        connection: &Text,
        text: &Value,
        by: Option<&Text>,
        name: Option<&Text>,
    ) -> Result<Op> {
        Ok(Op::Say {
            connection: connection.text.clone(),
            by: side(by)?,
            text: self.text(text)?.map(|text| text.text).unwrap_or_default(),
            name: named(name),
        })
    }
}

/// `close` or `reset`.
pub(super) fn end(word: Word, connection: &Text, by: Option<&Text>, name: Option<&Text>) -> Result<Op> {
    let (connection, by, name) = (connection.text.clone(), side(by)?, named(name));
    Ok(if word == Word::Reset { Op::Reset { connection, by, name } } else { Op::Close { connection, by, name } })
}

fn named(name: Option<&Text>) -> String {
    name.map(|name| name.text.clone()).unwrap_or_default()
}

/// The side that does something: the one that opened the connection, where none is named.
fn side(text: Option<&Text>) -> Result<Side> {
    let sides = [Side::Client, Side::Server].map(|side| (side.as_str(), side));
    text.map_or(Ok(Side::Client), |text| values::choice("side of a connection", text, &sides))
}
