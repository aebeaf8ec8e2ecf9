//! iptables' own text: the arguments of a command, what `iptables-restore` reads, what `iptables-save` prints.
//!
//! - [`parse`] turns the arguments of one `iptables` command into a [`Command`], with chains still by name;
//! - [`apply`] does what such a command says to a [`Ruleset`](super::Ruleset), checked as iptables and the kernel check;
//! - [`restore`] does the same for a whole `iptables-restore --noflush`;
//! - [`rule_text`] and [`save`] print what `iptables-save` prints.
//!
//! What the model does not know is a [`TextError`] that says so for rules that somebody writes, and is kept as text in
//! rules that are read from a dump ([`OnUnknown`]); no option is ever skipped.
//!
//! ```
//! use netscene_core::netfilter::{Ruleset, TableName, text};
//! let mut rules = Ruleset::default();
//! text::apply(&mut rules, "iptables -t nat -A POSTROUTING -s 192.168.0.0/16 -j MASQUERADE")?;
//! let printed = text::save(&rules, &[TableName::Nat], false);
//! assert!(printed.contains("-A POSTROUTING -s 192.168.0.0/16 -j MASQUERADE\n"));
//!
//! let error = text::apply(&mut rules, "-A INPUT -m string --string x -j DROP").unwrap_err();
//! assert!(error.unknown);
//! assert_eq!(error.span, 12..18);
//! # Ok::<(), text::TextError>(())
//! ```

mod apply;
mod check;
mod parse;
mod protocols;
mod restore;
#[cfg(test)]
mod round_trip;
mod save;
pub(crate) mod shown;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use apply::{apply, apply_with};
pub use parse::{Action, Command, Named, OnUnknown, ParsedRule, ParsedTarget, parse};
pub use restore::{RestoreError, RestoreInput, RestoreLine, restore, restore_with};
pub use save::{rule_text, save};

pub(crate) use parse::TOS_NAMES;
pub(crate) use protocols::{chain_protocol, port_name, port_number, protocol_name, protocol_number};
pub(crate) use save::{listed, match_text, rule_with, target_name};

/// Why a piece of iptables' text was not understood or could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TextError {
    /// The bytes of the text at fault.
    pub span: Range<usize>,
    /// What is wrong with them, in a few words.
    pub problem: String,
    /// What to write instead, if that can be told.
    pub hint: Option<String>,
    /// Whether the text may well be good iptables, and only the model does not know it.
    pub unknown: bool,
}

impl TextError {
    /// The text at `span` is wrong.
    pub(super) fn new(span: Range<usize>, problem: impl Into<String>) -> Self {
        Self { span, problem: problem.into(), hint: None, unknown: false }
    }

    /// The text at `span` is something the model does not know.
    pub(super) fn unknown(span: Range<usize>, what: impl AsRef<str>) -> Self {
        let problem = format!("the model does not know {}", what.as_ref());
        Self { span, problem, hint: None, unknown: true }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Offers the name of `known` that is nearest to `wrong`, if one is near.
    pub(super) fn did_you_mean<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wrong, known) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The name with the fewest letters to change, if those are at most a third of it.
fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wrong.len() / 3).max(1);
    let ranked = known.into_iter().filter(|name| name.len().abs_diff(wrong.len()) <= allowed);
    let ranked = ranked.map(|name| (edits(wrong.as_bytes(), name.as_bytes()), name));
    ranked.filter(|(edits, _)| *edits <= allowed).min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

/// Levenshtein's distance, letters of either case being equal.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod names {
    use super::nearest;

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(nearest("KUBE-SERVCES", ["KUBE-NODEPORTS", "KUBE-SERVICES"]), Some("KUBE-SERVICES"));
        assert_eq!(nearest("conntrak", ["conntrack", "comment"]), Some("conntrack"));
        assert_eq!(nearest("physdev", ["mark", "tcp"]), None);
    }
}
