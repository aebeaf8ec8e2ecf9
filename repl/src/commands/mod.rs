//! The commands, a file for each.
//!
//! A command is a module with an `Arguments` (its options, and the help that teaches them) and a function `run` that takes
//! them and the [`Console`] and answers with an [`Exit`]. To add one, add its module, its variant of [`Command`] and its line
//! in [`Command::run`].

mod check;
mod compile;
mod completions;
mod explain;
mod fmt;
mod repl;
mod replay;
mod run;
pub(crate) mod test;
mod trace;
mod walk;

use clap::Subcommand;

use crate::console::Console;
use crate::exit::Exit;

#[derive(Subcommand)]
pub(crate) enum Command {
    Run(run::Arguments),
    Replay(replay::Arguments),
    Check(check::Arguments),
    Fmt(fmt::Arguments),
    Compile(compile::Arguments),
    Trace(trace::Arguments),
    Walk(walk::Arguments),
    Test(test::Arguments),
    Repl(repl::Arguments),
    Explain(explain::Arguments),
    Completions(completions::Arguments),
}

impl Command {
    pub(crate) fn run(&self, console: Console) -> Exit {
        match self {
            Self::Run(arguments) => run::run(arguments, console),
            Self::Replay(arguments) => replay::run(arguments, console),
            Self::Check(arguments) => check::run(arguments, console),
            Self::Fmt(arguments) => fmt::run(arguments, console),
            Self::Compile(arguments) => compile::run(arguments, console),
            Self::Trace(arguments) => trace::run(arguments, console),
            Self::Walk(arguments) => walk::run(arguments, console),
            Self::Test(arguments) => test::run(arguments, console),
            Self::Repl(arguments) => repl::run(arguments, console),
            Self::Explain(arguments) => explain::run(arguments, console),
            Self::Completions(arguments) => completions::run(arguments, console),
        }
    }
}
