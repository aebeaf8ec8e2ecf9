//! The bounds of a scenario. Whoever passes one is told which, and the exit status is 3.
//!
//! Those of Rhai are set in `script`; that on events, in `netscene_core::world`.

use std::time::Duration;

/// The most bytes of a file.
pub const MOST_BYTES: usize = 16 << 20;
/// The most files of a scenario.
pub const MOST_FILES: usize = 1000;
/// How deep braces may be nested. Whoever walks the tree calls itself for each.
pub const DEEPEST_BRACES: usize = 64;
/// The most diagnostics that are told of one scenario; of the rest, how many there are.
pub const MOST_DIAGNOSTICS: usize = 100;
/// The most sentences that one test, or everything outside of tests, may carry out; each turn of a `for` counts as one too.
pub const MOST_STEPS: usize = 100_000;
/// The most turns of `for`s around declarations.
pub const MOST_TURNS: usize = 4_096;
/// The longest that one `wait` may be: a year.
pub const LONGEST_WAIT: Duration = Duration::from_hours(365 * 24);
