//! `scn`: the command that runs netscene scenarios.
//!
//! - [`commands`]: a file for each command, and how to add one;
//! - [`console`]: the streams, and where colours are due; [`exit`]: the statuses that a command ends with;
//! - [`pcap`]: what passed a device, as a file;
//! - [`report`]: what other programs read of a test run;
//! - [`files`]: reading scenarios; [`folder`]: the other files that a scenario names.

mod atomic;
mod commands;
mod console;
mod exit;
mod files;
mod folder;
mod pcap;
mod report;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use console::{Color, Console};

/// A packet-level model of a Kubernetes network that needs no cluster.
#[derive(Parser)]
#[command(name = "scn", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to print in colour: on a terminal, unless `NO_COLOR` is set; always; never.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  scn run shop.scn                what happens to the packets of shop.scn, and the tests in it
  scn run --seed 7 shop.scn       the same with other dice
  scn test                        the tests of every scenario below this folder
  scn help run                    everything that a command takes

Exit status:
  0  everything was as the files say
  1  an expectation was not met, or an assertion not true
  2  a file could not be read or understood, or asks for what cannot be done
  3  a limit was hit";

fn main() -> ExitCode {
    let Arguments { command, color } = Arguments::parse();
    command.run(Console::new(color)).into()
}
