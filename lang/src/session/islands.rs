//! What may be written in an island.

use super::complete::{Candidate, CandidateKind as Kind, Completion, behind};
use super::{Session, names};
use crate::api::{FUNCTIONS, LIBRARY, Type};

/// What may follow in an island whose Rhai begins at `start`.
pub(super) fn complete(session: &Session, before: &str, start: usize) -> Completion {
    let rhai = &before[start..];
    let from = behind(rhai, |c| !c.is_alphanumeric() && c != '_');
    let (left, written) = rhai.split_at(from);
    let sight = session.sight();
    let world = names::Names { session, sight: &sight };
    let argument = [
        ("service(\"", Some(Kind::Service)),
        ("pod(\"", Some(Kind::Pod)),
        ("node(\"", Some(Kind::Node)),
        ("flow(\"", None),
    ];
    // A name in a call may have `-` and `/`, which are no letters of Rhai's.
    let open = |(call, kind): &(&str, Option<Kind>)| {
        let at = rhai.rfind(call)? + call.len();
        (!rhai[at..].contains('"')).then_some((at, *kind))
    };
    if let Some((at, kind)) = argument.iter().find_map(open) {
        let all = kind.map_or_else(|| world.flows(), |kind| world.of(kind));
        let candidates = all.into_iter().filter(|one| one.text.starts_with(&rhai[at..])).collect();
        return Completion { from: start + at, candidates };
    }
    let all: Vec<_> = if let Some(object) = left.strip_suffix('.') {
        let of = type_of(session, object);
        let properties = of.properties().map(|one| Candidate::new(one.name, Kind::Property, one.help));
        let methods = LIBRARY.iter().map(|(name, _)| Candidate::new(*name, Kind::Function, ""));
        properties.chain(methods).collect()
    } else {
        let functions = FUNCTIONS.iter().map(|one| Candidate::new(one.name, Kind::Function, one.help));
        let flows = world.flows().into_iter().filter(|one| one.text.chars().all(|c| c.is_alphanumeric() || c == '_'));
        flows.chain(functions).collect()
    };
    let mut seen = netscene_core::map::IndexSet::default();
    let fits = |one: &Candidate| one.text.starts_with(written) && one.text != written;
    let candidates = all.into_iter().filter(|one| fits(one) && seen.insert(one.text.clone())).collect();
    Completion { from: start + from, candidates }
}

/// The type of what stands before a dot, as far as its names tell it.
fn type_of(session: &Session, object: &str) -> Type {
    // `hello.hops[0]` ends in one word, `x == hello.hops` in another.
    let begins = behind(object, |c| !c.is_alphanumeric() && !"_.[]".contains(c));
    let mut parts = object.get(begins..).unwrap_or_default().split('.');
    let first = parts.next().unwrap_or_default();
    let (first, index) = first.split_once('[').map_or((first, false), |(name, _)| (name, true));
    let mut of = if session.world().flow(first).is_some() {
        Type::Flow
    } else if session.world().ways(first).is_some() {
        Type::Ways
    } else {
        Type::Any
    };
    if index {
        of = of.element();
    }
    for part in parts {
        let (name, index) = part.split_once('[').map_or((part, false), |(name, _)| (name, true));
        of = of.property(name).unwrap_or(Type::Any);
        if index {
            of = of.element();
        }
    }
    of
}
