//! What the tools of a real machine print, read and printed again: `ip route show table all`, `ip rule`, `ip addr`, `ip
//! neigh`, `sysctl -a`, `conntrack -L` (which [`crate::conntrack::Entry::read`] does). And the namespace they describe.
//!
//! Every reader takes the whole text and tells the line and the cause of what it cannot read. What it can read and the
//! model does not know is kept, printed again, and makes unknown what depends on it.

mod addresses;
mod neighbours;
mod node;
mod routes;
mod rules;
mod sysctl;
#[cfg(test)]
mod tests;

pub use addresses::{AddressLine, Link, Links};
pub use neighbours::{Neighbour, Neighbours};
pub use node::{NodeTexts, Unheeded};
pub use routes::{RouteLine, Routes};
pub use rules::Rules;
pub use sysctl::Sysctls;

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use ipnet::Ipv4Net;

/// Text that a tool would not have printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool}, line {line}: {cause}")]
pub struct TextError {
    /// What would have printed it, such as `ip route`.
    pub tool: &'static str,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

/// The words of one line.
struct Words<'a> {
    tool: &'static str,
    line: usize,
    words: std::iter::Peekable<SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn new(tool: &'static str, line: usize, text: &'a str) -> Self {
        Self { tool, line, words: text.split_whitespace().peekable() }
    }

    fn error(&self, cause: impl Into<String>) -> TextError {
        TextError { tool: self.tool, line: self.line, cause: cause.into() }
    }

    fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    fn peek(&mut self) -> Option<&'a str> {
        self.words.peek().copied()
    }

    /// The word after `what`, which must be there.
    fn need(&mut self, what: &str) -> Result<&'a str, TextError> {
        self.next().ok_or_else(|| self.error(format!("nothing follows `{what}`")))
    }

    /// The value after `what`.
    fn value<T: FromStr>(&mut self, what: &str) -> Result<T, TextError> {
        let word = self.need(what)?;
        word.parse().map_err(|_| self.error(format!("`{word}` cannot follow `{what}`")))
    }

    /// A network, or an address, which is a network of one, or `default`.
    fn network(&mut self, what: &str) -> Result<Ipv4Net, TextError> {
        let word = self.need(what)?;
        network(word).ok_or_else(|| self.error(format!("`{word}` is no IPv4 network")))
    }
}

fn network(word: &str) -> Option<Ipv4Net> {
    if matches!(word, "default" | "all") {
        return Some(Ipv4Net::default());
    }
    word.parse().ok().or_else(|| word.parse().ok().map(|address: std::net::Ipv4Addr| address.into()))
}

/// As `ip` writes it: an address without its length where that is 32.
struct Shown(Ipv4Net);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() {
            32 => write!(f, "{}", self.0.addr()),
            _ => write!(f, "{}", self.0),
        }
    }
}

/// Numbers of tables, by the names of `/etc/iproute2/rt_tables`.
fn table_number(word: &str) -> Option<u32> {
    match word {
        "local" => Some(super::rules::LOCAL),
        "main" => Some(super::rules::MAIN),
        "default" => Some(super::rules::DEFAULT),
        _ => word.parse().ok(),
    }
}

fn table_name(number: u32) -> String {
    match number {
        super::rules::LOCAL => "local".to_owned(),
        super::rules::MAIN => "main".to_owned(),
        super::rules::DEFAULT => "default".to_owned(),
        _ => number.to_string(),
    }
}

/// The lines of a text that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim().is_empty())
}
