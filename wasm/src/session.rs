//! A world that is held, and sentences entered in it one after the other: the language's own session, as data for a page.

use std::rc::Rc;

use netscene_core::world::{Op, Operation, Outcome as Done};
use netscene_lang::session::{self, Outcome, typed};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Answer as _, Problem, Sent, Story};
use crate::complete::Suggestions;
use crate::files;
use crate::types::{Answer, Completion, Files, Texts};

/// A world, and the sentences entered so far.
#[wasm_bindgen]
pub struct Session {
    session: session::Session,
    /// How many command lines have been typed on machines: what they send is named by it.
    typed: usize,
}

#[wasm_bindgen]
impl Session {
    /// An empty one. All chance comes from `seed`; `files` is what may be included, applied and loaded.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u32, files: Option<Files>) -> Self {
        Self { session: session::Session::in_folder(seed.into(), Rc::new(files::map(files))), typed: 0 }
    }

    /// Enters one sentence or several. A mistake changes nothing.
    pub fn enter(&mut self, text: &str) -> Answer {
        self.entered(text).value()
    }

    /// Enters a command line as it is typed on a node, a pod or a host: `iptables`, `conntrack`, `ip`, `ping`, `curl`, `dig` …
    #[wasm_bindgen(js_name = enterAt)]
    pub fn enter_at(&mut self, place: &str, line: &str) -> Answer {
        self.entered_at(place, line).value()
    }

    /// Begins anew with the world of a scenario, without its tests. If it cannot be read, nothing happens.
    pub fn load(&mut self, name: &str, text: &str, files: Option<Files>) -> Answer {
        Entered::of(self.session.load(name, text, Rc::new(files::map(files)))).value()
    }

    /// Runs the tests that were loaded or entered and have `filter` in their names. Nothing is changed by it.
    pub fn test(&self, filter: &str) -> Answer {
        Entered::of(self.session.test(filter)).value()
    }

    /// Takes the last entry back, and says what it was.
    pub fn undo(&mut self) -> Option<String> {
        self.session.undo()
    }

    /// Does again what was taken back last, and says what it was.
    pub fn redo(&mut self) -> Option<String> {
        self.session.redo()
    }

    /// What the last so many entries changed: objects, rules, routes and connections. Empty where nothing did.
    pub fn diff(&self, entries: u32) -> String {
        self.session.diff(entries as usize)
    }

    /// What was entered and counts.
    pub fn entries(&self) -> Texts {
        self.session.entries().collect::<Vec<_>>().value()
    }

    /// The names of the tests that were loaded or entered.
    pub fn tests(&self) -> Texts {
        self.session.tests().value()
    }

    /// Where command lines can be typed: nodes, pods, hosts and routers.
    pub fn places(&self) -> Texts {
        self.session.places("").into_iter().map(|one| one.text).collect::<Vec<_>>().value()
    }

    /// What a command prints that only looks: `kubectl get nodes`, or on a place `iptables-save`, `ip route`, `conntrack -L`. It is
    /// no entry; what is refused says why.
    pub fn look(&self, command: &str, place: Option<String>) -> String {
        let arguments = command.strip_prefix("kubectl ").map(str::to_owned);
        let command = command.to_owned();
        let op = match (place, arguments) {
            (_, Some(arguments)) => Op::Kubectl { arguments },
            (Some(on), None) => Op::Shell { on, command },
            (None, None) => return format!("{command}: on which node, pod or host?\n"),
        };
        // To look makes agents write, which nobody shall notice.
        match self.session.world().clone().apply(&Operation { op, origin: None }) {
            Ok(Done::Text(text)) => text,
            Ok(_) => String::new(),
            Err(refused) => format!("{}\n", refused.problem),
        }
    }

    /// What may be written at a place of a text, in UTF-16 units; with `place`, of a command line that is typed there.
    pub fn complete(&self, text: &str, cursor: usize, place: Option<String>) -> Completion {
        Suggestions::at(text, cursor, |cursor| match &place {
            Some(place) => self.session.complete_typed(place, &text[..cursor]),
            None => self.session.complete(text, cursor),
        })
        .value()
    }

    /// What was entered and counts, as a scenario.
    pub fn save(&self) -> String {
        self.session.save().text
    }
}

impl Session {
    fn entered(&mut self, text: &str) -> Entered {
        Entered::of(self.session.enter(text))
    }

    fn entered_at(&mut self, place: &str, line: &str) -> Entered {
        self.typed += 1;
        match typed(place, line, self.typed) {
            Ok(sentence) => {
                let answer = self.session.enter(&sentence);
                // Whoever fetches a page wants to see it.
                let page = answer.flows.last().and_then(|flow| Some(flow.http.as_ref()?.body.clone() + "\n"));
                let mut entered = Entered::of(answer);
                entered.text += &page.unwrap_or_default();
                entered
            }
            Err(problem) => Entered::refused(format!("error: {problem}\n")),
        }
    }
}

impl Entered {
    fn of(answer: session::Answer) -> Self {
        Self {
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

    fn refused(diagnostics: String) -> Self {
        Self { outcome: "refused", text: String::new(), diagnostics, problems: Vec::new(), flows: Vec::new() }
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
        assert_eq!(session.redo().as_deref(), Some("namespace default { pod late on worker1 }"));
        assert!(session.diff(1).contains("late"), "{}", session.diff(1));
    }

    #[test]
    fn who_looks_or_types_on_a_machine_sees_what_it_has() {
        let mut session = Session::new(0, None);
        session.entered("node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2");
        assert!(session.look("kubectl get nodes", None).starts_with("NAME      STATUS"));
        assert!(session.look("ip route", Some("worker1".into())).contains("10.0.0.0"));
        assert!(session.look("ip route", Some("worker9".into())).contains("worker9"));
        assert!(session.look("ip route", None).contains("on which"));
        assert_eq!(session.session.entries().len(), 1, "to look is no entry");
        let pinged = session.entered_at("worker1", "ping -c 1 worker2");
        assert_eq!((pinged.outcome, pinged.flows.len()), ("done", 1), "{}", pinged.diagnostics);
        assert!(session.entered_at("worker1", "apt install vim").diagnostics.contains("is not modelled"));
    }
}
