//! Facts of the kernel, one scenario each: the model does the same, and the kernel does what the name says. `README.md` in
//! the folder above tells which scenario shows which fact.

mod connections;
mod errors;
mod journey;
mod memory;
mod node;
mod targets;
mod translation;
mod walking;

use netscene_core::netfilter::Backend;

use crate::case::Case;
use crate::compare::{self, Listing};
use crate::linux::Linux;
use crate::log::KernelLog;
use crate::ready::in_own_thread;
use crate::step::Step as Action;

/// The scenarios in which the model is known to differ, each with the reason, as a table of Markdown.
const KNOWN_DIFFERENCES: &str = include_str!("../known_differences.md");

/// Whether the running test is in that table.
fn is_known_to_differ(test: &str) -> bool {
    let name = test.rsplit("::").next().unwrap_or_default();
    KNOWN_DIFFERENCES.lines().any(|line| line.starts_with(&format!("| `{name}` |")))
}

/// Runs a case on both sides, with each of the kernel's packet filters, and has what the kernel did in each step checked.
fn agree(case: &'static str, check: impl Fn(&[Step]) + Send + 'static) {
    let known = std::thread::current().name().is_some_and(is_known_to_differ);
    in_own_thread(move || {
        let case: Case = case.parse()?;
        for backend in [Backend::Legacy, Backend::Nft] {
            let log = if case.steps.contains(&Action::Log) { Some(KernelLog::new()?) } else { None };
            let mut linux = Linux::new(backend)?;
            linux.log = log;
            let outcome = compare::run(&mut linux, &case, &case, Listing::Always)?;
            match (outcome.difference, known) {
                (None, false) => check(&outcome.kernel.into_iter().map(Step).collect::<Vec<_>>()),
                (Some(difference), false) => {
                    return Err(format!("kernel ({backend:?}) and model differ\n{difference}").into());
                }
                (Some(_), true) => {}
                // Who mends the model takes the line out.
                (None, true) => {
                    return Err("kernel and model agree: take the scenario out of known_differences.md".into());
                }
            }
        }
        Ok(())
    });
}

/// What the kernel did in one step, one line a fact.
pub(crate) struct Step(pub(crate) Vec<String>);

impl Step {
    /// Hook and table of each event, without repetitions.
    pub(crate) fn tables(&self) -> Vec<String> {
        let events = self.0.iter().filter(|line| line.contains(" mark 0x"));
        let words = events.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        let mut tables: Vec<_> = words.collect();
        tables.dedup();
        tables
    }

    /// The lines that begin so.
    pub(crate) fn starting(&self, with: &str) -> Vec<&str> {
        self.0.iter().map(String::as_str).filter(|line| line.starts_with(with)).collect()
    }

    /// The one line that begins so.
    #[track_caller]
    pub(crate) fn one(&self, with: &str) -> &str {
        match self.starting(with)[..] {
            [line] => line,
            _ => panic!("one line that starts with `{with}`: {:#?}", self.0),
        }
    }

    /// Whether nothing left the node.
    pub(crate) fn is_silent(&self) -> bool {
        self.starting("to ").is_empty()
    }
}
