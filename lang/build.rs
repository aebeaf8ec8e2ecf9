//! Makes the parser from `src/grammar.lalrpop`, after it has put in what the table in `src/words.rs` says: a terminal for
//! every word, and the words that may be names.

use std::path::PathBuf;
use std::{env, fs};

#[path = "src/words.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "it is the crate's; only the names and texts of the words are needed here"
)]
mod words;

use words::Word;

/// Where the terminals go.
const TERMINALS: &str = "// WORDS: terminals\n";
/// Where the words go that may be names.
const NAMES: &str = "// WORDS: names\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    let grammar = fs::read_to_string("src/grammar.lalrpop")?;
    let grammar =
        put(&grammar, TERMINALS, |word| Some(format!("\"{}\" => Token::Word(Word::{word:?}),", word.text())))?;
    let grammar = put(&grammar, NAMES, |word| {
        word.may_be_a_name().then(|| format!("\"{}\" => Word::{word:?}.text(),", word.text()))
    })?;
    fs::write(folder.join("grammar.lalrpop"), grammar)?;
    lalrpop::Configuration::new().set_in_dir(&folder).set_out_dir(&folder).emit_rerun_directives(false).process()?;
    for file in ["build.rs", "src/grammar.lalrpop", "src/words.rs"] {
        #[allow(clippy::print_stdout, reason = "so a build script talks to Cargo")]
        {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    Ok(())
}

/// The grammar with a line for each word in the place of `mark`.
fn put(grammar: &str, mark: &str, line: impl Fn(Word) -> Option<String>) -> Result<String, String> {
    let (before, after) = grammar.split_once(mark).ok_or_else(|| format!("grammar.lalrpop has no {mark}"))?;
    let lines: Vec<_> = Word::ALL.iter().filter_map(|&word| line(word)).collect();
    Ok(format!("{before}{}\n{after}", lines.join("\n")))
}
