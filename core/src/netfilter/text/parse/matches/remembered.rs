//! `-m statistic`, `-m recent`, `-m limit` and `-m hashlimit`.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::super::word::Word;
use super::super::{Args, value};
use super::{Result, Spelling};
use crate::netfilter::text::TextError;
use crate::netfilter::{Hashlimit, HashlimitFields, Limit, Match, Recent, RecentAction, SetDirection, Statistic};

pub(super) fn options(name: &str) -> &'static [Spelling] {
    match name {
        "statistic" => &[
            ("--mode", &["--mode"]),
            ("--probability", &["--probability"]),
            ("--every", &["--every"]),
            ("--packet", &["--packet"]),
        ],
        "recent" => &[
            ("--set", &["--set"]),
            ("--rcheck", &["--rcheck"]),
            ("--update", &["--update"]),
            ("--remove", &["--remove"]),
            ("--seconds", &["--seconds"]),
            ("--reap", &["--reap"]),
            ("--hitcount", &["--hitcount"]),
            ("--rttl", &["--rttl"]),
            ("--name", &["--name"]),
            ("--mask", &["--mask"]),
            ("--rsource", &["--rsource"]),
            ("--rdest", &["--rdest"]),
        ],
        "limit" => &[("--limit", &["--limit"]), ("--limit-burst", &["--limit-burst"])],
        _ => &[
            ("--hashlimit-upto", &["--hashlimit-upto", "--hashlimit"]),
            ("--hashlimit-above", &["--hashlimit-above"]),
            ("--hashlimit-burst", &["--hashlimit-burst"]),
            ("--hashlimit-mode", &["--hashlimit-mode"]),
            ("--hashlimit-name", &["--hashlimit-name"]),
            ("--hashlimit-htable-size", &["--hashlimit-htable-size"]),
            ("--hashlimit-htable-max", &["--hashlimit-htable-max"]),
            ("--hashlimit-htable-gcinterval", &["--hashlimit-htable-gcinterval"]),
            ("--hashlimit-htable-expire", &["--hashlimit-htable-expire"]),
            ("--hashlimit-srcmask", &["--hashlimit-srcmask"]),
            ("--hashlimit-dstmask", &["--hashlimit-dstmask"]),
        ],
    }
}

#[derive(Default)]
pub(super) struct StatisticDraft {
    random: Option<bool>,
    probability: Option<u32>,
    every: Option<u32>,
    packet: Option<(u32, Range<usize>)>,
    negated: bool,
}

impl StatisticDraft {
    pub(super) fn take(&mut self, option: &'static str, args: &mut Args<'_>) -> Result<()> {
        match option {
            "--mode" => {
                args.plain()?;
                let word = args.value("`random` or `nth`")?;
                self.random = Some(value::one_of(&word, &word.text, &[(true, "random"), (false, "nth")], "a mode")?);
            }
            "--probability" => {
                self.negated = args.negatable(()).negated;
                self.probability = Some(probability(&args.value("a probability")?)?);
            }
            "--every" => {
                self.negated = args.negatable(()).negated;
                let word = args.value("a number")?;
                let every = value::number(&word)?;
                if every == 0 {
                    return Err(TextError::new(word.span, "`--every` counts from 1"));
                }
                self.every = Some(every);
            }
            _ => {
                args.plain()?;
                let word = args.value("a number")?;
                self.packet = Some((value::number(&word)?, word.span));
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, span: &Range<usize>) -> Result<Match> {
        let missing = |what: &str| TextError::new(span.clone(), format!("`-m statistic` needs {what}"));
        let negated = self.negated;
        let statistic = match self.random {
            None => return Err(missing("`--mode random` or `--mode nth`")),
            Some(true) if self.every.is_some() || self.packet.is_some() => {
                return Err(missing("`--mode nth` for `--every` and `--packet`"));
            }
            Some(true) => {
                let probability = self.probability.ok_or_else(|| missing("`--probability` with `--mode random`"))?;
                Statistic::Random { probability, negated }
            }
            Some(false) if self.probability.is_some() => {
                return Err(missing("`--mode random` for `--probability`"));
            }
            Some(false) => {
                let every = self.every.ok_or_else(|| missing("`--every` with `--mode nth`"))?;
                let (packet, at) = self.packet.ok_or_else(|| missing("`--packet` with `--every`"))?;
                if packet >= every {
                    return Err(TextError::new(at, format!("`--packet` goes from 0 to {}", every - 1)));
                }
                Statistic::Nth { every, packet, negated }
            }
        };
        Ok(Match::Statistic(statistic))
    }
}

/// A probability as the kernel keeps it: in parts of 2^31, rounded (`lround` in `libxt_statistic.c`).
#[allow(clippy::cast_sign_loss, reason = "what is negative has been refused")]
fn probability(word: &Word<'_>) -> Result<u32> {
    let value = plain(&word.text).or_else(|| word.text.parse().ok()).unwrap_or(f64::NAN);
    if (0.0..=1.0).contains(&value) {
        Ok((value * f64::from(1_u32 << 31)).round() as u32)
    } else {
        Err(TextError::new(word.span.clone(), format!("`{}` is not a probability from 0 to 1", word.text)))
    }
}

/// A number written as `0.3333333333`: the quotient of two whole numbers that a double holds is the double nearest to it. std's way
/// for all others needs tables that a page would load.
#[allow(clippy::cast_precision_loss, reason = "both are below 2^53")]
fn plain(text: &str) -> Option<f64> {
    const MOST_DIGITS: usize = 15;
    let (whole, decimals) = text.split_once('.')?;
    let digits = [whole, decimals].concat();
    if digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u64 = digits.parse().ok()?;
    Some(digits as f64 / 10_u64.pow(decimals.len() as u32) as f64)
}

/// What has been read of a `-m recent`.
#[derive(Default)]
pub(super) struct RecentDraft {
    action: Option<(RecentAction, bool)>,
    seconds: Option<u32>,
    reap: bool,
    hit_count: Option<u32>,
    ttl: bool,
    name: Option<String>,
    mask: Option<Ipv4Addr>,
    side: Option<SetDirection>,
}

impl RecentDraft {
    pub(super) fn take(&mut self, option: &'static str, args: &mut Args<'_>) -> Result<()> {
        let action = match option {
            "--set" => Some(RecentAction::Set),
            "--rcheck" => Some(RecentAction::Check),
            "--update" => Some(RecentAction::Update),
            "--remove" => Some(RecentAction::Remove),
            _ => None,
        };
        if let Some(action) = action {
            let negated = args.negatable(()).negated;
            return match self.action.replace((action, negated)) {
                None => Ok(()),
                Some(_) => Err(args.error("`-m recent` does one of `--set`, `--rcheck`, `--update` and `--remove`")),
            };
        }
        args.plain()?;
        match option {
            "--seconds" => self.seconds = Some(value::at_least_one(&args.value("a number of seconds")?)?),
            "--hitcount" => {
                let word = args.value("a number of hits")?;
                let hits = value::at_least_one(&word)?;
                if hits > 255 {
                    // XT_RECENT_MAX_NSTAMPS was 256 until 6.11.
                    return Err(TextError::unknown(word.span, "a `--hitcount` above 255"));
                }
                self.hit_count = Some(hits);
            }
            "--reap" => self.reap = true,
            "--rttl" => self.ttl = true,
            "--name" => {
                let word = args.value("a name")?;
                // XT_RECENT_NAME_LEN is 200 with the closing zero.
                if word.text.is_empty() || word.text.len() > 199 || word.text.contains(['/', '\n']) {
                    return Err(TextError::new(word.span, "a list's name has 1 to 199 characters, and no `/`"));
                }
                self.name = Some(word.text.into_owned());
            }
            "--mask" => {
                let word = args.value("a mask such as 255.255.255.0")?;
                let bad = || TextError::new(word.span.clone(), format!("`{}` is not a mask", word.text));
                self.mask = Some(word.text.parse().map_err(|_| bad())?);
            }
            "--rsource" => self.side = Some(SetDirection::Source),
            _ => self.side = Some(SetDirection::Destination),
        }
        Ok(())
    }

    pub(super) fn finish(self, span: &Range<usize>) -> Result<Match> {
        let missing = |what: &str| TextError::new(span.clone(), format!("`-m recent` needs {what}"));
        let Some((action, negated)) = self.action else {
            return Err(missing("`--set`, `--rcheck`, `--update` or `--remove`"));
        };
        let asks = matches!(action, RecentAction::Check | RecentAction::Update);
        if !asks && (self.seconds.is_some() || self.hit_count.is_some() || self.ttl) {
            return Err(missing("`--rcheck` or `--update` for `--seconds`, `--hitcount` and `--rttl`"));
        }
        if self.reap && self.seconds.is_none() {
            return Err(missing("`--seconds` for `--reap`"));
        }
        Ok(Match::Recent(Box::new(Recent {
            action,
            negated,
            seconds: self.seconds.unwrap_or(0),
            reap: self.reap,
            hit_count: self.hit_count.unwrap_or(0),
            ttl: self.ttl,
            name: self.name.unwrap_or_else(|| "DEFAULT".to_owned()).into(),
            mask: self.mask.unwrap_or(Ipv4Addr::BROADCAST),
            side: self.side.unwrap_or(SetDirection::Source),
        })))
    }
}

pub(super) fn limit(found: &mut Limit, option: &str, args: &mut Args<'_>) -> Result<()> {
    args.plain()?;
    if option == "--limit" {
        let word = args.value("a rate such as 10/second")?;
        found.period = rate(&word, 10_000)?.0 as u32;
    } else {
        let word = args.value("a number")?;
        found.burst = value::at_least_one(&word)?;
        if found.burst > 10_000 {
            return Err(TextError::new(word.span, "a burst has at most 10000 packets"));
        }
    }
    Ok(())
}

/// One to begin with: a burst of 5, every address by itself (`libxt_hashlimit.c`).
pub(super) fn blank_hashlimit() -> Hashlimit {
    Hashlimit {
        period: 0,
        above: false,
        burst: 5,
        fields: HashlimitFields::default(),
        name: "".into(),
        size: 0,
        most: 0,
        collect: 1000,
        expire: 0,
        source_length: 32,
        destination_length: 32,
    }
}

pub(super) fn hashlimit(found: &mut Hashlimit, option: &str, args: &mut Args<'_>) -> Result<()> {
    if let "--hashlimit-upto" | "--hashlimit-above" = option {
        if found.period != 0 {
            return Err(args.error("`--hashlimit-upto` and `--hashlimit-above` say the same twice"));
        }
        found.above = args.negatable(()).negated != (option == "--hashlimit-above");
        let word = args.value("a rate such as 10/second")?;
        if word.text.split_once('/').is_some_and(|(amount, _)| amount.ends_with('b')) {
            return Err(TextError::unknown(word.span, "`-m hashlimit` by bytes"));
        }
        let (period, unit) = rate(&word, 1_000_000)?;
        found.period = period;
        // Unless it is given, a bucket lives as long as the unit of its rate.
        if found.expire == 0 {
            found.expire = unit * 1000;
        }
        return Ok(());
    }
    args.plain()?;
    let word = args.value("a value")?;
    match option {
        "--hashlimit-burst" if word.text.ends_with('b') => {
            return Err(TextError::unknown(word.span, "`-m hashlimit` by bytes"));
        }
        "--hashlimit-burst" => {
            found.burst = value::at_least_one(&word)?.into();
            if found.burst > 1_000_000 {
                return Err(TextError::new(word.span, "a burst has at most 1000000 packets"));
            }
        }
        "--hashlimit-mode" => {
            let known = HashlimitFields::NAMED;
            found.fields = word.text.split(',').try_fold(HashlimitFields::default(), |all, name| {
                value::one_of(&word, name, &known, "a field that tells buckets apart").map(|one| all.with(one))
            })?;
        }
        "--hashlimit-name" => {
            if word.text.is_empty() || word.text.len() > 254 || word.text.contains('/') {
                return Err(TextError::new(word.span, "a table's name has 1 to 254 characters, and no `/`"));
            }
            found.name = word.text.as_ref().into();
        }
        "--hashlimit-htable-size" => found.size = value::at_least_one(&word)?,
        "--hashlimit-htable-max" => found.most = value::at_least_one(&word)?,
        "--hashlimit-htable-gcinterval" => found.collect = value::at_least_one(&word)?,
        "--hashlimit-htable-expire" => found.expire = value::at_least_one(&word)?,
        _ => {
            let length = value::byte(&word)?;
            if length > 32 {
                return Err(TextError::new(word.span, format!("`{}` is not a prefix length from 0 to 32", word.text)));
            }
            *(if option == "--hashlimit-srcmask" { &mut found.source_length } else { &mut found.destination_length }) =
                length;
        }
    }
    Ok(())
}

/// The time for one packet in parts of a second, and the seconds of the unit (`parse_rate` of `libxt_limit.c`).
fn rate(word: &Word<'_>, scale: u64) -> Result<(u64, u32)> {
    const UNITS: [(&str, u32); 4] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)];
    let bad = || TextError::new(word.span.clone(), format!("`{}` is not a rate such as 10/second", word.text));
    let (amount, unit) = word.text.split_once('/').unwrap_or((&word.text, "second"));
    let amount: u64 = amount.parse().ok().filter(|amount| *amount > 0).ok_or_else(bad)?;
    let is =
        |name: &str| !unit.is_empty() && name.get(..unit.len()).is_some_and(|name| name.eq_ignore_ascii_case(unit));
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| is(name)).ok_or_else(bad)?;
    let period = scale * u64::from(seconds) / amount;
    if period == 0 {
        return Err(TextError::new(word.span.clone(), format!("the rate `{}` is too fast to be counted", word.text)));
    }
    Ok((period, seconds))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_plain_number_is_the_double_that_std_reads() {
        let shares = (1..3_000).map(|left| format!("{:.10}", 1.0 / f64::from(left)));
        let others =
            ["0.5", ".25", "1.", "0.00000000000001", "000.1", "0.333333333333333", "12345.6789"].map(str::to_owned);
        for text in shares.chain(others) {
            let std: f64 = text.parse().expect("it is a number");
            assert!(text.len() > 16 || plain(&text).is_some_and(|value| value.to_bits() == std.to_bits()), "{text}");
        }
        for text in ["1", ".", "", "+0.5", "0.+5", "1e-3", "0.1234567890123456"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
