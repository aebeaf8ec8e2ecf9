//! Go's `math/rand` generator, as far as Calico's IPAM draws from it.
//!
//! Its source is an additive lagged Fibonacci generator over 64-bit words, `y[n+607] = y[n] + y[n+334]`. `Seed` mixes a
//! small congruential generator with a table of 607 words, which is the state of that same generator after 7.8·10¹² steps
//! (math/rand, `gen_cooked.go`). The table is computed here: to go N steps at once is to raise x to the N-th power modulo
//! x⁶⁰⁷ − x³³⁴ − 1, with coefficients modulo 2⁶⁴.

use std::sync::OnceLock;

const LENGTH: usize = 607;
/// `LENGTH` less Go's `rngTap`.
const LAG: usize = 334;
/// How far the table is from its own seed.
const COOKING_STEPS: u64 = 7_800_000_000_000;
const INT32_MAX: u32 = 0x7fff_ffff;

type Words = Box<[u64]>;

/// A `rand.New(rand.NewSource(seed))` of Go.
#[derive(Clone, Debug)]
pub(super) struct GoRand {
    words: Words,
    tap: usize,
    feed: usize,
}

impl GoRand {
    /// The generator that starts from `seed`.
    pub(super) fn new(seed: u32) -> Self {
        static TABLE: OnceLock<Words> = OnceLock::new();
        let table = TABLE.get_or_init(cooked);
        let mut words = seeded(seed, [40, 20, 0]);
        for (word, cooked) in words.iter_mut().zip(table) {
            *word ^= cooked;
        }
        Self { words, tap: 0, feed: LAG }
    }

    fn next(&mut self) -> u64 {
        self.tap = self.tap.checked_sub(1).unwrap_or(LENGTH - 1);
        self.feed = self.feed.checked_sub(1).unwrap_or(LENGTH - 1);
        self.words[self.feed] = self.words[self.feed].wrapping_add(self.words[self.tap]);
        self.words[self.feed]
    }

    /// `Rand.Uint32`: bits 31 to 62 of a step.
    fn uint32(&mut self) -> u64 {
        (self.next() >> 31) & 0xffff_ffff
    }

    /// `big.Int.Rand`: a number below `limit`, which is at least 1. Draws of more than its bit length are cut, and those
    /// that are still too large are drawn again; a power of two has one bit more than it needs, so half of them are.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let mask = u64::MAX >> limit.leading_zeros();
        loop {
            let low = self.uint32();
            let drawn = (low | self.uint32() << 32) & mask;
            if drawn < limit {
                return drawn;
            }
        }
    }
}

/// `seedrand`: x times 48271, modulo 2³¹ − 1.
fn congruential(x: u32) -> u32 {
    (u64::from(x) * 48271 % u64::from(INT32_MAX)) as u32
}

/// The words that a seed makes by itself: three draws each, shifted by `shifts`. The first twenty draws are thrown away.
fn seeded(seed: u32, shifts: [u32; 3]) -> Words {
    let mut x = match seed % INT32_MAX {
        0 => 89_482_311,
        seed => seed,
    };
    for _ in 0..20 {
        x = congruential(x);
    }
    let mut word = || {
        shifts.iter().fold(0, |word, shift| {
            x = congruential(x);
            word ^ (u64::from(x) << shift)
        })
    };
    (0..LENGTH).map(|_| word()).collect()
}

/// Where `y[n]` stands among the words: Go writes them downwards from `LAG - 1`.
const fn place(n: u64) -> usize {
    let back = (n % LENGTH as u64) as usize;
    (LENGTH + LAG - 1 - back) % LENGTH
}

/// The table that `Seed` mixes in.
fn cooked() -> Words {
    let start = seeded(1, [20, 10, 0]);
    let mut y: Vec<u64> = (0..LENGTH as u64).map(|n| start[place(n)]).collect();
    for n in 0..LENGTH {
        y.push(y[n].wrapping_add(y[n + LAG]));
    }
    let jump = power_of_x(COOKING_STEPS);
    let mut table = vec![0; LENGTH].into_boxed_slice();
    for n in 0..LENGTH {
        let sum = jump.iter().zip(&y[n..]).fold(0, |sum: u64, (c, y)| sum.wrapping_add(c.wrapping_mul(*y)));
        table[place(COOKING_STEPS + n as u64)] = sum;
    }
    table
}

/// The coefficients of x to the power of `exponent`, lowest first, modulo the generator's polynomial.
fn power_of_x(exponent: u64) -> Vec<u64> {
    let mut power = vec![0_u64; LENGTH];
    power[0] = 1;
    for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
        let mut wide = vec![0_u64; 2 * LENGTH];
        let shift = (exponent >> bit & 1) as usize;
        for (i, a) in power.iter().enumerate() {
            for (j, b) in power.iter().enumerate() {
                let sum: &mut u64 = &mut wide[i + j + shift];
                *sum = sum.wrapping_add(a.wrapping_mul(*b));
            }
        }
        for high in (LENGTH..wide.len()).rev() {
            let c = wide[high];
            wide[high - LENGTH] = wide[high - LENGTH].wrapping_add(c);
            wide[high - LENGTH + LAG] = wide[high - LENGTH + LAG].wrapping_add(c);
        }
        wide.truncate(LENGTH);
        power = wide;
    }
    power
}
