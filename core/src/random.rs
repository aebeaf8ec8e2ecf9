//! Seeded randomness: the only source of chance in the engine.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// A stream of random numbers that a seed decides, on every machine alike.
///
/// ```
/// use netscene_core::Random;
/// let (mut one, mut other) = (Random::new(7), Random::new(7));
/// assert_eq!(one.below(1000), other.below(1000));
/// ```
#[derive(Clone, Debug)]
pub struct Random(Pcg32);

impl Random {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Pcg32::seed_from_u64(seed))
    }

    /// A number from 0 to `bound` - 1; 0 for a bound of 0. The bias of the multiplication is below `bound` / 2^32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Whether a chance of `probability` / 2^31 comes true.
    pub fn chance(&mut self, probability: u32) -> bool {
        // xt_statistic compares 31 random bits with the stored fraction.
        self.0.next_u32() >> 1 < probability
    }
}
