//! Matches on what went before.

use std::sync::Arc;

use crate::netfilter::memory::{BucketKey, Sighting};
use crate::netfilter::walk::{Chance, Environment, Sender, Standing, View};
use crate::netfilter::{Hashlimit, HashlimitFields, Limit, Recent, SetDirection, Statistic};
use crate::packet::Body;

/// `statistic_mt`.
pub(super) fn statistic<E: Environment>(
    options: Statistic,
    place: &Standing<'_>,
    at: usize,
    environment: &mut E,
) -> Option<bool> {
    if environment.is_trial() {
        return None;
    }
    let chain = place.table.chain_id(&place.chain.name)?;
    Some(match options {
        Statistic::Random { probability, negated } => {
            let (name, number, target) = (&place.chain.name, place.at as u32 + 1, &place.rule.target);
            environment.chance(&Chance { chain, name, number, target, probability }) != negated
        }
        Statistic::Nth { every, packet, negated } => {
            (environment.nth(place.table.match_id(chain, place.at, at), every.max(1)) == packet) != negated
        }
    })
}

/// `recent_mt`.
pub(super) fn recent<E: Environment>(options: &Recent, view: &View<'_>, environment: &mut E) -> Option<bool> {
    let address = match options.side {
        SetDirection::Source => view.packet.source,
        SetDirection::Destination => view.packet.destination,
    };
    let mut ttl = environment.rewritten().ttl.unwrap_or(view.packet.ttl);
    // A packet on its way through is seen with the time to live it came with.
    if view.out_device.is_some() && environment.sender() == Sender::Nobody {
        ttl = ttl.saturating_add(1);
    }
    let now = environment.now().into();
    Some(environment.memory()?.recent(options, Sighting { address, ttl, now }))
}

/// `limit_mt`.
pub(super) fn limit<E: Environment>(
    options: Limit,
    place: &Standing<'_>,
    at: usize,
    environment: &mut E,
) -> Option<bool> {
    let chain = place.table.chain_id(&place.chain.name)?;
    let now = environment.now().into();
    Some(environment.memory()?.limit(options, place.table.match_id(chain, place.at, at), now))
}

/// `hashlimit_mt`. `None`: the table is full, and what the kernel would drop then is not modelled.
pub(super) fn hashlimit<E: Environment>(options: &Hashlimit, view: &View<'_>, environment: &mut E) -> Option<bool> {
    let fields = options.fields;
    let masked = |address: std::net::Ipv4Addr, length: u8| {
        address.to_bits() & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
    };
    // `hashlimit_init_dst`: what has no ports has port 0.
    let ports = match &view.packet.body {
        Body::Tcp(_) | Body::Udp(_) => view.packet.ports().unwrap_or_default(),
        _ => (0, 0),
    };
    let of = |field, value| if fields.has(field) { value } else { 0 };
    let key = BucketKey {
        source: of(HashlimitFields::SOURCE, masked(view.packet.source, options.source_length)),
        destination: of(HashlimitFields::DESTINATION, masked(view.packet.destination, options.destination_length)),
        source_port: of(HashlimitFields::SOURCE_PORT, ports.0.into()),
        destination_port: of(HashlimitFields::DESTINATION_PORT, ports.1.into()),
    };
    let now = environment.now().into();
    environment.memory()?.hashlimit(options, key, now).map(|within| within != options.above)
}

/// `nfacct_mt`: matches everything, and counts it.
pub(super) fn nfacct<E: Environment>(name: &Arc<str>, view: &View<'_>, environment: &mut E) -> Option<bool> {
    environment.memory()?.count(name, view.packet.length());
    Some(true)
}
