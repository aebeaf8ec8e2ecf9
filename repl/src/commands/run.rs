//! `scn run`: reading a scenario, running it, printing what comes of it.

use std::path::PathBuf;

use clap::Args;
use netscene_lang::run_scenario;

use crate::console::Console;
use crate::exit::Exit;
use crate::files;
use crate::folder::Disk;

/// Run a scenario: its commands, then every test.
///
/// What it prints is the same on every machine, for the same file and seed. Exit status 0 when everything was as expected, 1
/// when something was not, 2 when the file could not be understood, 3 when a limit was hit.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn run examples/hello.scn
  scn run --seed 1 examples/hello.scn    kube-proxy's coin may fall on the other side")]
pub(crate) struct Arguments {
    /// The scenario.
    file: PathBuf,
    /// Where all chance comes from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
}

/// Runs the scenario that the arguments name.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let Arguments { file, seed } = arguments;
    let text = match files::read(file) {
        Ok(text) => text,
        Err(problem) => {
            console.error(&problem);
            return Exit::BadInput;
        }
    };
    let name = file.display().to_string();
    let mut write = |channel, text: &str| console.write(channel, text);
    run_scenario((&name, &text), &Disk::of(file), *seed, console.error_color, &mut write).into()
}
