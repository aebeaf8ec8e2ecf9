//! Seeded randomness: the only source of chance in the engine.
//!
//! Some of what is drawn decides where a packet goes: those draws are crossroads. A stream that [follows](Random::follow)
//! a script takes the turns of the script there, and writes down which turns there would have been, so that all of them can
//! be taken one after the other.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg32;

use crate::Fraction;

/// A stream of random numbers that a seed decides, on every machine alike.
///
/// ```
/// use netscene_core::Random;
/// let (mut one, mut other) = (Random::new(7), Random::new(7));
/// assert_eq!(one.below(1000), other.below(1000));
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    generator: Pcg32,
    journey: Option<Box<Journey>>,
}

/// Which turns to take, and which have been taken.
#[derive(Clone, Debug, Default)]
struct Journey {
    script: Vec<u32>,
    turns: Vec<Turn>,
}

/// A crossroads, and the turn taken there.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Where.
    pub at: Crossroads,
    /// How many turns there were.
    pub of: u32,
    /// The turn taken, from 0. Where a chance decides, 0 is that it came true.
    pub taken: u32,
    /// How probable that was.
    pub probability: Fraction,
}

/// Where chance decides about the way of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossroads {
    /// At a rule with `-m statistic --mode random`.
    Rule {
        /// The network namespace.
        place: Arc<str>,
        /// The packet's identity.
        packet: u64,
        /// The table.
        table: &'static str,
        /// The chain.
        chain: Arc<str>,
        /// The rule's number, from 1.
        number: u32,
    },
    /// Where ingress-nginx begins to go round the endpoints of an upstream.
    Upstream {
        /// The proxy's pod or host.
        place: Arc<str>,
        /// The upstream, `namespace-service-port`.
        upstream: Arc<str>,
        /// The endpoints.
        endpoints: Vec<(Ipv4Addr, u16)>,
    },
    /// Where CoreDNS puts one of the addresses of a name first.
    Answer {
        /// The server's pod.
        place: Arc<str>,
        /// The name.
        name: Arc<str>,
        /// The addresses.
        addresses: Vec<Ipv4Addr>,
    },
}

impl Random {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { generator: Pcg32::seed_from_u64(seed), journey: None }
    }

    /// A number from 0 to `bound` - 1; 0 for a bound of 0. The bias of the multiplication is below `bound` / 2^32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.generator.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Whether a chance of `probability` / 2^31 comes true at a crossroads.
    pub fn chance(&mut self, probability: u32, at: impl FnOnce() -> Crossroads) -> bool {
        // xt_statistic compares 31 random bits with the stored fraction.
        let drawn = self.generator.next_u32() >> 1 < probability;
        let meant = Fraction::kept_as(probability);
        // What is certain is no crossroads.
        if meant == Fraction::ZERO || meant == Fraction::ONE {
            return drawn;
        }
        let share = |turn: u32| if turn == 0 { meant } else { meant.complement() };
        match &mut self.journey {
            Some(journey) => journey.turn(2, share, at) == 0,
            None => drawn,
        }
    }

    /// One of `count` things at a crossroads, all of them alike: its number from 0. Of a single one nothing is drawn.
    pub fn pick(&mut self, count: u32, at: impl FnOnce() -> Crossroads) -> u32 {
        if count <= 1 {
            return 0;
        }
        let drawn = self.below(count);
        match &mut self.journey {
            Some(journey) => journey.turn(count, |_| Fraction::one_in(count), at),
            None => drawn,
        }
    }

    /// From now on, takes the turns of `script` at crossroads, and behind its end the first turn everywhere. What is drawn
    /// besides is what would have been drawn.
    pub(crate) fn follow(&mut self, script: Vec<u32>) {
        self.journey = Some(Box::new(Journey { script, turns: Vec::new() }));
    }

    /// Ends what [`follow`](Self::follow) began: the turns taken since.
    pub(crate) fn arrive(&mut self) -> Vec<Turn> {
        self.journey.take().map(|journey| journey.turns).unwrap_or_default()
    }
}

impl Journey {
    fn turn(&mut self, of: u32, share: impl Fn(u32) -> Fraction, at: impl FnOnce() -> Crossroads) -> u32 {
        let taken = self.script.get(self.turns.len()).copied().unwrap_or_default().min(of - 1);
        self.turns.push(Turn { at: at(), of, taken, probability: share(taken) });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere() -> Crossroads {
        Crossroads::Answer { place: "a".into(), name: "b".into(), addresses: Vec::new() }
    }

    #[test]
    fn a_script_decides_at_crossroads_and_nowhere_else() {
        let (mut free, mut told) = (Random::new(3), Random::new(3));
        told.follow(vec![1, 2]);
        free.chance(1 << 30, somewhere);
        assert!(!told.chance(1 << 30, somewhere));
        assert_eq!(free.below(1000), told.below(1000));
        free.pick(3, somewhere);
        assert_eq!(told.pick(3, somewhere), 2);
        assert_eq!(told.pick(3, somewhere), 0);
        free.pick(3, somewhere);
        let turns = told.arrive();
        assert_eq!(turns.iter().map(|turn| (turn.of, turn.taken)).collect::<Vec<_>>(), [(2, 1), (3, 2), (3, 0)]);
        assert_eq!(free.below(1000), told.below(1000));
        assert!(told.arrive().is_empty());
    }

    #[test]
    fn what_is_certain_is_no_crossroads() {
        let mut told = Random::new(3);
        told.follow(vec![1, 1, 1]);
        assert!(told.chance(1 << 31, somewhere));
        assert!(!told.chance(0, somewhere));
        assert_eq!(told.pick(1, somewhere), 0);
        assert!(told.arrive().is_empty());
    }
}
