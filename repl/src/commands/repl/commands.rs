//! What begins with `:`: commands to the REPL itself.

use std::path::Path;
use std::rc::Rc;

use netscene_lang::reference::PAGES;
use netscene_lang::session::{COMMANDS, Debugger, Outcome, count, help_on, list_commands, no_command};
use netscene_lang::{codes, did_you_mean, explain};

use super::{Repl, Then};
use crate::files;
use crate::folder::Disk;

impl Repl {
    /// Does what a command says.
    pub(super) fn command(&mut self, command: &str) -> Then {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match name {
            "help" => self.help(rest),
            "undo" | "redo" => self.move_by(name, rest),
            "diff" => {
                let Some(count) = self.count(rest) else { return Then::GoOn };
                let diff = self.session.borrow().diff(count);
                self.console.print(if diff.is_empty() { "nothing has changed\n" } else { &diff });
            }
            "save" => self.save(rest),
            "load" => {
                if rest.is_empty() {
                    self.wrong("`:load FILE` takes the name of a scenario");
                } else {
                    self.load(Path::new(rest));
                }
            }
            "test" => {
                let answer = self.session.borrow().test(rest);
                if answer.summary.tests + answer.summary.skipped == 0 && answer.diagnostics.is_empty() {
                    self.console.print("there is no such test\n");
                } else {
                    self.told(&answer);
                }
            }
            "on" => self.on(rest),
            "break" => {
                let said = self.debugger.breakpoint(&self.session.borrow(), rest);
                self.said(said);
            }
            "step" => {
                let said = self.debugger.step_through(&self.session.borrow(), rest);
                self.said(said);
            }
            "explain" => match rest {
                "" => self.console.print(&codes()),
                what => self.said(explain(what)),
            },
            "entries" => {
                for entry in self.session.borrow().entries() {
                    self.console.print(&format!("{entry}\n"));
                }
            }
            "quit" | "q" | "exit" => return Then::Quit,
            _ => self.wrong(&no_command(name)),
        }
        Then::GoOn
    }

    /// Prints what there is to say, or what is wrong.
    fn said(&mut self, said: Result<String, String>) {
        match said {
            Ok(text) => self.console.print(&text),
            Err(problem) => self.wrong(&problem),
        }
    }

    fn help(&mut self, topic: &str) {
        if topic.is_empty() {
            let pages: Vec<_> = PAGES.iter().map(|(name, _)| *name).collect();
            let pages = pages.join(", ");
            let rest = format!("\n`:help TOPIC` shows a page of the reference ({pages}), or explains a word.\n");
            self.console.print(&format!("{}{rest}", list_commands(COMMANDS)));
            return;
        }
        // A word of the language before a page of the same name: the page is the longer reading.
        let page = PAGES.iter().find(|(name, _)| *name == topic).map(|(_, text)| *text);
        match (help_on(topic), page) {
            (Ok(word), Some(page)) => self.console.print(&format!("{word}\n{page}")),
            (Ok(word), None) => self.console.print(&word),
            (Err(_), Some(page)) => self.console.print(page),
            (Err(problem), None) => {
                let near = did_you_mean(topic, PAGES.iter().map(|(name, _)| *name));
                let problem =
                    near.map_or(problem, |near| format!("there is no page `{topic}`; did you mean `{near}`?"));
                self.wrong(&problem);
            }
        }
    }

    fn count(&mut self, text: &str) -> Option<usize> {
        count(text).map_err(|problem| self.wrong(&problem)).ok()
    }

    fn move_by(&mut self, way: &str, count: &str) {
        let Some(count) = self.count(count) else { return };
        let said = self.session.borrow_mut().travel(way, count);
        self.console.print(&said);
        let place = self.place.borrow().clone();
        if place.is_some_and(|place| self.session.borrow().place(&place).is_err()) {
            self.place.borrow_mut().take();
        }
    }

    fn save(&mut self, path: &str) {
        if path.is_empty() {
            return self.wrong("`:save FILE` takes the name of a file");
        }
        let saved = self.session.borrow().save();
        match files::write(Path::new(path), &saved.text) {
            Ok(()) => {
                let count = self.session.borrow().entries().len();
                let plural = if count == 1 { "entry" } else { "entries" };
                self.console.print(&format!("{path}: {count} {plural}\n"));
                for note in saved.notes {
                    self.warn(Some(note));
                }
            }
            Err(problem) => self.wrong(&problem),
        }
    }

    /// Begins anew with the world of a scenario. It says whether that could be read.
    pub(super) fn load(&mut self, path: &Path) -> bool {
        let text = match files::read(path) {
            Ok(text) => text,
            Err(problem) => {
                self.wrong(&problem);
                return false;
            }
        };
        let name = path.display().to_string();
        let answer = self.session.borrow_mut().load(&name, &text, Rc::new(Disk::of(path)));
        if answer.outcome == Outcome::Refused {
            self.told(&answer);
            return false;
        }
        // They are of the world that was left.
        self.place.borrow_mut().take();
        self.debugger = Debugger::default();
        self.debugger.heard(&answer);
        // What it prints was for whoever runs it; what went wrong is told.
        let quiet = netscene_lang::session::Answer { text: String::new(), ..answer };
        self.told(&quiet);
        let session = self.session.borrow();
        let (state, tests) = (session.world().state(), session.tests().len());
        let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (nodes, pods, services) = (state.nodes().len(), state.pods().len(), state.services().len());
        let told = [some(nodes, "node"), some(pods, "pod"), some(services, "service")].join(", ");
        let rest = if tests == 0 { String::new() } else { format!("; {}: `:test` runs them", some(tests, "test")) };
        self.console.print(&format!("{name}: {told}{rest}\n"));
        true
    }

    fn on(&mut self, place: &str) {
        if place.is_empty() {
            self.place.borrow_mut().take();
            return;
        }
        let found = self.session.borrow().place(place);
        match found {
            Ok(place) => *self.place.borrow_mut() = Some(place),
            Err(problem) => self.wrong(&problem),
        }
    }
}
