//! How pods resolve names: `dnsPolicy` and `dnsConfig`.

use netscene_core::kube::{DnsPolicy, PodDns};

use super::{Checker, values};
use crate::ast::{Block, StatementKind, Text};
use crate::words::BlockKind;
use crate::{Code, Diagnostic, Word};

impl Checker<'_> {
    pub(super) fn dns_policy(&mut self, text: &Text) -> Option<DnsPolicy> {
        self.ok(values::choice("dnsPolicy", text, &DnsPolicy::NAMED))
    }

    /// What stands in `dnsConfig`; the policy stays as it is.
    pub(super) fn dns_config(&mut self, dns: &mut PodDns, body: &Block) {
        for field in &body.statements {
            match &field.kind {
                StatementKind::Nameservers(list) => dns.nameservers = self.nameservers(list),
                StatementKind::Searches(list) => dns.searches = list.iter().map(|text| text.text.clone()).collect(),
                StatementKind::Labels { word: Word::Options, pairs } => {
                    for pair in pairs {
                        let (name, value) = pair.text.split_once('=').unwrap_or((&pair.text, ""));
                        let value = Text { span: pair.span, text: value.to_owned() };
                        let Some(number) = self.ok(values::parsed::<u8>("value of an option", &value)) else {
                            continue;
                        };
                        if !dns.set_option(name, number) {
                            let title = format!("the model does not know what the option `{name}` does");
                            let label = crate::suggest::question(name, PodDns::OPTIONS)
                                .unwrap_or_else(|| format!("known are {}", PodDns::OPTIONS.join(", ")));
                            self.report(Diagnostic::error(Code::BadValue, title).at(pair.span, label));
                        }
                    }
                }
                _ => self.misplaced(field, BlockKind::DnsConfig),
            }
        }
    }

    pub(super) fn nameservers(&mut self, list: &[Text]) -> Vec<std::net::Ipv4Addr> {
        let found = list.iter().filter_map(|text| self.ok(values::address(&text.text, text.span))).collect();
        if let Some(fourth) = list.get(3) {
            let diagnostic = Diagnostic::error(Code::BadValue, "a resolver asks at most 3 servers");
            self.report(diagnostic.at(fourth.span, "one too many"));
        }
        found
    }
}
