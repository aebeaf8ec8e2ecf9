//! What a code or a word means: `scn explain`.

use std::fmt::Write as _;

use netscene_core::did_you_mean;
use netscene_core::world::World;

use crate::run::Failures;
use crate::{Code, Folder, SourceFiles, Word, compile_in, has_errors, render, run};

/// What a code means, with an example that yields it and the cure; what a word is for, and how its sentences go.
///
/// What is neither is answered with the nearest that is one.
///
/// ```
/// use netscene_lang::explain;
/// assert!(explain("e0206").unwrap().starts_with("E0206: An address lies outside the pool"));
/// assert!(explain("ping").unwrap().starts_with("ping: send an ICMP echo request\n"));
/// assert_eq!(explain("pign").unwrap_err(), "`pign` is no code and no word of the language; did you mean `ping`?");
/// ```
pub fn explain(asked: &str) -> Result<String, String> {
    let asked = asked.trim();
    if let Ok(code) = asked.parse::<Code>() {
        return Ok(about_code(code));
    }
    if let Some(word) = Word::from_text(asked) {
        return Ok(about_word(word));
    }
    let codes: Vec<_> = Code::ALL.iter().map(ToString::to_string).collect();
    let words = Word::ALL.iter().map(|word| word.text());
    let near = did_you_mean(asked, codes.iter().map(String::as_str).chain(words));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`scn explain` lists the codes".to_owned(),
    };
    Err(format!("`{asked}` is no code and no word of the language; {hint}"))
}

/// Every code, with the first sentence of what it means: one a line.
pub fn codes() -> String {
    let mut text = String::new();
    for &code in Code::ALL {
        let _ = writeln!(text, "{code}  {}", code.meaning());
    }
    text
}

impl Code {
    /// The first sentence of what it means.
    pub(crate) fn meaning(self) -> String {
        let mut meaning = lines(self.explanation()).join(" ");
        let end = meaning.find(". ").map_or(meaning.len(), |end| end + 1);
        meaning.truncate(end);
        meaning
    }
}

fn about_code(code: Code) -> String {
    let manifest = of_manifest(code);
    let file = if manifest { EXAMPLE_MANIFEST } else { EXAMPLE };
    let mut text = format!("{code}: {}\n\nFor example, in {file}:\n\n", lines(code.explanation()).join("\n"));
    for line in code.example().lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
    if manifest {
        let _ = writeln!(text, "\nwhich a scenario brings in:\n");
        for line in APPLIES.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let told = told(code);
    if told.is_empty() {
        // It is about what `scn test` compares or finds out by trying.
        let _ = writeln!(text, "\n`scn test` tells it.");
    } else {
        let _ = writeln!(text, "\nIt is told so:\n");
        for line in told.trim_end().lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    let _ = writeln!(text, "\nWhat to do: {}", code.cure());
    text
}

/// A scenario whose only fault is the code's, as diagnostics call it.
const EXAMPLE: &str = "example.scn";
/// The manifest of such a scenario.
const EXAMPLE_MANIFEST: &str = "example.yaml";
/// The scenario that applies it.
const APPLIES: &str = "node worker1 at 10.0.0.1\napply \"example.yaml\"\n";

fn of_manifest(code: Code) -> bool {
    (600..700).contains(&code.number())
}

/// What is told of the code's example.
fn told(code: Code) -> String {
    let text = if of_manifest(code) { APPLIES } else { code.example() };
    let mut files = SourceFiles::default();
    let main = files.add(EXAMPLE, text);
    let (program, mut diagnostics) = compile_in(&mut files, &main, &Manifest(code.example()));
    if !has_errors(&diagnostics) {
        let mut failures = Failures::default();
        run(&program, &mut World::new(0), &mut failures);
        diagnostics.extend(failures.0);
    }
    diagnostics.retain(|diagnostic| diagnostic.code == code);
    render(&diagnostics, &files, false)
}

/// A folder that holds the example of a code of manifests.
struct Manifest(&'static str);

impl Folder for Manifest {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == EXAMPLE_MANIFEST { Ok(self.0.to_owned()) } else { Err("there is no such file".to_owned()) }
    }
}

fn about_word(word: Word) -> String {
    let mut text = format!("{}: {}\n\n    {}\n", word.text(), word.help(), word.syntax());
    let blocks: Vec<_> = word.blocks().iter().map(|block| block.describe()).collect();
    if blocks.is_empty() {
        let _ = writeln!(text, "\nIt stands inside of sentences.");
    } else {
        let _ = writeln!(text, "\nIt begins a sentence in {}.", crate::suggest::list(blocks, "and"));
    }
    text
}

/// The lines of a text without the blanks around them.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_has_the_nearest() {
        assert!(explain("E0207x").unwrap_err().ends_with("did you mean `E0207`?"));
        assert!(explain("qqqqqqqq").unwrap_err().ends_with("lists the codes"));
        assert!(explain("E999").is_err());
    }

    #[test]
    fn every_code_has_its_line_and_every_word_its_help() {
        assert_eq!(codes().lines().count(), Code::ALL.len());
        assert!(codes().contains("\nE0301  Nothing of that name is declared in the file.\n"));
        for word in Word::ALL {
            assert!(explain(word.text()).is_ok_and(|text| text.contains(word.syntax())), "{}", word.text());
        }
    }
}
