//! What is expected, from the file's words to the engine's.

use netscene_core::packet::Mac;
use netscene_core::trace::Pattern;

use super::{Lowering, Result, chain, tracked_protocol};
use crate::ast;

impl Lowering<'_> {
    pub(super) fn pattern(&mut self, pattern: &ast::Pattern) -> Result<Pattern> {
        Ok(match pattern {
            ast::Pattern::Delivered { to } => Pattern::Delivered { to: self.maybe_place(to.as_ref())? },
            ast::Pattern::Dropped { by, at } => {
                Pattern::Dropped { by: by.as_ref().map(chain).transpose()?, at: self.maybe_place(at.as_ref())? }
            }
            ast::Pattern::Rejected { by } => Pattern::Rejected { by: by.as_ref().map(chain).transpose()? },
            ast::Pattern::Timeout { at } => Pattern::Timeout { at: self.maybe_place(at.as_ref())? },
            ast::Pattern::Unsent => Pattern::Unsent,
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
            ast::Pattern::Answer { address, via } => Pattern::Answer {
                address: self.address(address)?,
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

    fn maybe_place(&mut self, place: Option<&ast::Operand>) -> Result<Option<String>> {
        place.map(|place| self.place(place)).transpose()
    }
}
