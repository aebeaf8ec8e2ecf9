//! `scn fmt`: scenarios in their one form.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use netscene_lang::{Channel, SourceFiles, format, render};
use similar::TextDiff;

use crate::console::Console;
use crate::exit::Exit;
use crate::files;

/// Write scenarios in the one form that they have.
///
/// It changes blanks, empty lines and columns, and never what a scenario says. A file that cannot be read is left alone. Exit
/// status 0; 1 when `--check` finds something to change; 2 when a file could not be read or written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn fmt examples/*.scn
  scn fmt --check examples/*.scn     in CI
  scn fmt - < hello.scn              from an editor")]
pub(crate) struct Arguments {
    /// Write nothing: print what would change, as a diff.
    #[arg(long)]
    check: bool,
    /// The scenarios; `-` is standard input, and prints to standard output.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Formats the scenarios that the arguments name. The worst of them counts.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let mut exit = Exit::Held;
    for path in &arguments.files {
        let one = one(path, arguments.check, console).unwrap_or_else(|problem| {
            console.error(&problem);
            Exit::BadInput
        });
        exit = exit.max(one);
    }
    exit
}

fn one(path: &Path, check: bool, console: Console) -> Result<Exit, String> {
    let piped = path == Path::new("-");
    let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
    let text = if piped {
        io::read_to_string(io::stdin().lock()).map_err(|error| format!("{name} cannot be read: {error}"))?
    } else {
        files::read(path)?
    };
    let mut files = SourceFiles::default();
    let file = files.add(&name, text.as_str());
    let formatted = match format(&file) {
        Ok(formatted) => formatted,
        Err(diagnostics) => {
            console.write(Channel::Diagnostics, &render(&diagnostics, &files, console.error_color));
            return Ok(Exit::BadInput);
        }
    };
    if check {
        if formatted == text {
            return Ok(Exit::Held);
        }
        let diff = TextDiff::from_lines(&text, &formatted);
        let (old, new) = (name.clone(), format!("{name} formatted"));
        console.print(&diff.unified_diff().header(&old, &new).to_string());
        return Ok(Exit::Unmet);
    }
    if piped {
        console.print(&formatted);
    } else if formatted != text {
        files::write(path, &formatted)?;
    }
    Ok(Exit::Held)
}
