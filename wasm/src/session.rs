//! A world that is held, and sentences entered in it one after the other.
//!
//! A session is the scenario of its sentences. The same scenario makes the same world, so that a sentence is entered by running
//! all of them, and what came before is left out of the answer.

use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Answer as _, Problem, Sent};
use crate::files::Map;
use crate::ran;
use crate::types::{Answer, Files};

/// What the last run printed and sent.
#[derive(Default)]
struct Seen {
    printed: usize,
    sent: usize,
}

/// A world, and the sentences entered so far.
#[wasm_bindgen]
pub struct Session {
    seed: u32,
    files: Map,
    /// Each with what there was to see before it.
    entries: Vec<(String, Seen)>,
    seen: Seen,
}

#[wasm_bindgen]
impl Session {
    /// An empty one. All chance comes from `seed`; `files` is what may be included, applied and loaded.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u32, files: Option<Files>) -> Self {
        Self::of(seed, Map::of(files))
    }

    /// Enters one sentence or several. A mistake changes nothing.
    pub fn enter(&mut self, text: &str) -> Answer {
        self.entered(text).value()
    }

    /// Takes the last entry back, and says what it was.
    pub fn undo(&mut self) -> Option<String> {
        let (text, seen) = self.entries.pop()?;
        self.seen = seen;
        Some(text)
    }

    /// What was entered and counts, as a scenario.
    pub fn save(&self) -> String {
        self.entries.iter().map(|(text, _)| format!("{text}\n")).collect()
    }
}

impl Session {
    fn of(seed: u32, files: Map) -> Self {
        Self { seed, files, entries: Vec::new(), seen: Seen::default() }
    }

    fn entered(&mut self, text: &str) -> Entered {
        let ran = ran("session.scn", &format!("{}{text}\n", self.save()), &self.files, self.seed);
        let refused = ran.problems.iter().any(Problem::is_error);
        let outcome = match () {
            () if ran.problems.iter().any(Problem::is_unclosed) => "incomplete",
            () if refused => "refused",
            () => "done",
        };
        // The last line counts what there was; a session goes on.
        let printed = ran.output.trim_end().rfind('\n').map_or("", |end| ran.output.get(..=end).unwrap_or_default());
        let answer = Entered {
            outcome,
            text: printed.get(self.seen.printed..).unwrap_or_default().to_owned(),
            diagnostics: if refused { ran.diagnostics } else { String::new() },
            problems: ran.problems,
            flows: ran.flows.into_iter().skip(self.seen.sent).collect(),
        };
        if outcome == "done" {
            let seen = Seen { printed: printed.len(), sent: self.seen.sent + answer.flows.len() };
            self.entries.push((text.to_owned(), std::mem::replace(&mut self.seen, seen)));
        }
        answer
    }
}

/// What came of an entry.
#[derive(Serialize)]
struct Entered {
    outcome: &'static str,
    text: String,
    diagnostics: String,
    problems: Vec<Problem>,
    flows: Vec<Sent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_entered_one_by_one_and_taken_back() {
        let mut session = Session::of(0, Map::default());
        assert_eq!(session.entered("node worker1 at 10.0.0.1").outcome, "done");
        assert_eq!(session.entered("namespace default {").outcome, "incomplete");
        let answer = session.entered("ping worker1 -> worker1 as p\ntrace p hops");
        assert_eq!((answer.outcome, answer.flows.len()), ("done", 1));
        assert!(answer.text.starts_with("p: ping worker1"), "{}", answer.text);
        let wrong = session.entered("expect q delivered");
        assert_eq!(wrong.outcome, "refused");
        assert!(wrong.diagnostics.contains("session.scn:4:8"), "{}", wrong.diagnostics);
        let again = session.entered("show routes on worker1");
        assert!(again.flows.is_empty() && !again.text.contains("ping"), "{}", again.text);
        assert_eq!(session.undo().as_deref(), Some("show routes on worker1"));
        assert_eq!(session.save(), "node worker1 at 10.0.0.1\nping worker1 -> worker1 as p\ntrace p hops\n");
    }
}
