//! `scn replay`: a run again, from its record.

use std::path::PathBuf;

use clap::Args;
use netscene_lang::{Record, replay};

use crate::console::Console;
use crate::exit::Exit;
use crate::files;

/// Do again what a record says, and print the same.
///
/// `scn run --record FILE` writes a record. A replay parses no scenario and runs no Rhai. What it prints is what the run
/// printed, to the byte, and it ends with the same exit status; with 2 where the record cannot be read, or an operation comes
/// to another result than the record says.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn run --record hello.json examples/hello.scn
  scn replay hello.json")]
pub(crate) struct Arguments {
    /// The record.
    file: PathBuf,
}

/// Replays the record that the arguments name.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let path = &arguments.file;
    let record =
        files::read(path).and_then(|text| Record::read(&text).map_err(|error| format!("{}: {error}", path.display())));
    match record {
        Ok(record) => replay(&record, console.error_color, &mut |channel, text| console.write(channel, text)).into(),
        Err(problem) => {
            console.error(&problem);
            Exit::BadInput
        }
    }
}
