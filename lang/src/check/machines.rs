//! What holds for nodes and hosts alike.

use netscene_core::kube::{Labels, ROUTER};
use netscene_core::packet::{DeviceName, Mac};
use netscene_core::world::{Op, Operation};

use super::routers::Links;
use super::{Checker, values};
use crate::ast::{Block, Statement, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Word};

impl Checker<'_> {
    /// The routers have a name already.
    pub(super) fn machine_name(&mut self, what: &str, name: &Text) {
        if name.text == ROUTER {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("a {what} cannot be called `{ROUTER}`"));
            let diagnostic = diagnostic.at(name.span, "the router of every network is called so");
            self.report(diagnostic.hint("choose another name, such as `gateway1`".to_owned()));
        }
    }

    /// What stands between the braces of a node: its settings are given back, its rules come when all is declared.
    pub(super) fn node_body(
        &mut self,
        name: &Text,
        device: DeviceName,
        body: Option<&Block>,
    ) -> (Labels, Labels, Links) {
        let (mut labels, mut given) = (Labels::default(), None);
        let (mut sysctls, mut links) = (Labels::default(), Links::of(device));
        for field in body.iter().flat_map(|body| &body.statements) {
            if let StatementKind::Labels { word: Word::Labels, pairs } = &field.kind {
                self.labels(&mut labels, &mut given, "labels", pairs, field.span);
            } else if !self.sysctl(&mut sysctls, field)
                && !self.link(&mut links, field)
                && !self.machine_rule(name, field)
            {
                self.misplaced(field, BlockKind::Node);
            }
        }
        (labels, sysctls, links)
    }

    /// Takes an `iptables` command in the braces of a machine. It says whether the sentence is one.
    pub(super) fn machine_rule(&mut self, name: &Text, field: &Statement) -> bool {
        match &field.kind {
            StatementKind::Command(command) => {
                let origin = self.files.origin(field.span);
                let op = Op::Iptables { node: name.text.clone(), arguments: command.text.clone() };
                self.rules.push(Operation { op, origin });
                true
            }
            StatementKind::Faulty(_) => true,
            _ => false,
        }
    }

    /// The Ethernet address of a machine, which no other one is given.
    pub(super) fn machine_mac(&mut self, text: &Text) -> Option<Mac> {
        let mac = self.ok(values::mac(text))?;
        let first = *self.macs.entry(mac).or_insert(text.span);
        if first != text.span {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("the MAC address {mac} is given twice"));
            self.report(diagnostic.at(text.span, "given again here").see(first, "first given here"));
        }
        Some(mac)
    }
}
