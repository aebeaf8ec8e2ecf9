//! What happens while somebody types: completion, hints, colours, and Enter that goes on while a brace is open.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use netscene_lang::Word;
use netscene_lang::reference::PAGES;
use netscene_lang::session::{Colour, Session, highlight};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};

use super::goes_on;

/// Looks over the shoulder of whoever types.
pub(super) struct Typing {
    session: Rc<RefCell<Session>>,
    place: Rc<RefCell<Option<String>>>,
    color: bool,
    files: FilenameCompleter,
}

/// A hint is no longer.
const LONGEST_HINT: usize = 72;

impl Typing {
    pub(super) fn new(session: Rc<RefCell<Session>>, place: Rc<RefCell<Option<String>>>, color: bool) -> Self {
        Self { session, place, color, files: FilenameCompleter::new() }
    }

    /// Where the part begins that a candidate replaces, and what may stand there.
    fn candidates(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = line.get(..cursor).unwrap_or(line);
        let session = self.session.borrow();
        if before.starts_with(':') {
            return of_command(&session, before);
        }
        let place = self.place.borrow();
        let found = match &*place {
            Some(place) => session.complete_typed(place, before),
            None => session.complete(line, cursor),
        };
        (found.from, found.candidates.into_iter().map(|one| one.text).collect())
    }
}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        if line.starts_with(":load ") || line.starts_with(":save ") {
            return self.files.complete_path(line, cursor);
        }
        let (from, texts) = self.candidates(line, cursor);
        // A word is done with a blank behind it, unless it may go on.
        let done = texts.len() == 1 && cursor == line.len();
        let pair = |text: String| {
            let blank = if done && !text.ends_with(['/', '.']) { " " } else { "" };
            Pair { replacement: format!("{text}{blank}"), display: text }
        };
        Ok((from, texts.into_iter().map(pair).collect()))
    }
}

impl Hinter for Typing {
    type Hint = String;

    /// How the sentence goes that was just begun; else what Tab would write, where that is sure.
    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<String> {
        if !self.color || cursor < line.len() || line.is_empty() {
            return None;
        }
        if let Some(word) = line.strip_suffix(' ').and_then(Word::from_text).filter(|_| self.place.borrow().is_none()) {
            let rest = word.syntax().strip_prefix(word.text())?.trim_start();
            let short: String = rest.chars().take(LONGEST_HINT).collect();
            return Some(short).filter(|hint| !hint.is_empty());
        }
        let (from, texts) = self.candidates(line, cursor);
        match texts.as_slice() {
            [only] if cursor > from => only.get(cursor - from..).map(str::to_owned),
            _ => None,
        }
    }
}

impl Highlighter for Typing {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if !self.color || line.starts_with(':') || self.place.borrow().is_some() {
            return Cow::Borrowed(line);
        }
        let (mut text, mut at) = (String::new(), 0);
        for (range, colour) in highlight(line) {
            text += line.get(at..range.start).unwrap_or_default();
            let part = line.get(range.clone()).unwrap_or_default();
            text.extend(["\u{1b}[", code(colour), "m", part, "\u{1b}[0m"]);
            at = range.end;
        }
        text += line.get(at..).unwrap_or_default();
        Cow::Owned(text)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.color { Cow::Owned(format!("\u{1b}[1m{prompt}\u{1b}[0m")) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { Cow::Owned(format!("\u{1b}[2m{hint}\u{1b}[0m")) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.color
    }
}

/// The colour of a terminal (ECMA-48, SGR).
const fn code(colour: Colour) -> &'static str {
    match colour {
        Colour::Head => "1;34",
        Colour::Word => "34",
        Colour::Text => "32",
        Colour::Value => "36",
        Colour::Rhai => "35",
        Colour::Command => "33",
        Colour::Comment => "2",
        Colour::Wrong => "31",
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let more = goes_on(context.input(), self.place.borrow().is_some());
        Ok(if more { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Helper for Typing {}

/// The same behind a `:`; `:help` shows pages, too.
fn of_command(session: &Session, line: &str) -> (usize, Vec<String>) {
    let found = session.complete_command(line);
    let pages = line.strip_prefix(":help ").into_iter().flat_map(|written| {
        let names = PAGES.iter().map(|(name, _)| (*name).to_owned());
        names.filter(|name| name.starts_with(written)).collect::<Vec<_>>()
    });
    (found.from, pages.chain(found.candidates.into_iter().map(|one| one.text)).collect())
}
