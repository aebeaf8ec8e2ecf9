//! A world that is held, and sentences entered in it one after the other: the language's own session, as data for a page.

use std::rc::Rc;
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_core::world::{Op, Operation, Outcome as Done};
use netscene_lang::session::{self, Debugger, Outcome, typed};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Answer as _, Problem, Sent, Story};
use crate::complete::Suggestions;
use crate::files;
use crate::types::{Answer, Completion, Files, Texts};

/// A world, and the sentences entered so far.
#[wasm_bindgen]
pub struct Session {
    pub(crate) session: session::Session,
    pub(crate) debugger: Debugger,
    /// How many command lines have been typed on machines: what they send is named by it.
    typed: usize,
}

#[wasm_bindgen]
impl Session {
    /// An empty one. All chance comes from `seed`; `files` is what may be included, applied and loaded.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: u32, files: Option<Files>) -> Self {
        let session = session::Session::in_folder(seed.into(), Rc::new(files::map(files)));
        Self { session, debugger: Debugger::default(), typed: 0 }
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
        let answer = self.session.load(name, text, Rc::new(files::map(files)));
        if answer.outcome == Outcome::Done {
            // Where it stops was said of the world that was left.
            self.debugger = Debugger::default();
            self.debugger.heard(&answer);
        }
        self.told(answer, None).value()
    }

    /// Runs the tests that were loaded or entered and have `filter` in their names. Nothing is changed by it.
    pub fn test(&self, filter: &str) -> Answer {
        self.told(self.session.test(filter), None).value()
    }

    /// Does what a command of the REPL says, such as `:break FORWARD at worker1`, `:step hello` or `:explain E0301`; `:help` lists
    /// them. Of `:on` it answers the name of the machine.
    pub fn command(&mut self, line: &str) -> Answer {
        self.command_entered(line).value()
    }

    /// Stops from now on where something that is sent meets a node, a hook, `TABLE/CHAIN` or `TABLE/CHAIN NUMBER`, each also
    /// `at NODE`. `off` forgets all breakpoints, an empty text lists them.
    pub fn breakpoint(&mut self, what: &str) -> Answer {
        let said = self.debugger.breakpoint(&self.session, what.trim());
        self.said(said, Vec::new()).value()
    }

    /// Goes through a flow hop by hop, and shows the first; without a name through what was sent last.
    #[wasm_bindgen(js_name = stepThrough)]
    pub fn step_through(&mut self, flow: Option<String>) -> Answer {
        self.stepped(&flow.unwrap_or_default()).value()
    }

    /// Goes on where a flow is gone through: an empty text or `n` to the next hop, `c` to the next breakpoint, `q` to the end.
    /// Nothing where none is, or where the text is another: that is to be entered.
    #[wasm_bindgen(js_name = goOn)]
    pub fn go_on(&mut self, how: &str) -> Option<Answer> {
        let told = self.debugger.go_on(how)?;
        Some(self.said(Ok(told), Vec::new()).value())
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
            _ if text.starts_with(':') => self.complete_command(&text[..cursor]),
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
        let answer = self.session.enter(text);
        self.heard(answer)
    }

    fn entered_at(&mut self, place: &str, line: &str) -> Entered {
        self.typed += 1;
        match typed(place, line, self.typed) {
            Ok(sentence) => {
                let answer = self.session.enter(&sentence);
                // Whoever fetches a page wants to see it.
                let page = answer.flows.last().and_then(|flow| Some(flow.http.as_ref()?.body.clone() + "\n"));
                let mut entered = self.heard(answer);
                entered.text += &page.unwrap_or_default();
                entered
            }
            Err(problem) => self.said(Err(problem), Vec::new()),
        }
    }

    fn command_entered(&mut self, line: &str) -> Entered {
        let line = line.trim();
        let line = line.strip_prefix(':').unwrap_or(line);
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (name, rest.trim()) {
            ("step", flow) => self.stepped(flow),
            ("test", filter) => {
                let mut entered = self.told(self.session.test(filter), None);
                if entered.text.is_empty() && entered.diagnostics.is_empty() {
                    entered.text.push_str("there is no such test\n");
                }
                entered
            }
            (name, rest) => {
                let said = self.commanded(name, rest);
                self.said(said, Vec::new())
            }
        }
    }

    fn stepped(&mut self, flow: &str) -> Entered {
        let said = self.debugger.step_through(&self.session, flow);
        let flow = self.debugger.stepper().filter(|_| said.is_ok()).map(|stepper| stepper.flow().clone());
        self.said(said, flow.into_iter().collect())
    }

    /// What came of something that may have met a breakpoint.
    fn heard(&mut self, answer: session::Answer) -> Entered {
        let stopped = self.debugger.heard(&answer);
        self.told(answer, stopped)
    }

    fn told(&self, answer: session::Answer, stopped: Option<String>) -> Entered {
        let mut entered = Entered {
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
            step: self.stand(&answer.flows),
            flows: sent(answer.flows),
        };
        entered.text += &stopped.unwrap_or_default();
        entered
    }

    /// What there is to say, or what is wrong: nothing has changed by it.
    fn said(&self, said: Result<String, String>, flows: Vec<Arc<Flow>>) -> Entered {
        let (outcome, text, diagnostics) = match said {
            Ok(text) => ("nothing", text, String::new()),
            Err(problem) => ("refused", String::new(), format!("error: {problem}\n")),
        };
        let step = self.stand(&flows);
        Entered { outcome, text, diagnostics, problems: Vec::new(), flows: sent(flows), step }
    }

    fn stand(&self, flows: &[Arc<Flow>]) -> Option<Stand> {
        let stepper = self.debugger.stepper()?;
        let flow = flows.iter().position(|flow| Arc::ptr_eq(flow, stepper.flow()));
        Some(Stand { flow, hop: stepper.shown().saturating_sub(1) })
    }
}

fn sent(flows: Vec<Arc<Flow>>) -> Vec<Sent> {
    flows.into_iter().map(|flow| Sent { test: None, trace: Story(flow) }).collect()
}

/// What came of an entry.
#[derive(Serialize)]
struct Entered {
    outcome: &'static str,
    text: String,
    diagnostics: String,
    problems: Vec<Problem>,
    flows: Vec<Sent>,
    step: Option<Stand>,
}

/// Where somebody is who goes through a flow.
#[derive(Serialize)]
struct Stand {
    /// Which of the flows of the answer it is, if it is one of them.
    flow: Option<usize>,
    /// The number of the hop that was shown last, over all packets.
    hop: usize,
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

    #[test]
    fn what_is_sent_stops_at_a_breakpoint_and_is_gone_through() {
        let mut session = Session::new(0, None);
        session.entered("node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2");
        assert_eq!(session.command_entered(":break INPUT at worker2").diagnostics, "");
        let answer = session.entered("ping worker1 -> worker2 as hello");
        assert!(answer.text.contains("\nstopped at INPUT at worker2: Enter"), "{}", answer.text);
        assert_eq!(answer.step.map(|at| (at.flow, at.hop)), Some((Some(0), 1)));
        assert!(session.debugger.go_on("show routes on worker1").is_none());
        assert_eq!(session.entered("show routes on worker1").step.map(|at| (at.flow, at.hop)), Some((None, 1)));
        assert!(session.debugger.go_on("c").is_some_and(|told| told.starts_with("hello: ping worker1")));
        let answer = session.command_entered(":step");
        assert_eq!((answer.flows.len(), answer.step.map(|at| at.hop)), (1, Some(0)), "{}", answer.text);
        assert!(session.command_entered(":step helo").diagnostics.contains("`helo`; did you mean `hello`?"));
    }

    #[test]
    fn commands_that_a_page_has_are_known_and_others_say_why_not() {
        let mut session = Session::new(0, None);
        session.entered("node worker1 at 10.0.0.1");
        let help = session.command_entered(":help").text;
        for (name, ..) in netscene_lang::session::COMMANDS {
            let there = help.contains(&format!("  :{name} "));
            let said = session.command_entered(&format!(":{name} 1"));
            assert_eq!(there, !["load", "quit"].contains(&name), "{name} in {help}");
            assert_ne!(there, said.diagnostics.contains("is the command's"), "{name}: {}", said.diagnostics);
            assert!(!said.diagnostics.contains("there is no command"), "{name}");
        }
        assert!(session.command_entered(":stp").diagnostics.ends_with("did you mean `:step`?\n"));
        let offered = session.complete_command(":");
        assert_eq!(offered.candidates.len(), help.lines().filter(|line| line.starts_with("  :")).count());
    }
}
