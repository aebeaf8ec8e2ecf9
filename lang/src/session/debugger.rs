//! Breakpoints, and the flow that is gone through hop by hop: what the REPL and a page have in common.

use std::sync::Arc;

use netscene_core::trace::Flow;

use super::{Answer, Breakpoint, Outcome, Session, Stepper};

/// The breakpoints of a session, and where somebody is who goes through a flow.
///
/// ```
/// use netscene_lang::session::{Debugger, Session};
/// let (mut session, mut debugger) = (Session::new(0), Debugger::default());
/// session.enter("node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2");
/// debugger.breakpoint(&session, "INPUT at worker2").unwrap();
/// assert_eq!(debugger.breakpoint(&session, "").unwrap(), "INPUT at worker2\n");
/// let answer = session.enter("ping worker1 -> worker2 as hello");
/// let told = debugger.heard(&answer).unwrap();
/// assert!(told.starts_with("stopped at INPUT at worker2: Enter goes on a hop"));
/// assert!(told.contains("\n#1, hop 2 of 2\n"));
/// assert!(debugger.go_on("n").unwrap().starts_with("#2, hop 1 of 2\n"));
/// // Behind the last breakpoint it says what the flow came to.
/// assert!(debugger.go_on("c").unwrap().starts_with("hello: ping worker1"));
/// assert!(debugger.stepper().is_none());
/// assert!(debugger.step_through(&session, "").unwrap().starts_with("#1, hop 1 of 2\n"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Debugger {
    breakpoints: Vec<Breakpoint>,
    stepper: Option<Stepper>,
    /// The flow that was sent last.
    sent: Option<String>,
}

impl Debugger {
    /// The flow that is gone through.
    pub fn stepper(&self) -> Option<&Stepper> {
        self.stepper.as_ref()
    }

    /// Leaves the flow that is gone through; it says whether there was one.
    pub fn leave(&mut self) -> bool {
        self.stepper.take().is_some()
    }

    /// Notes what an answer has sent, and stops at the first breakpoint that something of it meets: what is told then.
    pub fn heard(&mut self, answer: &Answer) -> Option<String> {
        if answer.outcome != Outcome::Done {
            return None;
        }
        if let Some(flow) = answer.flows.last() {
            self.sent = Some(flow.name.clone());
        }
        for flow in &answer.flows {
            let mut stepper = Stepper::new(flow.clone());
            if let Some((met, text)) = stepper.go_on(&self.breakpoints) {
                self.stepper = Some(stepper);
                return Some(format!(
                    "stopped at {met}: Enter goes on a hop, `c` to the next breakpoint, `q` ends\n{text}"
                ));
            }
        }
        None
    }

    /// Goes on through the flow, if the line says so: nothing or `n` to the next hop, `c` to the next breakpoint, `q` to the
    /// end. Nothing, where no flow is gone through; any other line is an entry as ever.
    pub fn go_on(&mut self, line: &str) -> Option<String> {
        let stepper = self.stepper.as_mut()?;
        let told = match line.trim() {
            "" | "n" | "next" => stepper.step(),
            "c" | "continue" => stepper.go_on(&self.breakpoints).map(|(met, text)| format!("stopped at {met}\n{text}")),
            "q" | "quit" => None,
            _ => return None,
        };
        let end = stepper.summary();
        if told.is_none() {
            self.stepper = None;
        }
        Some(told.unwrap_or(end))
    }

    /// Begins to go through the flow of that name; without a name, through what was sent last.
    pub fn step_through(&mut self, session: &Session, name: &str) -> Result<String, String> {
        let name = if name.is_empty() { self.sent.as_deref().unwrap_or_default() } else { name };
        let flow: Option<Arc<Flow>> = session.world().flow(name).cloned();
        let Some(flow) = flow else {
            let known: Vec<_> = session.flows("").into_iter().map(|flow| flow.text).collect();
            let near = crate::did_you_mean(name, known.iter().map(String::as_str));
            let hint = near.map_or_else(
                || "send something first, and name it".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!("there is no flow `{name}`; {hint}"));
        };
        let mut stepper = Stepper::new(flow);
        Ok(match stepper.step() {
            Some(text) => {
                self.stepper = Some(stepper);
                text
            }
            None => stepper.summary(),
        })
    }

    /// Sets a breakpoint; `off` forgets all of them, and without anything they are listed.
    pub fn breakpoint(&mut self, session: &Session, text: &str) -> Result<String, String> {
        match text {
            "" if self.breakpoints.is_empty() => return Ok("there are no breakpoints\n".to_owned()),
            "" => return Ok(self.breakpoints.iter().flat_map(|one| [one.to_string(), "\n".to_owned()]).collect()),
            "off" => self.breakpoints.clear(),
            _ => {
                let found = session.breakpoint(text)?;
                if !self.breakpoints.contains(&found) {
                    self.breakpoints.push(found);
                }
            }
        }
        Ok(String::new())
    }
}
