//! The session as a scenario.

use super::{Entry, Session};
use crate::{SourceFiles, format};

/// A session as a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The scenario, in the form that `scn fmt` gives it.
    pub text: String,
    /// How it differs from what happened: a file declares everything before it does anything.
    pub notes: Vec<String>,
}

impl Session {
    /// What was entered and counts, as a scenario that runs.
    pub fn save(&self) -> Saved {
        let mut text = String::new();
        let (mut notes, mut acted) = (Vec::new(), false);
        let mut before: Option<(bool, bool)> = None;
        for entry in &self.now.entries {
            let (declares, long) = (entry.declares(), entry.text.contains('\n'));
            // What belongs together stands together: an empty line before braces, and where something begins to happen.
            if before.is_some_and(|(declared, was_long)| declared != declares || long || was_long) {
                text.push('\n');
            }
            text += &entry.text;
            text.push('\n');
            if declares && acted {
                let first = entry.text.lines().next().unwrap_or_default();
                notes.push(format!(
                    "`{first}` was entered after something had happened; in a file, what is declared is there from the \
                     beginning"
                ));
            }
            acted |= !declares;
            before = Some((declares, long));
        }
        let file = SourceFiles::default().add("session.scn", text.as_str());
        Saved { text: format(&file).unwrap_or(text), notes }
    }
}

impl Entry {
    /// Whether it declares, and does nothing.
    fn declares(&self) -> bool {
        self.statements.iter().all(|statement| statement.kind.declares())
    }
}
