//! `scn`: the command that runs netscene scenarios.

mod folder;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// A packet-level model of a Kubernetes network that needs no cluster.
#[derive(Parser)]
#[command(name = "scn", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario: its commands, then every test.
    ///
    /// Exit status 0 when everything was as expected, 1 when something was not, 2 when the file could not be understood.
    Run {
        /// The scenario.
        file: PathBuf,
        /// Where all chance comes from: the same seed gives the same bytes.
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        seed: u64,
        /// When to print in colour: on a terminal, unless `NO_COLOR` is set; always; never.
        #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
        color: Color,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { file, seed, color } => run::run(&file, seed, color),
    }
}
