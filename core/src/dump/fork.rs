//! Both ways of a rule that the model does not understand.

use crate::net::Namespace;
use crate::netfilter::{Doubt, DoubtfulRule, LengthRange, Match, Negatable, Rule, Target};

/// The namespace as it would be if the rule in doubt matched every packet that it may match, and if it matched none. Nothing
/// where the doubt is about something else, such as what an unknown target does.
pub(super) fn both_ways(namespace: &Namespace, doubt: &Doubt) -> Option<[Namespace; 2]> {
    let DoubtfulRule { table: name, chain, number } = doubt.rule.as_ref()?;
    let name = *name;
    let table = namespace.rules.table(name);
    let id = table.chain_id(chain)?;
    let at = number.checked_sub(1)?;
    let rule = table.chain(id)?.rules().get(at)?;
    if matches!(rule.target, Target::Unknown(_)) {
        return None;
    }
    let in_doubt = |one: &Match| match one {
        Match::Unknown(_) | Match::Owner(_) => true,
        Match::Set(set) => namespace.sets.doubt(&set.value.name).is_some(),
        _ => false,
    };
    let known: Vec<_> = rule.matches.iter().filter(|one| !in_doubt(one)).cloned().collect();
    if known.len() == rule.matches.len() {
        return None;
    }
    let matching = Rule { matches: known, ..rule.clone() };
    // No packet is as short as that: its header alone has twenty bytes.
    let never = Match::Length(Negatable::is(LengthRange { first: 0, last: 0 }));
    let passing = Rule { matches: [vec![never], rule.matches.clone()].concat(), ..rule.clone() };
    let with = |rule: Rule| {
        let mut namespace = namespace.clone();
        if let Some(chain) = namespace.rules.table_mut(name).chain_mut(id) {
            chain.remove(at);
            chain.insert(at, rule);
        }
        namespace
    };
    Some([with(matching), with(passing)])
}
