use serde::{Deserialize, Serialize};

use crate::limits::MOST_DIAGNOSTICS;
use crate::{Code, Span};

/// Something to tell the user about a place in a scenario. It is data: [`render`](crate::render()) prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of thing it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub title: String,
    /// The places that show it; the first primary one is where the user has to look.
    pub labels: Vec<Label>,
    /// What there is to see beyond the places, as lines of text: the path of a packet, the ways it could go.
    pub text: Option<String>,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error, without labels yet.
    pub fn error(code: Code, title: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, title: title.into(), labels: Vec::new(), text: None, hint: None }
    }

    /// With the place where the user has to look, and what is to be seen there.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: true });
        self
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn see(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// The same as a warning: the scenario runs.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// With more to see, if there is any: lines of text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into()).filter(|text| !text.is_empty());
        self
    }

    /// With what to write instead, if that is known.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The place where the user has to look.
    pub fn span(&self) -> Option<Span> {
        let primary = self.labels.iter().find(|label| label.primary);
        primary.or(self.labels.first()).map(|label| label.span)
    }
}

/// A place, and what is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
    /// Whether the user has to look here first.
    pub primary: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Suspicious; the scenario runs.
    Warning,
    /// The scenario does not run, or what it expects is not so.
    Error,
}

/// Whether any of them keeps a scenario from running.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Diagnostics in the order of the file, each told once; of very many the first, and how many more there are.
pub(crate) fn in_order(mut all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    // Of several about one place, errors come first: what else there is to say may follow from them.
    all.sort_by_key(|diagnostic| (diagnostic.span(), std::cmp::Reverse(diagnostic.severity)));
    let mut all = each_once(all);
    let Some(more) = all.len().checked_sub(MOST_DIAGNOSTICS).filter(|more| *more > 0) else { return all };
    // Warnings give way to errors, so that what keeps a scenario from running is never left out.
    let errors = all.iter().filter(|one| one.severity == Severity::Error).count();
    let (mut errors, mut others) = (errors.min(MOST_DIAGNOSTICS), MOST_DIAGNOSTICS.saturating_sub(errors));
    all.retain(|one| {
        let left = if one.severity == Severity::Error { &mut errors } else { &mut others };
        let keep = *left > 0;
        *left = left.saturating_sub(1);
        keep
    });
    let title = format!("and {more} more");
    let note = Diagnostic { severity: Severity::Note, ..Diagnostic::error(Code::TooMuch, title) };
    all.push(note.hint(format!("the first {MOST_DIAGNOSTICS} are told")));
    all
}

/// Of sorted diagnostics each one: a file that several tests include is checked in each of them.
fn each_once(all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut once: Vec<Diagnostic> = Vec::with_capacity(all.len());
    for one in all {
        let here = once.iter().rev().take_while(|other| other.span() == one.span());
        if here.into_iter().all(|other| *other != one) {
            once.push(one);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    #[test]
    fn of_very_many_the_errors_are_kept() {
        let at = |start| Span::new(FileId(0), start, start + 1);
        let warning = |start| Diagnostic::error(Code::NotModelled, "warned").warning().at(at(start), "");
        let mut all: Vec<_> = (0..2 * MOST_DIAGNOSTICS).map(warning).collect();
        all.push(Diagnostic::error(Code::Missing, "wrong").at(at(2 * MOST_DIAGNOSTICS), ""));
        all.push(warning(0));
        let told = in_order(all);
        assert_eq!(told.len(), MOST_DIAGNOSTICS + 1);
        assert_eq!(told[MOST_DIAGNOSTICS].title, "and 101 more");
        assert!(has_errors(&told));
        assert_eq!(told[1].span(), Some(at(1)), "the same is not told twice");
    }
}
