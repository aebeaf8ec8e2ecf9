//! Exact probabilities.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number from 0 to 1 as a fraction in lowest terms: a probability, without any rounding.
///
/// ```
/// use netscene_core::Fraction;
/// let third: Fraction = "1/3".parse()?;
/// let half = Fraction::new(1, 2).ok_or("no fraction")?;
/// assert_eq!(third.times(half).map(|both| both.to_string()), Some("1/6".to_owned()));
/// assert_eq!(third.complement().to_string(), "2/3");
/// assert_eq!("0.25".parse::<Fraction>()?.to_string(), "1/4");
/// assert!(third < half);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fraction {
    numerator: u128,
    denominator: u128,
}

/// Text that is no number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a fraction from 0 to 1, such as 1/3 or 0.25")]
pub struct NoFraction;

/// The denominator of the fractions that `xt_statistic` keeps.
const KERNEL_ONE: u128 = 1 << 31;

impl Fraction {
    /// Never.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// Always.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator` / `denominator`; `None` where that is more than 1, or no number.
    pub fn new(numerator: u128, denominator: u128) -> Option<Self> {
        (denominator > 0 && numerator <= denominator).then(|| {
            let common = common_divisor(numerator, denominator);
            Self { numerator: numerator / common, denominator: denominator / common }
        })
    }

    /// One in `count`; of nothing, always.
    pub fn one_in(count: u32) -> Self {
        Self { numerator: 1, denominator: count.max(1).into() }
    }

    /// The fraction that is meant by what the kernel keeps of `--probability`, `kept` / 2^31.
    ///
    /// The kernel rounds to that, and kube-proxy has rounded `1 / n` to ten decimals before (`%.10f`), so that its third is
    /// 715827883 / 2^31. Of all fractions that both roundings lead to the same number, this is the one with the smallest
    /// denominator: `1/n` for every `n` up to 40,000.
    ///
    /// ```
    /// use netscene_core::Fraction;
    /// assert_eq!(Fraction::kept_as(715_827_883).to_string(), "1/3");
    /// assert_eq!(Fraction::kept_as(1 << 30).to_string(), "1/2");
    /// ```
    pub fn kept_as(kept: u32) -> Self {
        // Half a step of the kernel's, and half of 1e-10, which is 0.107 of its steps: 0.61 steps, in hundredths.
        let (kept, off) = (u128::from(kept) * 100, 61);
        if kept < off {
            return Self::ZERO;
        }
        if kept + off >= KERNEL_ONE * 100 {
            return Self::ONE;
        }
        let (numerator, denominator) = simplest((kept - off, KERNEL_ONE * 100), (kept + off, KERNEL_ONE * 100));
        Self { numerator, denominator }
    }

    /// What is left to 1.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self { numerator: self.denominator - self.numerator, denominator: self.denominator }
    }

    /// Both of two things that have nothing to do with each other; `None` where no 128 bits hold the fraction.
    pub fn times(self, other: Self) -> Option<Self> {
        // Crosswise first: what can be shortened is short before it is multiplied.
        let one = common_divisor(self.numerator, other.denominator);
        let two = common_divisor(other.numerator, self.denominator);
        let numerator = (self.numerator / one).checked_mul(other.numerator / two)?;
        let denominator = (self.denominator / two).checked_mul(other.denominator / one)?;
        Self::new(numerator, denominator)
    }

    /// One of two things that exclude each other; `None` where no 128 bits hold the fraction, or it is more than 1.
    pub fn plus(self, other: Self) -> Option<Self> {
        let common = common_divisor(self.denominator, other.denominator);
        let denominator = (self.denominator / common).checked_mul(other.denominator)?;
        let left = self.numerator.checked_mul(other.denominator / common)?;
        let right = other.numerator.checked_mul(self.denominator / common)?;
        Self::new(left.checked_add(right)?, denominator)
    }
}

/// Euclid's algorithm; never 0.
fn common_divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// The fraction with the smallest denominator from `low` to `high`, by their continued fractions.
fn simplest(low: (u128, u128), high: (u128, u128)) -> (u128, u128) {
    let (whole, rest) = (low.0 / low.1, low.0 % low.1);
    if rest == 0 {
        return (whole, 1);
    }
    if whole < high.0 / high.1 {
        return (whole + 1, 1);
    }
    // Both lie above `whole` and below the next number: what is simplest between the inverses of their rests is so here.
    let (numerator, denominator) = simplest((high.1, high.0 % high.1), (low.1, rest));
    (whole * numerator + denominator, numerator)
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    /// By continued fractions: products might not fit.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut one, mut two) = ((self.numerator, self.denominator), (other.numerator, other.denominator));
        loop {
            let wholes = (one.0 / one.1).cmp(&(two.0 / two.1));
            if wholes.is_ne() {
                return wholes;
            }
            match (one.0 % one.1, two.0 % two.1) {
                (0, 0) => return Ordering::Equal,
                (0, _) => return Ordering::Less,
                (_, 0) => return Ordering::Greater,
                // The inverses compare the other way round.
                (left, right) => (one, two) = ((two.1, right), (one.1, left)),
            }
        }
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => f.pad(&self.numerator.to_string()),
            _ => f.pad(&format!("{}/{}", self.numerator, self.denominator)),
        }
    }
}

impl FromStr for Fraction {
    type Err = NoFraction;

    fn from_str(text: &str) -> Result<Self, NoFraction> {
        let number = |digits: &str| -> Result<u128, NoFraction> {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if plain { digits.parse().map_err(|_| NoFraction) } else { Err(NoFraction) }
        };
        let (numerator, denominator) = if let Some((numerator, denominator)) = text.split_once('/') {
            (number(numerator)?, number(denominator)?)
        } else if let Some((whole, decimals)) = text.split_once('.') {
            let one = u32::try_from(decimals.len()).ok().and_then(|length| 10_u128.checked_pow(length));
            let one = one.ok_or(NoFraction)?;
            let whole = number(whole)?.checked_mul(one).ok_or(NoFraction)?;
            (whole.checked_add(number(decimals)?).ok_or(NoFraction)?, one)
        } else {
            (number(text)?, 1)
        };
        Self::new(numerator, denominator).ok_or(NoFraction)
    }
}

impl From<Fraction> for String {
    fn from(fraction: Fraction) -> Self {
        fraction.to_string()
    }
}

impl TryFrom<String> for Fraction {
    type Error = NoFraction;

    fn try_from(text: String) -> Result<Self, NoFraction> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fraction() -> impl Strategy<Value = Fraction> {
        (1_u32.., 0_u32..).prop_map(|(denominator, numerator)| {
            Fraction::new((numerator % denominator).into(), denominator.into()).expect("it is below 1")
        })
    }

    /// What `libxt_statistic` makes of the text that kube-proxy writes for one in `count`.
    #[expect(clippy::cast_sign_loss, reason = "a share is not negative")]
    fn kept_of(count: u32) -> u32 {
        let written: f64 = format!("{:.10}", 1.0 / f64::from(count)).parse().expect("it is a number");
        (written * f64::from(1_u32 << 31)).round() as u32
    }

    #[test]
    fn kube_proxys_shares_are_what_they_mean() {
        for count in (1..3_000).chain([9_999, 10_000, 30_000, 40_000]) {
            assert_eq!(Fraction::kept_as(kept_of(count)), Fraction::one_in(count), "{count}");
        }
        assert_eq!(Fraction::kept_as(0), Fraction::ZERO);
        // iptables -m statistic --probability 0.3
        assert_eq!(Fraction::kept_as(644_245_094).to_string(), "3/10");
    }

    #[test]
    fn what_is_no_fraction() {
        for text in [
            "",
            "1/0",
            "4/3",
            "1.5",
            "-1/3",
            "1/3/5",
            "a",
            "1.",
            ".5",
            "+1",
            "1/ 3",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(text.parse::<Fraction>(), Err(NoFraction), "{text}");
        }
        assert_eq!("2/4".parse::<Fraction>().map(|half| half.to_string()), Ok("1/2".to_owned()));
    }

    proptest! {
        #[test]
        fn a_fraction_is_read_as_it_is_written(one in fraction()) {
            prop_assert_eq!(one.to_string().parse(), Ok(one));
        }

        #[test]
        #[expect(clippy::cast_precision_loss, reason = "both are below 2^31")]
        fn what_is_kept_is_kept_again(kept in 1_u32..(1 << 31)) {
            let meant = Fraction::kept_as(kept);
            let again = meant.numerator as f64 / meant.denominator as f64 * f64::from(1_u32 << 31);
            prop_assert!((again - f64::from(kept)).abs() < 0.62, "{} is {}", kept, again);
        }

        #[test]
        fn both_and_the_rest_are_all(one in fraction(), other in fraction()) {
            let both = one.times(other);
            let rest = one.times(other.complement());
            prop_assert_eq!(both.zip(rest).and_then(|(both, rest)| both.plus(rest)), Some(one));
            prop_assert_eq!(one.plus(one.complement()), Some(Fraction::ONE));
        }

        #[test]
        fn fractions_are_ordered_as_numbers(one in fraction(), other in fraction()) {
            let products = (one.numerator * other.denominator).cmp(&(other.numerator * one.denominator));
            prop_assert_eq!(one.cmp(&other), products);
        }
    }
}
