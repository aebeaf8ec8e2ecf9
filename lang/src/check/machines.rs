//! What holds for nodes and hosts alike.

use netscene_core::kube::ROUTER;
use netscene_core::packet::Mac;

use super::{Checker, values};
use crate::ast::Text;
use crate::{Code, Diagnostic};

impl Checker<'_> {
    /// The routers have a name already.
    pub(super) fn machine_name(&mut self, what: &str, name: &Text) {
        if name.text == ROUTER {
            let diagnostic = Diagnostic::error(Code::Duplicate, format!("a {what} cannot be called `{ROUTER}`"));
            let diagnostic = diagnostic.at(name.span, "the router of every network is called so");
            self.report(diagnostic.hint("choose another name, such as `gateway1`".to_owned()));
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
