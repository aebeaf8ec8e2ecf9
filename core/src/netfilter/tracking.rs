//! Which rules make the kernel track connections (`nf_ct_netns_get`): it does so only where one asks for them.

use super::{Match, Rule, Ruleset, TableName, Target};

/// Matches and targets that the model does not know and that ask for connections all the same.
const MATCHES: [&str; 5] = ["connbytes", "connlimit", "connlabel", "helper", "cluster"];
const TARGETS: [&str; 2] = ["CONNSECMARK", "SYNPROXY"];

impl Ruleset {
    /// Whether there is a rule that makes the kernel track connections.
    pub fn need_tracking(&self) -> bool {
        let tables = TableName::ALL.into_iter().map(|name| self.table(name));
        tables.flat_map(|table| table.chains().flat_map(|(_, chain)| chain.rules())).any(asks)
    }
}

fn asks(rule: &Rule) -> bool {
    let named = |text: &str, names: &[&str]| text.split(' ').any(|word| names.contains(&word));
    let by_match = rule.matches.iter().any(|one| match one {
        Match::Conntrack(_) | Match::State(_) | Match::Connmark(_) => true,
        Match::Unknown(text) => named(text, &MATCHES),
        _ => false,
    });
    by_match
        // Of CT --notrack `xt_ct_tg_check` is done before it comes to that.
        || match &rule.target {
            Target::Dnat(_)
            | Target::Snat(_)
            | Target::Masquerade { .. }
            | Target::Redirect { .. }
            | Target::Netmap(_)
            | Target::Connmark(_)
            | Target::Ct(_) => true,
            Target::Unknown(text) => named(text, &TARGETS),
            _ => false,
        }
}
