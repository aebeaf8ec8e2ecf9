//! What may be written next, for a page: places are counted as JavaScript counts them.

use std::rc::Rc;

use netscene_lang::session::{Candidate, Completion, Outcome, Session};
use serde::Serialize;

use crate::answer::utf16;
use crate::files;
use crate::types::Files;

/// What may be written at a place.
#[derive(Serialize)]
pub(crate) struct Suggestions {
    from: usize,
    candidates: Vec<Candidate>,
}

impl Suggestions {
    /// Asks with the cursor in bytes that is given in UTF-16 units.
    pub(crate) fn at(text: &str, cursor: usize, ask: impl FnOnce(usize) -> Completion) -> Self {
        let Completion { from, candidates } = ask(byte(text, cursor));
        Self { from: utf16(text, from), candidates }
    }

    /// In a scenario that is being written: names are those of the world that it makes. What is being written at the cursor may
    /// make no sense yet, and so may what follows it: then the world is that of the rest, or of what stands before.
    pub(crate) fn in_scenario(name: &str, text: &str, files: Option<Files>, cursor: usize) -> Self {
        let folder = Rc::new(files::map(files));
        Self::at(text, cursor, |cursor| {
            let (before, after) = text.split_at(cursor);
            let before = before.rfind('\n').map_or("", |at| &before[..=at]);
            let rest = format!("{before}{}", after.find('\n').map_or("", |at| &after[at..]));
            let mut session = Session::new(0);
            for text in [text, &rest, before] {
                if session.load(name, text, folder.clone()).outcome != Outcome::Refused {
                    break;
                }
            }
            session.complete(text, cursor)
        })
    }
}

/// The byte at which so many UTF-16 units of a text are over.
fn byte(text: &str, units: usize) -> usize {
    let mut passed = 0;
    let mut reached = |(_, char): &(usize, char)| {
        let there = passed >= units;
        passed += char.len_utf16();
        there
    };
    text.char_indices().find(&mut reached).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(marked: &str) -> Vec<String> {
        let (before, after) = marked.split_once('|').expect("the cursor is marked");
        let cursor = before.encode_utf16().count();
        let suggested = Suggestions::in_scenario("x.scn", &format!("{before}{after}"), None, cursor);
        let written: Vec<_> = before.encode_utf16().skip(suggested.from).collect();
        let written = String::from_utf16(&written).expect("it begins at a character");
        assert!(suggested.candidates.iter().all(|one| one.text.starts_with(&written)), "{marked}: {written}");
        suggested.candidates.into_iter().map(|one| one.text).collect()
    }

    #[test]
    fn names_come_from_the_world_that_the_rest_of_the_scenario_makes() {
        let world =
            "# ü 𝄞\nnode worker1 at 10.0.0.1\nnamespace default { pod client on worker1; pod web on worker1 }\n";
        assert_eq!(texts(&format!("{world}ping cl|ient -> web as p\n")), ["client"], "in a whole scenario");
        assert_eq!(texts(&format!("{world}ping cl|\n")), ["client"], "in a sentence that is not whole yet");
        assert_eq!(texts(&format!("{world}test \"t\" {{\n  send cl|\n}}\n")), ["client"], "in a test");
        assert_eq!(texts(&format!("{world}ping cl|\nnod x\n")), ["client"], "before a mistake");
        assert_eq!(texts(&format!("{world}names|\n")), ["namespace"]);
    }

    #[test]
    fn a_cursor_is_counted_in_utf16() {
        assert_eq!([0, 1, 3, 4, 9].map(|units| byte("ü𝄞x", units)), [0, 2, 6, 7, 7]);
    }
}
