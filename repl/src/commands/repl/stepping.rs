//! Breakpoints, and the hops of a flow one at a time.

use netscene_lang::session::{Answer, Outcome, Stepper};

use super::Repl;

impl Repl {
    /// Stops at the first breakpoint that something met that was just sent.
    pub(super) fn stop_at(&mut self, answer: &Answer) {
        if answer.outcome != Outcome::Done || self.breakpoints.is_empty() {
            return;
        }
        for flow in &answer.flows {
            let mut stepper = Stepper::new(flow.clone());
            if let Some((met, text)) = stepper.go_on(&self.breakpoints) {
                self.console.print(&format!(
                    "stopped at {met}: Enter goes on a hop, `c` to the next breakpoint, `q` ends\n{text}"
                ));
                self.stepper = Some(stepper);
                return;
            }
        }
    }

    /// Goes on, if the line says so; any other line is an entry as ever.
    pub(super) fn step(&mut self, text: &str) -> bool {
        let Some(stepper) = &mut self.stepper else { return false };
        let told = match text {
            "" | "n" | "next" => stepper.step(),
            "c" | "continue" => stepper.go_on(&self.breakpoints).map(|(met, text)| format!("stopped at {met}\n{text}")),
            "q" | "quit" => None,
            _ => return false,
        };
        let end = stepper.summary();
        if told.is_none() {
            self.stepper = None;
        }
        self.console.print(&told.unwrap_or(end));
        true
    }

    /// `:step [FLOW]`
    pub(super) fn step_through(&mut self, name: &str) {
        let name = if name.is_empty() { self.sent.clone().unwrap_or_default() } else { name.to_owned() };
        let flow = self.session.borrow().world().flow(&name).cloned();
        let Some(flow) = flow else {
            let known: Vec<_> = self.session.borrow().flows("").into_iter().map(|flow| flow.text).collect();
            let near = netscene_lang::did_you_mean(&name, known.iter().map(String::as_str));
            let hint = near.map_or_else(
                || "send something first, and name it".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return self.wrong(&format!("there is no flow `{name}`; {hint}"));
        };
        let mut stepper = Stepper::new(flow);
        match stepper.step() {
            Some(text) => {
                self.console.print(&text);
                self.stepper = Some(stepper);
            }
            None => self.console.print(&stepper.summary()),
        }
    }

    /// `:break`, `:break WHAT`, `:break off`
    pub(super) fn breakpoint(&mut self, text: &str) {
        match text {
            "" => {
                if self.breakpoints.is_empty() {
                    self.console.print("there are no breakpoints\n");
                }
                for one in &self.breakpoints {
                    self.console.print(&format!("{one}\n"));
                }
            }
            "off" => self.breakpoints.clear(),
            _ => {
                let found = self.session.borrow().breakpoint(text);
                match found {
                    Ok(one) if self.breakpoints.contains(&one) => {}
                    Ok(one) => self.breakpoints.push(one),
                    Err(problem) => self.wrong(&problem),
                }
            }
        }
    }
}
