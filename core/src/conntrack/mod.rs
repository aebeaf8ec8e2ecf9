//! Connection tracking: tuples, state machines, timeouts, NAT bindings and the choice of ports.
//!
//! Follows `net/netfilter/nf_conntrack_*.c` and `nf_nat_core.c`. The clock is the kernel's: [`Jiffies`].

mod clash;
mod early_drop;
mod entry;
mod nat;
mod segment;
mod settings;
mod stats;
mod table;
pub mod tcp;
#[cfg(test)]
mod tests;
mod text;
mod tuple;
mod window;
#[cfg(test)]
mod window_tests;
mod zone;

pub use clash::Confirmed;
pub use entry::{Entry, Status};
pub use nat::{Binding, Manip};
pub use settings::{Clash, KernelRules, Settings, Timeouts};
pub use stats::Stats;
pub use table::{Direction, EntryId, Table, Template, Tracked, Tracking};
pub use tuple::{Layer4, Tuple};
pub use window::{Stream, Window};
pub use zone::Zone;

use serde::{Deserialize, Serialize};

use crate::Time;

/// Ticks per second: `CONFIG_HZ` of Debian's and Ubuntu's kernels.
pub const HZ: u64 = 250;

/// The kernel's coarse clock, by which timeouts are kept: a whole number of 4 ms ticks since the beginning.
///
/// ```
/// use std::time::Duration;
/// use netscene_core::{Time, conntrack::Jiffies};
/// let now = Jiffies::from(Time::ZERO + Duration::from_millis(5));
/// let expires = now.plus_seconds(120);
/// assert_eq!(expires.seconds_after(now), 120);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Jiffies(pub u64);

impl Jiffies {
    /// This moment and so many seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0 + seconds * HZ)
    }

    /// Whole seconds from `now` to this moment, 0 when it has passed: what `conntrack -L` prints.
    pub const fn seconds_after(self, now: Self) -> u64 {
        self.0.saturating_sub(now.0) / HZ
    }
}

impl From<Time> for Jiffies {
    fn from(time: Time) -> Self {
        Self(time.as_nanos() / (1_000_000_000 / HZ))
    }
}
