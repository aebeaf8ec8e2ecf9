//! Matches on a packet's connection (`xt_conntrack.c`, `xt_state.c`, `xt_connmark.c`).

use ipnet::Ipv4Net;

use crate::netfilter::walk::{Environment, View};
use crate::netfilter::{Conntrack, CtDirection, CtStates, Negatable, PortRange};

/// A packet that connection tracking has not seen is INVALID to both matches (`nf_ct_get` is null), unless it is exempt.
pub(super) fn states<E: Environment>(states: Negatable<CtStates>, view: &View<'_>, environment: &E) -> bool {
    let unseen = || if environment.is_untracked() { CtStates::UNTRACKED } else { CtStates::INVALID };
    let mut seen = view.ct.map_or_else(unseen, |ct| ct.state.into());
    if let Some(ct) = view.ct {
        if ct.src_nat {
            seen = seen.with(CtStates::SNAT);
        }
        if ct.dst_nat {
            seen = seen.with(CtStates::DNAT);
        }
    }
    states.holds(states.value.meets(seen))
}

/// `conntrack_mt`.
pub(super) fn conntrack<E: Environment>(options: &Conntrack, view: &View<'_>, environment: &E) -> bool {
    if !options.states.is_none_or(|wanted| states(wanted, view, environment)) {
        return false;
    }
    if (Conntrack { states: options.states, ..Conntrack::default() }) == *options {
        return true;
    }
    // Without a connection the states have decided; without them nothing matches.
    let Some(connection) = environment.connection() else { return options.states.is_some() };
    let (original, reply) = (connection.original, connection.reply);
    let address = |wanted: Option<Negatable<Ipv4Net>>, address| {
        wanted.is_none_or(|wanted| wanted.holds(wanted.value.contains(&address)))
    };
    let port = |wanted: Option<Negatable<PortRange>>, port| {
        wanted.is_none_or(|wanted| wanted.holds(wanted.value.contains(port)))
    };
    options.direction.is_none_or(|wanted: CtDirection| wanted == connection.direction)
        && options.protocol.is_none_or(|wanted| wanted.holds(wanted.value == connection.protocol))
        && address(options.original_source, original.source)
        && address(options.original_destination, original.destination)
        && address(options.reply_source, reply.source)
        && address(options.reply_destination, reply.destination)
        && port(options.original_source_port, original.source_port)
        && port(options.original_destination_port, original.destination_port)
        && port(options.reply_source_port, reply.source_port)
        && port(options.reply_destination_port, reply.destination_port)
        && options.status.is_none_or(|wanted| wanted.holds(wanted.value.meets(connection.status)))
        && options.expires.is_none_or(|wanted| {
            wanted.holds(wanted.value.0 <= connection.expires && connection.expires <= wanted.value.1)
        })
}

/// `connmark_mt`. Without a connection there is no mark, and `!` does not make one.
pub(super) fn mark<E: Environment>(options: Negatable<(u32, u32)>, environment: &E) -> bool {
    let (value, mask) = options.value;
    environment.connection().is_some_and(|connection| options.holds(connection.mark & mask == value))
}
