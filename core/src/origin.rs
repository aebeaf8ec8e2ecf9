//! Where in a file something was said: carried by every operation, and by every rule that came of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a scenario or manifest.
///
/// ```
/// use netscene_core::Origin;
/// let origin = Origin { file: "hello.scn".into(), line: 3, start: 40, end: 52 };
/// assert_eq!(origin.to_string(), "hello.scn:3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, counted from one.
    pub line: u32,
    /// The first byte of the place in the file.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
