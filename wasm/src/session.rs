//! A world that is held, and sentences entered in it one after the other: the language's own session, as data for a page.

use std::rc::Rc;

use netscene_lang::session::{self, Outcome};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Answer as _, Problem, Sent, Story};
use crate::files;
use crate::types::{Answer, Files};

/// A world, and the sentences entered so far.
#[wasm_bindgen]
pub struct Session(session::Session);

#[wasm_bindgen]
impl Session {
    /// An empty one. All chance comes from `seed`; `files` is what may be included, applied and loaded.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u32, files: Option<Files>) -> Self {
        Self(session::Session::in_folder(seed.into(), Rc::new(files::map(files))))
    }

    /// Enters one sentence or several. A mistake changes nothing.
    pub fn enter(&mut self, text: &str) -> Answer {
        self.entered(text).value()
    }

    /// Takes the last entry back, and says what it was.
    pub fn undo(&mut self) -> Option<String> {
        self.0.undo()
    }

    /// What was entered and counts, as a scenario.
    pub fn save(&self) -> String {
        self.0.save().text
    }
}

impl Session {
    fn entered(&mut self, text: &str) -> Entered {
        let answer = self.0.enter(text);
        Entered {
            outcome: match answer.outcome {
                Outcome::Incomplete => "incomplete",
                Outcome::Nothing => "nothing",
                Outcome::Done => "done",
                Outcome::Refused => "refused",
                Outcome::Stopped => "stopped",
            },
            diagnostics: answer.told(false),
            problems: answer.diagnostics.iter().map(|one| Problem::of(one, &answer.files)).collect(),
            text: answer.text,
            flows: answer.flows.into_iter().map(|flow| Sent { test: None, trace: Story(flow) }).collect(),
        }
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
        let mut session = Session::new(0, None);
        assert_eq!(session.entered("node worker1 at 10.0.0.1").outcome, "done");
        assert_eq!(session.entered("namespace default {").outcome, "incomplete");
        let answer = session.entered("ping worker1 -> worker1 as p\ntrace p hops");
        assert_eq!((answer.outcome, answer.flows.len()), ("done", 1));
        assert!(answer.text.starts_with("p: ping worker1"), "{}", answer.text);
        let wrong = session.entered("expect q delivered");
        assert_eq!(wrong.outcome, "refused");
        assert!(wrong.diagnostics.contains("<3>:1:8") && wrong.problems.len() == 1, "{}", wrong.diagnostics);
        // What comes later prints nothing of what was before.
        assert!(session.entered("show routes on worker1").text.contains("Kernel IP routing table"));
        assert_eq!(session.entered("namespace default { pod late on worker1 }").text, "");
        assert_eq!(session.undo().as_deref(), Some("namespace default { pod late on worker1 }"));
        assert!(session.save().starts_with("node worker1 at 10.0.0.1\n\nping worker1 -> worker1 as p\n"));
    }
}
