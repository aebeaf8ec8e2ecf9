//! `scn repl`: sentences one at a time, on a terminal.
//!
//! - [`Session`] of the language does everything that is of the world; what is here brings it to a terminal;
//! - [`commands`]: what begins with `:`; [`helper`]: completion, hints, colours, open braces while somebody types;
//! - [`history`]: what was typed before.

mod commands;
mod helper;
mod history;

use std::cell::RefCell;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use clap::Args;
use netscene_core::trace::Flow;
use netscene_lang::Channel;
use netscene_lang::session::{Answer, Debugger, Outcome, Session, is_incomplete, typed};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use self::helper::Typing;
use self::history::History;
use crate::console::Console;
use crate::exit::Exit;
use crate::folder::Disk;

/// Enter sentences one at a time, and see what comes of them.
///
/// What a scenario may say can be entered here; Tab completes words and the names of what there is. An entry counts as a whole
/// or not at all, and can be undone. `:help` tells the rest. From a pipe it takes the lines and prints what comes of them; its
/// exit status is then that of the worst of them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn repl                         an empty world
  scn repl examples/hello.scn      the world of a scenario, without its tests
  echo ':help' | scn repl          what there is besides sentences")]
pub(crate) struct Arguments {
    /// The scenario to begin with.
    file: Option<PathBuf>,
    /// Where all chance comes from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
}

/// A session on a terminal, or from a pipe.
struct Repl {
    session: Rc<RefCell<Session>>,
    /// The node, pod or host at whose prompt the user is.
    place: Rc<RefCell<Option<String>>>,
    debugger: Debugger,
    /// How many command lines have been typed on machines: what they send is named by it.
    typed: usize,
    console: Console,
    /// The worst that has come of a line.
    worst: Exit,
}

/// Whether there is more to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Quit,
}

/// Reads and does until there is no more.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let session = Rc::new(RefCell::new(Session::in_folder(arguments.seed, Rc::new(Disk::here()))));
    let mut repl = Repl {
        session: session.clone(),
        place: Rc::default(),
        debugger: Debugger::default(),
        typed: 0,
        console,
        worst: Exit::Held,
    };
    if let Some(file) = &arguments.file
        && !repl.load(file)
    {
        return repl.worst;
    }
    let terminal = io::stdin().is_terminal();
    let result = if terminal { repl.converse() } else { repl.read() };
    if let Err(problem) = result {
        console.error(&problem);
        return Exit::BadInput;
    }
    // Whoever sits there has seen what went wrong.
    if terminal { Exit::Held } else { repl.worst }
}

/// Whether an entry goes on in the next line; commands, and what is typed on a machine, never do.
fn goes_on(text: &str, on_machine: bool) -> bool {
    !on_machine && !text.starts_with(':') && is_incomplete(text)
}

impl Repl {
    /// With somebody at a terminal.
    fn converse(&mut self) -> Result<(), String> {
        let unreadable = |error: ReadlineError| format!("the terminal cannot be read: {error}");
        let colors = if self.console.output_color { ColorMode::Forced } else { ColorMode::Disabled };
        let config = Config::builder().max_history_size(history::MOST).map_err(unreadable)?;
        let config = config.completion_type(CompletionType::List).completion_show_all_if_ambiguous(true);
        let config = config.color_mode(colors).bracketed_paste(true).build();
        let mut editor: Editor<Typing, DefaultHistory> = Editor::with_config(config).map_err(unreadable)?;
        let typing = Typing::new(self.session.clone(), self.place.clone(), self.console.output_color);
        editor.set_helper(Some(typing));
        let mut history = History::open();
        self.warn(history.warning());
        for line in history.lines() {
            editor.add_history_entry(line.as_str()).map_err(unreadable)?;
        }
        let cancel = self.session.borrow().cancel();
        // While somebody types, the terminal hands Ctrl-C over as a key; while something runs, it is a signal.
        ctrlc::set_handler(move || cancel.ask()).map_err(|error| format!("Ctrl-C cannot be heard: {error}"))?;
        self.console.print("netscene: `:help` tells what there is, Tab completes, Ctrl-D ends.\n");
        loop {
            match editor.readline(&self.prompt()) {
                Ok(line) => {
                    if !line.trim().is_empty() {
                        editor.add_history_entry(line.as_str()).map_err(unreadable)?;
                        history.add(&line);
                        self.warn(history.warning());
                    }
                    if self.line(&line) == Then::Quit {
                        return Ok(());
                    }
                }
                // What was typed so far is dropped.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) if self.step_out() => {}
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// From a pipe.
    fn read(&mut self) -> Result<(), String> {
        let mut entry = String::new();
        for line in io::stdin().lock().lines() {
            entry += &line.map_err(|error| format!("standard input cannot be read: {error}"))?;
            if goes_on(&entry, self.place.borrow().is_some()) {
                entry.push('\n');
            } else if self.line(&std::mem::take(&mut entry)) == Then::Quit {
                return Ok(());
            }
        }
        if !entry.is_empty() {
            self.line(&entry);
        }
        Ok(())
    }

    fn prompt(&self) -> String {
        match (self.debugger.stepper(), &*self.place.borrow()) {
            (Some(_), _) => "step> ".to_owned(),
            (None, Some(place)) => format!("{place}# "),
            (None, None) => "scn> ".to_owned(),
        }
    }

    /// Leaves the flow that is gone through, or the machine; it says whether there was one.
    fn step_out(&mut self) -> bool {
        self.debugger.leave() || self.place.borrow_mut().take().is_some()
    }

    /// Does what one line says.
    fn line(&mut self, line: &str) -> Then {
        let text = line.trim();
        if let Some(command) = text.strip_prefix(':') {
            return self.command(command);
        }
        if let Some(told) = self.debugger.go_on(text) {
            self.console.print(&told);
            return Then::GoOn;
        }
        if text.is_empty() {
            return Then::GoOn;
        }
        let place = self.place.borrow().clone();
        match place {
            None => drop(self.enter(line)),
            Some(_) if text == "exit" => {
                self.step_out();
            }
            Some(place) => {
                self.typed += 1;
                match typed(&place, text, self.typed) {
                    // Whoever fetches a page wants to see it.
                    Ok(sentence) => {
                        let page = self.enter(&sentence).and_then(|flow| Some(flow.http.as_ref()?.body.clone()));
                        self.console.print(&page.map(|body| body + "\n").unwrap_or_default());
                    }
                    Err(problem) => self.wrong(&problem),
                }
            }
        }
        Then::GoOn
    }

    /// Enters something; what was sent last by it.
    fn enter(&mut self, text: &str) -> Option<Arc<Flow>> {
        let answer = self.session.borrow_mut().enter(text);
        // From a pipe, a brace may be open at the end.
        if answer.outcome == Outcome::Incomplete {
            self.wrong("the entry ends while a brace is open");
            return None;
        }
        self.told(&answer);
        self.console.print(&self.debugger.heard(&answer).unwrap_or_default());
        answer.flows.last().cloned()
    }

    /// Prints what came of something.
    fn told(&mut self, answer: &Answer) {
        self.console.print(&answer.text);
        self.console.write(Channel::Diagnostics, &answer.told(self.console.error_color));
        if answer.outcome == Outcome::Stopped {
            self.console.print("stopped; the world is as it was before\n");
        } else {
            self.worst = self.worst.max(answer.verdict().into());
        }
    }

    /// Says what is wrong where no place in an entry shows it.
    fn wrong(&mut self, problem: &str) {
        self.console.error(problem);
        self.worst = self.worst.max(Exit::BadInput);
    }

    fn warn(&self, warning: Option<String>) {
        if let Some(warning) = warning {
            self.console.write(Channel::Diagnostics, &format!("warning: {warning}\n"));
        }
    }
}
