//! What begins with `:`: commands to the REPL itself.

use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use netscene_lang::reference::PAGES;
use netscene_lang::session::Outcome;
use netscene_lang::{Word, codes, did_you_mean, explain};

use super::{Repl, Then};
use crate::files;
use crate::folder::Disk;

/// The commands: how each goes, and what it is for.
pub(super) const COMMANDS: [(&str, &str, &str); 13] = [
    ("help", "[TOPIC]", "what there is; a page of the reference, a word or a code"),
    ("undo", "[COUNT]", "take back the last entry, or several"),
    ("redo", "[COUNT]", "do again what was taken back"),
    ("diff", "[COUNT]", "what the last entry, or several, changed: objects, rules, routes, connections"),
    ("save", "FILE", "what was entered, as a scenario that runs"),
    ("load", "FILE", "begin anew with the world of a scenario, without its tests"),
    ("test", "[TEXT]", "run the tests that were loaded or entered, with TEXT in their name"),
    (
        "on",
        "[PLACE]",
        "type commands on a node, a pod or a host: iptables, conntrack, ip, tcpdump, ping, curl, dig, kubectl",
    ),
    ("break", "[WHAT]", "stop at a node, a hook, TABLE/CHAIN [NUMBER], each also `at NODE`; without WHAT, list; `off`"),
    ("step", "[FLOW]", "go through what was sent, hop by hop"),
    ("explain", "[CODE]", "what a code or a word means; every code"),
    ("entries", "", "what was entered and counts"),
    ("quit", "", "end; so does Ctrl-D"),
];

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
            "break" => self.breakpoint(rest),
            "step" => self.step_through(rest),
            "explain" => match rest {
                "" => self.console.print(&codes()),
                what => match explain(what) {
                    Ok(text) => self.console.print(&text),
                    Err(problem) => self.wrong(&problem),
                },
            },
            "entries" => {
                for entry in self.session.borrow().entries() {
                    self.console.print(&format!("{entry}\n"));
                }
            }
            "quit" | "q" | "exit" => return Then::Quit,
            _ => {
                let near = did_you_mean(name, COMMANDS.iter().map(|(name, ..)| *name));
                let hint =
                    near.map_or_else(|| "`:help` lists them".to_owned(), |near| format!("did you mean `:{near}`?"));
                self.wrong(&format!("there is no command `:{name}`; {hint}"));
            }
        }
        Then::GoOn
    }

    fn help(&mut self, topic: &str) {
        if topic.is_empty() {
            let mut text =
                "A sentence of the language is done at once, and counts as a whole or not at all. Besides:\n\n"
                    .to_owned();
            for (name, syntax, help) in COMMANDS {
                let command = format!(":{name} {syntax}");
                let _ = writeln!(text, "  {command:<16}{help}");
            }
            let pages: Vec<_> = PAGES.iter().map(|(name, _)| *name).collect();
            let pages = pages.join(", ");
            let _ = writeln!(text, "\n`:help TOPIC` shows a page of the reference ({pages}), or explains a word.");
            self.console.print(&text);
            return;
        }
        let command = topic.strip_prefix(':').unwrap_or(topic);
        let meant = topic.starts_with(':') || Word::from_text(topic).is_none();
        if let Some((name, syntax, help)) = COMMANDS.iter().find(|(name, ..)| meant && *name == command) {
            return self.console.print(&format!(":{name} {syntax}\n\n{help}\n"));
        }
        // A word of the language before a page of the same name: the page is the longer reading.
        let page = PAGES.iter().find(|(name, _)| *name == topic).map(|(_, text)| *text);
        match (explain(topic), page) {
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
        let count = if text.is_empty() { Some(1) } else { text.parse().ok().filter(|count| *count > 0) };
        if count.is_none() {
            self.wrong(&format!("`{text}` is not a number of entries"));
        }
        count
    }

    fn move_by(&mut self, way: &str, count: &str) {
        let Some(count) = self.count(count) else { return };
        for _ in 0..count {
            let moved = match way {
                "undo" => self.session.borrow_mut().undo(),
                _ => self.session.borrow_mut().redo(),
            };
            let Some(text) = moved else {
                self.console.print(&format!("there is nothing left to {way}\n"));
                break;
            };
            let first = text.lines().next().unwrap_or_default();
            let more = if text.contains('\n') { " …" } else { "" };
            self.console.print(&format!("{way}: {first}{more}\n"));
        }
        let place = self.place.borrow().clone();
        if place.is_some_and(|place| !self.places().contains(&place)) {
            self.place.borrow_mut().take();
        }
    }

    /// Where commands can be typed.
    fn places(&self) -> Vec<String> {
        self.session.borrow().places("").into_iter().map(|one| one.text).collect()
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
        (self.stepper, self.sent) = (None, None);
        self.breakpoints.clear();
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
        let known = self.places();
        let short = place.strip_prefix("default/").unwrap_or(place).to_owned();
        if known.contains(&short) {
            *self.place.borrow_mut() = Some(short);
            return;
        }
        let near = did_you_mean(place, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.wrong(&format!("there is no node, pod or host `{place}`{hint}"));
    }
}
