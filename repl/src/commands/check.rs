//! `scn check`: what is wrong with scenarios, without running them. Everything is declared, and nothing is done.

use std::path::PathBuf;

use clap::Args;
use netscene_core::world::World;
use netscene_lang::{Channel, SourceFiles, compile_in, has_errors, refusals, render};

use crate::console::Console;
use crate::exit::Exit;
use crate::files;
use crate::folder::Disk;

/// Read scenarios, tell what is wrong with them, and run nothing.
///
/// Exit status 0 when every scenario could run, 2 when one could not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn check examples/*.scn")]
pub(crate) struct Arguments {
    /// The scenarios.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Checks the scenarios that the arguments name. The worst of them counts.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let mut exit = Exit::Held;
    for path in &arguments.files {
        let text = match files::read(path) {
            Ok(text) => text,
            Err(problem) => {
                console.error(&problem);
                exit = Exit::BadInput;
                continue;
            }
        };
        let mut files = SourceFiles::default();
        let file = files.add(&path.display().to_string(), text);
        let (program, mut diagnostics) = compile_in(&mut files, &file, &Disk::of(path));
        if !has_errors(&diagnostics) {
            diagnostics.extend(refusals(&program, &World::new(0)));
        }
        console.write(Channel::Diagnostics, &render(&diagnostics, &files, console.error_color));
        if has_errors(&diagnostics) {
            exit = Exit::BadInput;
        }
    }
    exit
}
