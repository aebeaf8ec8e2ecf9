//! Virtual time. Nothing in the engine reads a clock: the world's time moves only when an event or a `wait` moves it.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of virtual time: nanoseconds since the world began.
///
/// ```
/// use std::time::Duration;
/// use netscene_core::Time;
/// let later = Time::ZERO + Duration::from_millis(1500);
/// assert_eq!(later.to_string(), "1.500000");
/// assert_eq!(later - Time::ZERO, Duration::from_millis(1500));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The beginning of the world.
    pub const ZERO: Self = Self(0);

    /// Nanoseconds since the beginning.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at the end of time, some 584 years after the beginning.
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Time {
    type Output = Duration;

    /// The time from `rhs` to `self`, or nothing when `rhs` is the later one.
    fn sub(self, rhs: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(rhs.0))
    }
}

impl fmt::Display for Time {
    /// Seconds with six decimals, as the kernel's log prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}
