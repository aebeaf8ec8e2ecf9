//! What a cluster's installer checks before it builds one: whether the ranges are large enough, and apart. Each fault names
//! the field, the reason, and the nearest value that would do.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netscene_core::kube::{Cluster, Pool, PoolPurpose};

use super::{Checker, values};
use crate::ast::{Statement, StatementKind, Text};
use crate::{Code, Diagnostic, Span, Word};

/// The lengths of a service CIDR: 254 services at least, and no more than a /8.
const SERVICE_PREFIXES: std::ops::RangeInclusive<u8> = 8..=24;

/// With how many others a range is shown to overlap.
const MOST_OVERLAPS: usize = 3;

/// A range of addresses that something has.
struct Taken {
    what: String,
    first: Ipv4Addr,
    last: Ipv4Addr,
    span: Span,
    /// A CIDR of the cluster, which may be moved; a pool is where the machines are.
    cidr: Option<Ipv4Net>,
    purpose: Option<PoolPurpose>,
}

impl Checker<'_> {
    /// Checks the sizes of a file's ranges, and that they do not overlap.
    pub(super) fn wizard(&mut self, statements: &[Statement]) {
        let mut fields = Vec::new();
        let mut block_size = Cluster::default().block_size;
        for statement in statements {
            let StatementKind::Cluster { body, .. } = &statement.kind else { continue };
            for field in &body.statements {
                match &field.kind {
                    StatementKind::PodCidr { cidr, blocks } => {
                        fields.extend(values::cidr(cidr).ok().map(|net| ("podCIDR", net, cidr.span)));
                        let size = blocks.as_ref().and_then(|text| text.text.trim_start_matches('/').parse().ok());
                        block_size = size.unwrap_or(block_size);
                    }
                    StatementKind::ServiceCidr(cidr) => {
                        fields.extend(values::cidr(cidr).ok().map(|net| ("serviceCIDR", net, cidr.span)));
                    }
                    _ => {}
                }
            }
        }
        let nodes: Vec<_> = statements.iter().filter(|one| matches!(one.kind, StatementKind::Node { .. })).collect();
        for &(field, net, span) in &fields {
            match field {
                "podCIDR" => self.pod_cidr_size(net, span, block_size, &nodes),
                _ => self.service_cidr_size(net, span),
            }
        }
        self.apart(&fields);
        self.balancers_suffice(statements);
    }

    /// A block for each node: with Calico's blocks of /26, 64 addresses.
    fn pod_cidr_size(&mut self, net: Ipv4Net, span: Span, block_size: u8, nodes: &[&Statement]) {
        let Some(bits) = block_size.checked_sub(net.prefix_len()) else { return };
        let (blocks, block) = (1_u64 << bits, 1_u64 << (32 - u32::from(block_size.min(32))));
        let Some(first) = usize::try_from(blocks).ok().and_then(|blocks| nodes.get(blocks)) else { return };
        let needed = (nodes.len() as u64).next_power_of_two().trailing_zeros() as u8;
        let title = format!("podCIDR {net} is too small for {} nodes", nodes.len());
        let label = format!("{} addresses, and each node takes {block}", blocks * block);
        let diagnostic = Diagnostic::error(Code::TooSmall, title).at(span, label);
        let diagnostic = diagnostic.see(first.span, "no addresses are left for the pods of this one");
        let enough = block_size.checked_sub(needed).map(|prefix| with_prefix(net, prefix));
        self.report(diagnostic.hint(enough.map(|enough| format!("use {enough}, or a larger one"))));
    }

    fn service_cidr_size(&mut self, net: Ipv4Net, span: Span) {
        let prefix = net.prefix_len();
        if SERVICE_PREFIXES.contains(&prefix) {
            return;
        }
        let nearest = with_prefix(net, prefix.clamp(*SERVICE_PREFIXES.start(), *SERVICE_PREFIXES.end()));
        let (code, label) = if prefix > *SERVICE_PREFIXES.end() {
            (Code::TooSmall, "a service CIDR has 254 addresses for services at least: /24")
        } else {
            (Code::BadValue, "a service CIDR has at most 16777214 addresses for services: /8")
        };
        let title = format!("serviceCIDR {net} is not between /8 and /24");
        self.report(Diagnostic::error(code, title).at(span, label).hint(format!("use {nearest}")));
    }

    /// No address is pods' and services', or machines', at the same time; no two pools have the same.
    fn apart(&mut self, fields: &[(&str, Ipv4Net, Span)]) {
        let cidrs = fields.iter().map(|&(field, net, span)| Taken {
            what: format!("{field} {net}"),
            first: net.network(),
            last: net.broadcast(),
            span,
            cidr: Some(net),
            purpose: None,
        });
        let pools = self.ranges.pools.iter().map(|(pool, span)| Taken {
            what: format!("pool `{}`", pool.name),
            first: pool.first,
            last: pool.last,
            span: *span,
            cidr: None,
            purpose: Some(pool.purpose),
        });
        let all: Vec<_> = cidrs.chain(pools).collect();
        let free = Free::around(&all);
        // The addresses for load balancers may be cut out of the machines' network.
        let clash = |one: &Taken, other: &Taken| {
            let share = one.purpose.is_some() && other.purpose.is_some() && one.purpose != other.purpose;
            !share && one.first <= other.last && other.first <= one.last
        };
        for (at, one) in all.iter().enumerate() {
            // Of one that lies across everything a few others say enough.
            for other in all[..at].iter().filter(|other| clash(one, other)).take(MOST_OVERLAPS) {
                let moved = [other, one].into_iter().find_map(|one| Some((&one.what, one.cidr?)));
                let hint = if let Some((what, net)) = moved {
                    free.like(net).map(|free| format!("instead of {what}, {free} is free"))
                } else {
                    let next = other.last.to_bits().checked_add(1).map(Ipv4Addr::from_bits);
                    next.map(|next| format!("let {} begin at {next} or later", one.what))
                };
                let title = format!("{} and {} overlap", one.what, other.what);
                let label = format!("from {} to {}", one.first, one.last);
                let diagnostic = Diagnostic::error(Code::Overlap, title).at(one.span, label);
                let there = format!("from {} to {}", other.first, other.last);
                self.report(diagnostic.see(other.span, there).hint(hint));
            }
        }
    }

    /// Whether there is an address for every service of type LoadBalancer: one that gets none stays `<pending>`.
    fn balancers_suffice(&mut self, statements: &[Statement]) {
        // Whom its own pools serve hangs on labels: that is MetalLB's to say.
        if !self.ranges.address_pools.is_empty() {
            return;
        }
        let any = self.ranges.pools.iter().any(|(pool, _)| pool.purpose == PoolPurpose::LoadBalancer);
        let mut waiting: Vec<&Text> = Vec::new();
        for statement in statements {
            let StatementKind::Namespace { body, .. } = &statement.kind else { continue };
            waiting.extend(body.statements.iter().filter_map(|inner| load_balancer(inner, any)));
        }
        let gives = |pool: &&(Pool, Span)| pool.0.purpose == PoolPurpose::LoadBalancer && pool.0.auto_assign;
        let pools = self.ranges.pools.iter().filter(gives);
        let pools: Vec<_> = pools.cloned().collect();
        let size = |first: Ipv4Addr, last: Ipv4Addr| u64::from(last.to_bits()) - u64::from(first.to_bits()) + 1;
        let count: u64 = pools.iter().map(|(pool, _)| size(pool.first, pool.last)).sum();
        let Some(without) = usize::try_from(count).ok().and_then(|count| waiting.get(count)) else { return };
        let missing = waiting.len() as u64 - count;
        let title = format!("service `{}` stays <pending>: no address for LoadBalancer is left", without.text);
        let label = format!("services of type LoadBalancer: {}; addresses: {count}", waiting.len());
        let mut diagnostic = Diagnostic::error(Code::TooSmall, title).warning().at(without.span, label);
        for (pool, span) in &pools {
            diagnostic = diagnostic.see(*span, format!("from {} to {}", pool.first, pool.last));
        }
        let hint = pools.last().and_then(|(pool, _)| {
            let last = u32::try_from(u64::from(pool.last.to_bits()) + missing).ok()?;
            Some(format!("let pool `{}` go to {}", pool.name, Ipv4Addr::from_bits(last)))
        });
        let none = || "declare some, as in `pool balancers 10.0.0.200 to 10.0.0.209 for LoadBalancer`".to_owned();
        self.report(diagnostic.hint(hint.unwrap_or_else(none)));
    }
}

/// The name of a service of type LoadBalancer that has an address of its own. What annotations ask for is MetalLB's to say.
fn load_balancer(statement: &Statement, pools: bool) -> Option<&Text> {
    let StatementKind::Service { name, body } = &statement.kind else { return None };
    let is = |field: &Statement| matches!(&field.kind, StatementKind::Type(text) if text.text == "LoadBalancer");
    let annotated = |field: &Statement| matches!(&field.kind, StatementKind::Labels { word: Word::Annotations, .. });
    // An address that is asked for has been held against the pools already.
    let asks = |field: &Statement| matches!(field.kind, StatementKind::LoadBalancerIp(_));
    let waits = body.statements.iter().any(is) && !body.statements.iter().any(annotated);
    (waits && (pools || !body.statements.iter().any(asks))).then_some(name)
}

fn with_prefix(net: Ipv4Net, prefix: u8) -> Ipv4Net {
    Ipv4Net::new(net.network(), prefix).unwrap_or(net).trunc()
}

/// What no range has.
struct Free {
    /// The ranges, apart and in order.
    taken: Vec<(Ipv4Addr, Ipv4Addr)>,
}

impl Free {
    fn around(all: &[Taken]) -> Self {
        let mut ranges: Vec<_> = all.iter().map(|one| (one.first, one.last)).collect();
        ranges.sort_unstable();
        let mut taken: Vec<(Ipv4Addr, Ipv4Addr)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match taken.last_mut() {
                Some((_, end)) if first <= *end => *end = last.max(*end),
                _ => taken.push((first, last)),
            }
        }
        Self { taken }
    }

    /// The next network of the size of `net` that is private (RFC 1918) and that nothing has.
    fn like(&self, net: Ipv4Net) -> Option<Ipv4Net> {
        let private = [net.network(), Ipv4Addr::new(10, 0, 0, 0), Ipv4Addr::new(172, 16, 0, 0)];
        let size = 1_u64 << (32 - u32::from(net.prefix_len()));
        let free = |candidate: &Ipv4Net| {
            let (first, last) = (candidate.network(), candidate.broadcast());
            let at = self.taken.partition_point(|(_, end)| *end < first);
            first.is_private() && last.is_private() && self.taken.get(at).is_none_or(|(start, _)| *start > last)
        };
        let from = |start: Ipv4Addr| {
            let steps = (0..4096_u64).map(move |step| u64::from(start.to_bits()) + step * size);
            steps.filter_map(|base| u32::try_from(base).ok()).map(Ipv4Addr::from_bits)
        };
        let candidates = private.into_iter().flat_map(from);
        candidates.filter_map(|base| Ipv4Net::new(base, net.prefix_len()).ok()).map(|net| net.trunc()).find(free)
    }
}
