//! What begins with `:`: commands to the REPL itself, as far as they need neither a terminal nor files.

use std::fmt::Write as _;

use super::complete::behind;
use super::{Candidate, CandidateKind as Kind, Completion, Session};
use crate::{Code, Word, did_you_mean, explain};

/// The commands: how each goes, and what it is for.
pub const COMMANDS: [(&str, &str, &str); 13] = [
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

/// Commands as `:help` lists them.
pub fn list_commands(commands: impl IntoIterator<Item = (&'static str, &'static str, &'static str)>) -> String {
    let mut text =
        "A sentence of the language is done at once, and counts as a whole or not at all. Besides:\n\n".to_owned();
    for (name, syntax, help) in commands {
        let command = format!(":{name} {syntax}");
        let _ = writeln!(text, "  {command:<16}{help}");
    }
    text
}

/// What there is to say of a command that is none.
pub fn no_command(name: &str) -> String {
    let near = did_you_mean(name, COMMANDS.iter().map(|(name, ..)| *name));
    let hint = near.map_or_else(|| "`:help` lists them".to_owned(), |near| format!("did you mean `:{near}`?"));
    format!("there is no command `:{name}`; {hint}")
}

/// The number of entries that a command names; one, if none.
pub fn count(text: &str) -> Result<usize, String> {
    let count = if text.is_empty() { Some(1) } else { text.parse().ok().filter(|count| *count > 0) };
    count.ok_or_else(|| format!("`{text}` is not a number of entries"))
}

impl Session {
    /// Undoes or redoes so many entries, and says what they were. `way` is `undo` or `redo`.
    pub fn travel(&mut self, way: &str, count: usize) -> String {
        let mut said = String::new();
        for _ in 0..count {
            let Some(text) = (if way == "undo" { self.undo() } else { self.redo() }) else {
                let _ = writeln!(said, "there is nothing left to {way}");
                break;
            };
            let first = text.lines().next().unwrap_or_default();
            let more = if text.contains('\n') { " …" } else { "" };
            let _ = writeln!(said, "{way}: {first}{more}");
        }
        said
    }

    /// Where commands can be typed: the name of a node, a pod or a host as it is listed.
    pub fn place(&self, name: &str) -> Result<String, String> {
        let known: Vec<_> = self.places("").into_iter().map(|one| one.text).collect();
        let short = name.strip_prefix("default/").unwrap_or(name);
        if known.iter().any(|one| one == short) {
            return Ok(short.to_owned());
        }
        let near = did_you_mean(name, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(format!("there is no node, pod or host `{name}`{hint}"))
    }

    /// What may be written at the end of a line that begins with `:`.
    ///
    /// ```
    /// use netscene_lang::session::Session;
    /// let mut session = Session::new(0);
    /// session.enter("node worker1 at 10.0.0.1\nping worker1 -> worker1 as hello");
    /// let texts = |line: &str| -> Vec<String> {
    ///     session.complete_command(line).candidates.into_iter().map(|one| one.text).collect()
    /// };
    /// assert_eq!(texts(":st"), ["step"]);
    /// assert_eq!(texts(":step h"), ["hello"]);
    /// assert_eq!(texts(":break FORW"), ["FORWARD"]);
    /// assert_eq!(texts(":break FORWARD at w"), ["worker1"]);
    /// ```
    pub fn complete_command(&self, line: &str) -> Completion {
        let line = line.strip_prefix(':').unwrap_or(line);
        let Some((name, rest)) = line.split_once(' ') else {
            let names = COMMANDS.iter().filter(|(name, ..)| name.starts_with(line));
            let candidates = names.map(|(name, _, help)| Candidate::new(*name, Kind::Command, *help)).collect();
            return Completion { from: 1, candidates };
        };
        let codes = || Code::ALL.iter().map(|code| Candidate::new(code.to_string(), Kind::Code, code.meaning()));
        let words = || Word::ALL.iter().map(|word| Candidate::new(word.text(), Kind::Word, word.help()));
        let from = 1 + name.len() + 1;
        let (from, all): (_, Vec<_>) = match name {
            "help" => (from, words().chain(codes()).collect()),
            "explain" => (from, codes().chain(words()).collect()),
            "on" => (from, self.places("")),
            "break" => {
                let at = behind(rest, char::is_whitespace);
                let before: Vec<_> = rest[..at].split_whitespace().collect();
                let all = match before.as_slice() {
                    [] => self.breakpoints(""),
                    [.., "at"] => self.places(""),
                    _ => Vec::new(),
                };
                (from + at, all)
            }
            "step" => (from, self.flows("")),
            "test" => (from, self.tests().into_iter().map(|test| Candidate::new(test, Kind::Test, "")).collect()),
            _ => (from, Vec::new()),
        };
        let written = &line[from - 1..];
        Completion { from, candidates: all.into_iter().filter(|one| one.text.starts_with(written)).collect() }
    }
}

/// What `:help` says of a command, a word or a code: of a command, where it is written with its colon or no word is called so.
pub fn help_on(topic: &str) -> Result<String, String> {
    let command = topic.strip_prefix(':').unwrap_or(topic);
    let meant = topic.starts_with(':') || Word::from_text(topic).is_none();
    match COMMANDS.iter().find(|(name, ..)| meant && *name == command) {
        Some((name, syntax, help)) => Ok(format!(":{name} {syntax}\n\n{help}\n")),
        None => explain(topic),
    }
}
