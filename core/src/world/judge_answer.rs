//! Whether a name server answered as expected.

use super::judge::judged;
use super::{OpError, TargetHost, World};
use crate::trace::{DnsResult, Flow, Judgement, NoAnswer, Pattern};

impl World {
    /// Compares the answer of a flow with a pattern about it.
    pub(super) fn judge_answer(&self, flow: &Flow, pattern: &Pattern, via: Option<&str>) -> Result<Judgement, OpError> {
        let Some(result) = &flow.dns else { return Ok(judged(false, "there was no answer".into())) };
        let by_server = match via {
            Some(via) => self.address(&TargetHost::Name(format!("service/{via}")))? == *result.server.ip(),
            None => true,
        };
        let fits = match pattern {
            Pattern::Answer { address, .. } => result.addresses.contains(address),
            Pattern::Record { record, .. } => result.records.iter().any(|one| says(one, record)),
            Pattern::NoAnswer { reason, .. } => why_none(result) == Some(*reason),
            _ => false,
        };
        let mut said: Vec<_> = result.addresses.iter().map(ToString::to_string).collect();
        if said.is_empty() {
            said.clone_from(&result.records);
        }
        let answer = match why_none(result) {
            Some(NoAnswer::NoData) => "NODATA".to_owned(),
            Some(_) => result.code.to_owned(),
            None => said.join(", "),
        };
        Ok(judged(by_server && fits, format!("{} answered {answer} for {}", result.server, result.name)))
    }
}

/// Whether a record, which has its type before it, says this; a text may stand without its quotes.
fn says(record: &str, text: &str) -> bool {
    let said = record.split_once(' ').map_or(record, |(_kind, said)| said);
    said == text || said.trim_matches('"') == text
}

/// Why there is no answer; nothing where there is one.
fn why_none(result: &DnsResult) -> Option<NoAnswer> {
    match result.code {
        _ if !result.records.is_empty() => None,
        "NOERROR" => Some(NoAnswer::NoData),
        "NXDOMAIN" => Some(NoAnswer::NxDomain),
        _ => Some(NoAnswer::ServFail),
    }
}
