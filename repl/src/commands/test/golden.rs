//! Expected output: `shop.expected` beside `shop.scn` holds what `shop.scn` prints, test by test.
//!
//! What a test prints stands below a line with its name, set in by two blanks; what the file prints outside of its tests
//! comes first. A test that prints nothing is not in it.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use netscene_lang::{Code, Severity};
use similar::{ChangeTag, TextDiff};

use super::record::{At, Problem};

/// The line above what a file prints outside of its tests.
const OUTSIDE: &str = "outside of tests";
const HEAD: &str = "# What the scenario beside this file prints. `scn test --bless` writes it.\n";

/// The expected output of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Golden {
    /// By the number of the test among those of its name; none for the rest of the file.
    sections: Vec<(Section, String)>,
}

/// Whose output a section is: the test's name, and its number among the tests of that name, from 0.
pub(super) type Section = Option<(String, usize)>;

/// Where the expected output of a scenario is.
pub(super) fn path(scenario: &Path) -> PathBuf {
    scenario.with_extension("expected")
}

/// The expected output of a scenario, if it has any.
pub(super) fn read(scenario: &Path) -> Result<Option<Golden>, String> {
    let path = path(scenario);
    match fs::read_to_string(&path) {
        Ok(text) => Golden::parse(&text).map(Some).map_err(|line| {
            format!("{}:{line} is neither `{OUTSIDE}`, nor `test \"…\"`, nor set in by two blanks", path.display())
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

impl Golden {
    /// An error is the number of the line at fault.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut golden = Self::default();
        for (at, line) in text.lines().enumerate() {
            if let Some(line) = line.strip_prefix("  ").or_else(|| line.is_empty().then_some("")) {
                let Some((_, text)) = golden.sections.last_mut() else { return Err(at + 1) };
                text.push_str(line);
                text.push('\n');
            } else if line == OUTSIDE {
                golden.sections.push((None, String::new()));
            } else if let Some(name) = line.strip_prefix("test \"").and_then(|rest| rest.strip_suffix('"')) {
                let number =
                    golden.sections.iter().filter(|(one, _)| one.as_ref().is_some_and(|(n, _)| n == name)).count();
                golden.sections.push((Some((name.to_owned(), number)), String::new()));
            } else if !line.starts_with('#') {
                return Err(at + 1);
            }
        }
        Ok(golden)
    }

    /// What is expected of a test, or of the rest of the file.
    pub(super) fn of(&self, section: &Section) -> &str {
        self.sections.iter().find(|(one, _)| one == section).map_or("", |(_, text)| text)
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (section, output) in &self.sections {
            match section {
                None => text.push_str(OUTSIDE),
                Some((name, _)) => {
                    let _ = write!(text, "test \"{name}\"");
                }
            }
            text.push('\n');
            for line in output.lines() {
                if !line.is_empty() {
                    text.push_str("  ");
                    text.push_str(line);
                }
                text.push('\n');
            }
        }
        text
    }

    /// The expected output that `order` has: what `new` says where it says anything, else what stood there before.
    pub(super) fn renewed(&self, order: &[Section], new: &[(Section, String)]) -> Self {
        let output = |section: &Section| {
            let found = new.iter().find(|(one, _)| one == section);
            found.map_or_else(|| self.of(section).to_owned(), |(_, output)| output.clone())
        };
        let sections = order.iter().map(|section| (section.clone(), output(section)));
        let sections: Vec<_> = sections.collect();
        // A silent test is left out, unless a later one of its name is told from it only by coming second.
        let needed = |at: usize| {
            let (section, output) = &sections[at];
            let name = |section: &Section| section.as_ref().map(|(name, _)| name.clone());
            let later = sections[at + 1..].iter().any(|(one, out)| name(one) == name(section) && !out.is_empty());
            !output.is_empty() || section.is_some() && later
        };
        let kept = (0..sections.len()).filter(|at| needed(*at)).map(|at| sections[at].clone()).collect();
        Self { sections: kept }
    }
}

/// Whether output is as expected. The last line of either may lack its end.
pub(super) fn same(expected: &str, actual: &str) -> bool {
    expected.lines().eq(actual.lines())
}

/// The lines that differ, with three around them.
pub(super) fn problem(expected: &str, actual: &str, scenario: &str, at: Option<&At>, color: bool) -> Problem {
    let title = "what is printed is not what was expected".to_owned();
    let hint = "`scn test --bless` makes it the expected output".to_owned();
    let drawn = |color: bool| {
        let (red, green, dim, off) =
            if color { ("\u{1b}[31m", "\u{1b}[32m", "\u{1b}[2m", "\u{1b}[0m") } else { ("", "", "", "") };
        let place = at.map_or_else(|| scenario.to_owned(), |at| format!("{}:{}", at.file, at.line));
        let mut text = format!("error[{}]: {title}\n  ┌─ {place}: - expected, + printed\n", Code::OutputDiffers);
        for (number, group) in TextDiff::from_lines(expected, actual).grouped_ops(3).iter().enumerate() {
            if number > 0 {
                let _ = writeln!(text, "  {dim}…{off}");
            }
            let diff = TextDiff::from_lines(expected, actual);
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let (sign, paint) = match change.tag() {
                    ChangeTag::Delete => ('-', red),
                    ChangeTag::Insert => ('+', green),
                    ChangeTag::Equal => (' ', dim),
                };
                let _ = writeln!(text, "  {paint}{sign} {}{off}", change.value().trim_end_matches('\n'));
            }
        }
        let _ = writeln!(text, "  = hint: {hint}\n");
        text
    };
    Problem {
        code: Code::OutputDiffers.to_string(),
        severity: Severity::Error,
        title: title.clone(),
        text: drawn(false),
        shown: drawn(color),
        label: String::new(),
        hint: Some(hint.clone()),
        at: at.cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let named = |name: &str, number| Some((name.to_owned(), number));
        let order = [None, named("a \"b\"", 0), named("c", 0), named("c", 1)];
        let new = [
            (order[0].clone(), "one\n\n# two\n".to_owned()),
            (order[1].clone(), "test \"c\"\n  deep\n".to_owned()),
            (order[3].clone(), "second\n".to_owned()),
        ];
        let golden = Golden::default().renewed(&order, &new);
        assert_eq!(golden.of(&order[2]), "");
        let text = golden.text();
        assert_eq!(text.lines().nth(1), Some("outside of tests"), "{text}");
        let read = Golden::parse(&text).expect("it was just written");
        for at in [0, 1] {
            assert_eq!(read.of(&order[at]), new[at].1);
        }
        // The first of two tests of a name prints nothing: were it not in the file, the second would take its place.
        assert_eq!(read.of(&order[3]), "second\n");
        assert_eq!(Golden::parse("loose\n"), Err(1));
        assert_eq!(Golden::parse("  too early\n"), Err(1));
    }

    #[test]
    fn only_what_has_run_is_renewed() {
        let order = [Some(("a".to_owned(), 0)), Some(("b".to_owned(), 0))];
        let both = [(order[0].clone(), "1\n".to_owned()), (order[1].clone(), "2\n".to_owned())];
        let golden = Golden::default().renewed(&order, &both);
        let golden = golden.renewed(&order, &[(order[1].clone(), "3\n".to_owned())]);
        assert_eq!((golden.of(&order[0]), golden.of(&order[1])), ("1\n", "3\n"));
    }

    #[test]
    fn a_difference_shows_its_lines() {
        let text = problem("one\ntwo\n", "one\n2\n", "shop.scn", None, false).text;
        assert!(text.contains("    one\n  - two\n  + 2\n"), "{text}");
    }
}
