//! Names of services that stand for another name.

use std::net::Ipv4Addr;

use super::{Answer, QueryType, Question, RecordData};

impl Question<'_> {
    /// Another name; and what that name has, if it is one of the cluster. Of others the server that CoreDNS forwards to
    /// would have to say it.
    pub(super) fn external_name(&self, target: &str) -> Answer {
        // The plugin takes an address for no name, though Kubernetes lets it be one.
        if target.parse::<Ipv4Addr>().is_ok() {
            return Answer::no_name();
        }
        let target = format!("{}.", target.trim_end_matches('.'));
        let alias = self.record(RecordData::Cname(target.clone()));
        let inside = target.trim_end_matches('.').ends_with(&format!(".{}", self.zone));
        match self.query {
            QueryType::A | QueryType::Aaaa if inside => {
                // A name may lead to itself by others.
                if self.depth == MOST_ALIASES {
                    return Answer::no_data();
                }
                let next = Question::new(self.state, self.pods, &target, self.query, self.depth + 1).answer();
                if next.records.is_empty() {
                    return Answer::no_data();
                }
                Answer::found([alias].into_iter().chain(next.records).collect())
            }
            QueryType::A | QueryType::Aaaa | QueryType::Cname => Answer::found(vec![alias]),
            // "SRV for external services is not yet implemented" (CoreDNS, `kubernetes.go`, `Services`).
            _ => Answer::no_data(),
        }
    }
}

/// The longest chain of names that stand for names (CoreDNS, `plugin/backend_lookup.go`).
const MOST_ALIASES: usize = 7;
