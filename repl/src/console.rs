//! The streams of the command.

use std::env;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use netscene_lang::Channel;

/// When to print in colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Where a command prints, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Whether standard output takes colours.
    pub(crate) output_color: bool,
    /// Whether standard error takes colours.
    pub(crate) error_color: bool,
}

impl Console {
    pub(crate) fn new(color: Color) -> Self {
        // https://no-color.org: set, and not to nothing.
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let on = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wanted && terminal,
        };
        Self { output_color: on(io::stdout().is_terminal()), error_color: on(io::stderr().is_terminal()) }
    }

    #[expect(clippy::unused_self, reason = "commands print by what they were given")]
    /// Prints at once. Whoever has closed a stream does not want to hear more.
    pub(crate) fn write(self, channel: Channel, text: &str) {
        let _ = match channel {
            Channel::Output => {
                let mut output = io::stdout();
                output.write_all(text.as_bytes()).and_then(|()| output.flush())
            }
            Channel::Diagnostics => io::stderr().write_all(text.as_bytes()),
        };
    }

    /// Prints to standard output.
    pub(crate) fn print(self, text: &str) {
        self.write(Channel::Output, text);
    }

    /// Says what is wrong where no place in a file shows it: one sentence without a full stop.
    pub(crate) fn error(self, problem: &str) {
        let (on, off) = if self.error_color { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        self.write(Channel::Diagnostics, &format!("{on}error{off}: {problem}\n"));
    }
}
