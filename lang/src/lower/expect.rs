//! What is expected, from the file's words to the engine's.

use netscene_core::Fraction;
use netscene_core::packet::Mac;
use netscene_core::trace::{Expectation, NoAnswer, Pattern, Share};

use super::{Lowering, Result, chain, tracked_protocol};
use crate::ast::{self, Bound, Often, StatementKind};
use crate::check::values;
use crate::{Code, Diagnostic, Span};

/// Refuses a pattern that is about how a flow ended: a reply does not end like that.
fn of_a_reply(pattern: &ast::Pattern, span: Span) -> Result<()> {
    use ast::Pattern as P;
    match pattern {
        P::Rejected { .. }
        | P::Timeout { .. }
        | P::Unsent
        | P::Unknown
        | P::Status(_)
        | P::Answer { .. }
        | P::Record { .. } => {
            let diagnostic = Diagnostic::error(Code::BadValue, "this cannot be expected of a reply");
            let hint = "of a reply: delivered, dropped, visits, dnat, snat, tunnel, arp, out and mark".to_owned();
            Err(diagnostic.at(span, "leave `reply` out behind it").hint(hint))
        }
        _ => Ok(()),
    }
}

impl Lowering<'_> {
    /// What an `expect` sentence expects.
    pub(super) fn expectation(&mut self, kind: &StatementKind) -> Result<Expectation> {
        let StatementKind::Expect { flow, often, reply, not, pattern, share } = kind else {
            return Err(Diagnostic::error(Code::Missing, "nothing is expected here"));
        };
        if *reply {
            of_a_reply(pattern, flow.span)?;
        }
        let share = self.share(often.as_ref(), share.as_ref())?;
        let pattern = self.pattern(pattern)?;
        Ok(Expectation { flow: flow.text.clone(), negated: *not, reply: *reply, share, pattern })
    }

    fn pattern(&mut self, pattern: &ast::Pattern) -> Result<Pattern> {
        Ok(match pattern {
            ast::Pattern::Delivered { to } => Pattern::Delivered { to: self.maybe_place(to.as_ref())? },
            ast::Pattern::Dropped { by, at } => {
                Pattern::Dropped { by: by.as_ref().map(chain).transpose()?, at: self.maybe_place(at.as_ref())? }
            }
            ast::Pattern::Rejected { by } => Pattern::Rejected { by: by.as_ref().map(chain).transpose()? },
            ast::Pattern::Timeout { at } => Pattern::Timeout { at: self.maybe_place(at.as_ref())? },
            ast::Pattern::Unsent => Pattern::Unsent,
            ast::Pattern::Unknown => Pattern::Unknown,
            ast::Pattern::Out { device, at } => {
                Pattern::Out { device: values::parsed("device", device)?, at: self.maybe_place(at.as_ref())? }
            }
            ast::Pattern::Mark { mark, at } => {
                let (value, mask) = values::mark(mark)?;
                Pattern::Mark { value, mask, at: self.maybe_place(at.as_ref())? }
            }
            ast::Pattern::Arp { address, mac } => {
                Pattern::Arp { address: self.address(address)?, mac: self.parsed("MAC address", mac, Mac::BROADCAST)? }
            }
            ast::Pattern::Visits { place, chains } => {
                Pattern::Visits { place: self.place(place)?, chains: chains.iter().map(chain).collect::<Result<_>>()? }
            }
            ast::Pattern::Dnat { from, to } => Pattern::Dnat { from: self.socket(from)?, to: self.socket(to)? },
            ast::Pattern::Snat { from, to } => Pattern::Snat { from: self.socket(from)?, to: self.socket(to)? },
            ast::Pattern::Tunnel { from, to } => Pattern::Tunnel { from: self.address(from)?, to: self.address(to)? },
            ast::Pattern::Status(code) => Pattern::Status { code: self.parsed("status", code, 0)? },
            ast::Pattern::Answer { address, via } => {
                let via = via.as_ref().map(|via| self.service(via)).transpose()?;
                match &address.what {
                    ast::What::Name(name) if address.port.is_none() => {
                        let text = ast::Text { span: address.span, text: name.clone() };
                        let label = "expected an address, a record in quotes, NXDOMAIN, NODATA or SERVFAIL";
                        let found = NoAnswer::NAMED.iter().find(|(known, _)| known == name);
                        let (_, reason) = found.ok_or_else(|| {
                            let title = format!("`{}` is no answer", text.text);
                            Diagnostic::error(Code::BadValue, title).at(text.span, label)
                        })?;
                        Pattern::NoAnswer { reason: *reason, via }
                    }
                    _ => Pattern::Answer { address: self.address(address)?, via },
                }
            }
            ast::Pattern::Record { record, via } => Pattern::Record {
                record: record.text.clone(),
                via: via.as_ref().map(|via| self.service(via)).transpose()?,
            },
            ast::Pattern::Conntrack { node, protocol, original, reply } => Pattern::Conntrack {
                node: self.node(node)?,
                protocol: tracked_protocol(protocol)?,
                original: (self.socket(&original.0)?, self.socket(&original.1)?),
                reply: match reply {
                    Some((from, to)) => Some((self.socket(from)?, self.socket(to)?)),
                    None => None,
                },
            },
        })
    }

    /// How probable ways are expected to be; nothing where one flow is meant.
    fn share(&mut self, often: Option<&Often>, share: Option<&ast::Share>) -> Result<Option<Share>> {
        Ok(match (often, share) {
            (Some(often), Some(share)) => {
                let title = "ways cannot have a probability and be all or none of them";
                let diagnostic =
                    Diagnostic::error(Code::BadValue, title).at(share.span, "this says how many there are");
                return Err(diagnostic.see(often.span, "and so does this"));
            }
            (Some(often), None) => Some(if often.always { Share::Always } else { Share::Never }),
            (None, Some(share)) => {
                let probability = self.parsed("probability", &share.probability, Fraction::ONE)?;
                Some(match share.bound {
                    Bound::Exactly => Share::Exactly(probability),
                    Bound::AtLeast => Share::AtLeast(probability),
                    Bound::AtMost => Share::AtMost(probability),
                })
            }
            (None, None) => None,
        })
    }

    fn maybe_place(&mut self, place: Option<&ast::Operand>) -> Result<Option<String>> {
        place.map(|place| self.place(place)).transpose()
    }
}
