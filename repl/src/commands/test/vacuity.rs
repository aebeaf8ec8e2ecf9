//! Tests that cannot fail, or only by chance of what the world refuses.

use super::record::Record;

/// Why no change of the network could break a test that has passed, if that is so. `compared` says whether what it prints
/// is compared with an expected text.
pub(super) fn reason(record: &Record, compared: bool) -> Option<&'static str> {
    let facts = record.facts;
    if !record.passed || record.skipped || compared && !record.output.is_empty() {
        return None;
    }
    if facts.expects + facts.asserts == 0 {
        return Some("it expects and asserts nothing");
    }
    if facts.flows == 0 {
        return Some("it sends nothing, and nothing was sent before it");
    }
    if facts.expects > 0 {
        return None;
    }
    if facts.constants == facts.asserts {
        return Some("what it asserts says nothing of what was sent");
    }
    record.holds_muted.then_some("what it asserts is true even if nothing that is sent arrives")
}
