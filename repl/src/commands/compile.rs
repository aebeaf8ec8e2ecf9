//! `scn compile`: what a scenario is on its way to a run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netscene_lang::{Channel, SourceFiles, compile_in, emit_ast, emit_ir, emit_tokens, has_errors, parse, render};

use crate::console::Console;
use crate::exit::Exit;
use crate::files;
use crate::folder::Disk;

/// Print what a scenario is on its way to a run: tokens, sentences or operations.
///
/// Exit status 0, or 2 when the scenario could not run.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn compile --emit ir examples/hello.scn     every operation that is known before it runs, as JSON
  scn compile --emit tokens examples/hello.scn")]
pub(crate) struct Arguments {
    /// What to print.
    #[arg(long, value_enum, default_value_t = Stage::Ir, value_name = "STAGE")]
    emit: Stage,
    /// The scenario.
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    /// Each token with its place.
    Tokens,
    /// The sentences as a tree, with those of included files' own kept apart.
    Ast,
    /// Operations, as JSON.
    Ir,
}

/// Prints what the arguments ask for.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let path = &arguments.file;
    let text = match files::read(path) {
        Ok(text) => text,
        Err(problem) => {
            console.error(&problem);
            return Exit::BadInput;
        }
    };
    let mut files = SourceFiles::default();
    let file = files.add(&path.display().to_string(), text);
    let (output, diagnostics) = match arguments.emit {
        Stage::Tokens => (emit_tokens(&file), parse(&file).1),
        Stage::Ast => {
            let (ast, diagnostics) = parse(&file);
            (emit_ast(&ast), diagnostics)
        }
        Stage::Ir => {
            let (program, diagnostics) = compile_in(&mut files, &file, &Disk::of(path));
            (emit_ir(&program), diagnostics)
        }
    };
    console.write(Channel::Diagnostics, &render(&diagnostics, &files, console.error_color));
    // Of a faulty scenario there is no IR: what could not be read would be missing from it without a word.
    if has_errors(&diagnostics) {
        if !matches!(arguments.emit, Stage::Ir) {
            console.print(&output);
        }
        return Exit::BadInput;
    }
    console.print(&output);
    Exit::Held
}
