//! How kube-proxy is configured.

use netscene_core::kube::{DetectLocal, KubeProxyOptions};

use super::declare::Field;
use super::symbols::Kind;
use super::{Checker, values};
use crate::ast::{Block, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Word};

impl Checker<'_> {
    /// The options between the braces of `kubeProxy`.
    pub(super) fn kube_proxy_options(&mut self, body: Option<&Block>) -> KubeProxyOptions {
        let default = KubeProxyOptions::default();
        let (mut order, mut bit, mut detect) = (Field::default(), Field::default(), Field::default());
        let mut addresses = Field::default();
        let mut switches =
            [Word::MasqueradeAll, Word::LocalhostNodePorts, Word::TcpBeLiberal].map(|word| (word, Field::default()));
        for field in body.iter().flat_map(|body| &body.statements) {
            let span = field.span;
            match &field.kind {
                StatementKind::Order(names) => {
                    let value = names.iter().filter_map(|name| self.ordered(name)).collect();
                    order.set(self, "order", span, Some(value));
                }
                StatementKind::MasqueradeBit(text) => {
                    let value = text.text.parse::<u8>().ok().filter(|bit| *bit < 32);
                    if value.is_none() {
                        let title = format!("`{}` is no bit of a mark", text.text);
                        self.report(Diagnostic::error(Code::BadValue, title).at(text.span, "expected 0 to 31"));
                    }
                    bit.set(self, "masqueradeBit", span, value);
                }
                StatementKind::DetectLocalMode { mode, device } => {
                    let value = self.detect_local(mode, device.as_ref());
                    detect.set(self, "detectLocalMode", span, value);
                }
                StatementKind::Cidrs { word: Word::NodePortAddresses, cidrs } => {
                    let value = cidrs.iter().filter_map(|cidr| self.ok(values::cidr(cidr))).collect();
                    addresses.set(self, "nodePortAddresses", span, Some(value));
                }
                StatementKind::Switch { word, value } => match switches.iter_mut().find(|(of, _)| of == word) {
                    Some((_, switch)) => {
                        let value = self.ok(values::truth(&format!("value of {}", word.text()), value));
                        switch.set(self, word.text(), span, value);
                    }
                    None => self.misplaced(field, BlockKind::KubeProxy),
                },
                _ => self.misplaced(field, BlockKind::KubeProxy),
            }
        }
        let [masquerade_all, localhost_node_ports, tcp_be_liberal] = switches.map(|(_, switch)| switch.value);
        KubeProxyOptions {
            masquerade_all: masquerade_all.unwrap_or(default.masquerade_all),
            masquerade_bit: bit.value.unwrap_or(default.masquerade_bit),
            detect_local: detect.value.unwrap_or(default.detect_local),
            node_port_addresses: addresses.value.unwrap_or_default(),
            localhost_node_ports: localhost_node_ports.unwrap_or(default.localhost_node_ports),
            tcp_be_liberal: tcp_be_liberal.unwrap_or(default.tcp_be_liberal),
            order: order.value.unwrap_or_default(),
        }
    }

    /// A service, or a port of one by its name.
    fn ordered(&mut self, name: &Text) -> Option<String> {
        let (service, port) = match name.text.split_once(':') {
            Some((service, port)) => (service, Some(port)),
            None => (name.text.as_str(), None),
        };
        let found = self.symbols.resolve(service, name.span, &[Kind::Service]);
        let service = self.ok(found)?.name;
        Some(port.map_or_else(|| service.clone(), |port| format!("{service}:{port}")))
    }

    fn detect_local(&mut self, mode: &Text, device: Option<&Text>) -> Option<DetectLocal> {
        let choices =
            [("ClusterCIDR", false), ("NodeCIDR", false), ("BridgeInterface", true), ("InterfaceNamePrefix", true)];
        let wants = self.ok(values::choice("detectLocalMode", mode, &choices))?;
        match (wants, device) {
            (true, Some(device)) if mode.text == "BridgeInterface" => {
                self.ok(values::parsed("device", device)).map(DetectLocal::BridgeInterface)
            }
            (true, Some(prefix)) => Some(DetectLocal::InterfaceNamePrefix(prefix.text.clone())),
            (false, None) if mode.text == "NodeCIDR" => Some(DetectLocal::NodeCidr),
            (false, None) => Some(DetectLocal::ClusterCidr),
            (true, None) => {
                let diagnostic = Diagnostic::error(Code::Missing, format!("{} names no device", mode.text));
                self.report(diagnostic.at(mode.span, "expected its name, or the beginning of names, behind it"));
                None
            }
            (false, Some(device)) => {
                let diagnostic = Diagnostic::error(Code::BadValue, format!("{} takes no device", mode.text));
                self.report(diagnostic.at(device.span, "leave it out"));
                None
            }
        }
    }

    /// Two ports, the first not above the last.
    pub(super) fn node_port_range(&mut self, first: &Text, last: &Text) -> Option<(u16, u16)> {
        let (from, to) = (self.ok(values::port(&first.text, first.span)), self.ok(values::port(&last.text, last.span)));
        let (from, to) = (from?, to?);
        if from > to {
            let diagnostic = Diagnostic::error(Code::BadValue, "the range of node ports ends before it begins");
            self.report(diagnostic.at(last.span, format!("this is less than {from}")));
            return None;
        }
        Some((from, to))
    }
}
