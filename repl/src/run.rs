//! `scn run`: reading a scenario, running it, printing what comes of it.

use std::env;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use netscene_lang::{Channel, Verdict, run_scenario};

use crate::folder::Disk;

use crate::Color;

/// Runs the scenario in `path`.
pub(crate) fn run(path: &Path, seed: u64, color: Color) -> ExitCode {
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            write(Channel::Diagnostics, &format!("error: {name} cannot be read: {error}\n"));
            return ExitCode::from(Verdict::BadInput.exit_status());
        }
    };
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none(),
    };
    ExitCode::from(run_scenario((&name, &text), &Disk::of(path), seed, color, &mut write).exit_status())
}

/// Prints as the run goes. Whoever has closed a stream does not want to hear more.
fn write(channel: Channel, text: &str) {
    let _ = match channel {
        Channel::Output => io::stdout().write_all(text.as_bytes()),
        Channel::Diagnostics => io::stderr().write_all(text.as_bytes()),
    };
}
