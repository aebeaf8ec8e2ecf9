//! What begins with `:`, for a page: the commands of the REPL that need neither a terminal nor files.

use netscene_lang::session::{COMMANDS, Completion, count, help_on, list_commands, no_command};

use crate::explained;
use crate::session::Session;

/// How `:save` goes here: there is no file to write.
const SAVE: (&str, &str, &str) = ("save", "", "show what was entered, as a scenario that runs");
/// What only the command has, and why.
const ELSEWHERE: [(&str, &str); 2] = [
    ("load", "a page reads no files: its text can be entered here, and a link brings a scenario with it"),
    ("quit", "a page is left by closing it"),
];
/// What `:help` says below the commands.
const MORE: &str = "\n`:help TOPIC` explains a command, a word or a code. The language's reference is in the book.\n";

fn here(name: &str) -> bool {
    ELSEWHERE.iter().all(|(other, _)| *other != name)
}

impl Session {
    /// What a command answers, or what is wrong with it. `:test` has an answer of its own.
    pub(crate) fn commanded(&mut self, name: &str, rest: &str) -> Result<String, String> {
        match name {
            "help" if rest.is_empty() => {
                let commands = COMMANDS.into_iter().filter(|(name, ..)| here(name));
                let commands = commands.map(|one| if one.0 == SAVE.0 { SAVE } else { one });
                Ok(list_commands(commands) + MORE)
            }
            "help" => help_on(rest),
            "explain" => explained(rest),
            "break" => self.debugger.breakpoint(&self.session, rest),
            "step" => self.debugger.step_through(&self.session, rest),
            "diff" => {
                let diff = self.session.diff(count(rest)?);
                Ok(if diff.is_empty() { "nothing has changed\n".to_owned() } else { diff })
            }
            "undo" | "redo" => Ok(self.session.travel(name, count(rest)?)),
            "entries" => Ok(self.session.entries().flat_map(|entry| [entry, "\n"]).collect()),
            "save" if self.session.entries().len() == 0 => Ok("nothing was entered\n".to_owned()),
            "save" => Ok(self.session.save().text),
            "on" if rest.is_empty() => Ok(String::new()),
            "on" => self.session.place(rest),
            _ => Err(match ELSEWHERE.iter().find(|(other, _)| *other == name) {
                Some((name, why)) => format!("`:{name}` is the command's: {why}"),
                None => no_command(name),
            }),
        }
    }

    /// What may be written at the end of a command.
    pub(crate) fn complete_command(&self, line: &str) -> Completion {
        let mut found = self.session.complete_command(line);
        if found.from == 1 {
            found.candidates.retain(|one| here(&one.text));
        }
        found
    }
}
