//! What `ipset restore` reads and `ipset save` prints.

use std::fmt::Write;
use std::sync::Arc;

use super::IpSets;
use super::element::{Dimension, Port, number, parse, written};
use super::set::{Extra, IpSet};
use crate::Time;
use crate::conntrack::Jiffies;
use crate::netfilter::text::TextError;

/// The most members that one line with a range may make.
const MAX_RANGE: usize = 1 << 16;

/// Why a dump of ipsets was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct IpSetError {
    /// The line at fault, from 1.
    pub line: usize,
    /// What is wrong with it; its span counts from the line's beginning.
    #[source]
    pub error: TextError,
}

impl IpSets {
    /// Does what `ipset restore` does with such a text at the beginning of time: all of it, or nothing.
    pub fn restore(&mut self, text: &str) -> Result<(), IpSetError> {
        self.restore_at(text, Time::ZERO)
    }

    /// The same at another time, from which the `timeout` of members counts. What else stands behind a member is printed
    /// back.
    pub fn restore_at(&mut self, text: &str, now: Time) -> Result<(), IpSetError> {
        let mut sets = self.clone();
        for (at, line) in text.lines().enumerate() {
            sets.line(line.trim(), now.into()).map_err(|error| IpSetError { line: at + 1, error })?;
        }
        *self = sets;
        Ok(())
    }

    /// What `ipset save` prints at the beginning of time.
    pub fn save(&self) -> String {
        self.save_at(Time::ZERO)
    }

    /// What it prints at another time, without the members that have left by then: lists behind the sets that they hold, members in the order in which they came.
    pub fn save_at(&self, now: Time) -> String {
        let now = now.into();
        let mut out = String::new();
        let (lists, plain): (Vec<_>, Vec<_>) = self.sets.iter().partition(|(_, set)| set.members().is_some());
        for (name, set) in plain.into_iter().chain(lists) {
            let blank = if set.options.is_empty() { "" } else { " " };
            // A String takes everything that is written to it.
            let _ = writeln!(out, "create {name} {}{blank}{}", set.kind, set.options);
            for member in set.members().unwrap_or_default() {
                let _ = writeln!(out, "add {name} {member}");
            }
            for (element, extra) in set.elements().filter(|(_, extra)| extra.is_there(now)) {
                let _ = write!(out, "add {name} {}", written(element, &set.dimensions));
                if set.timeout.is_some() {
                    // `ip_set_timeout_get`: less than a second is told as one, 0 is for ever.
                    let left = extra.expires.map_or(0, |expires| expires.seconds_after(now).max(1));
                    let _ = write!(out, " timeout {left}");
                }
                let blank = if extra.text.is_empty() { "" } else { " " };
                let _ = writeln!(out, "{blank}{}", extra.text);
            }
        }
        out
    }

    fn line(&mut self, line: &str, now: Jiffies) -> Result<(), TextError> {
        if line.is_empty() || line.starts_with('#') || line == "COMMIT" {
            return Ok(());
        }
        let whole = 0..line.len();
        let mut words = line.split_whitespace().filter(|word| !matches!(*word, "-exist" | "-!"));
        let verb = words.next().unwrap_or_default();
        let name = words.next().unwrap_or_default();
        let missing = |what: &str| TextError::new(whole.clone(), format!("`{verb}` needs {what}"));
        let set = |sets: &mut Self| {
            if sets.has(name) {
                return Ok(());
            }
            let error = TextError::new(span(line, name), format!("there is no ipset `{name}`"));
            Err(error.did_you_mean(name, sets.sets.keys().map(AsRef::as_ref)))
        };
        match verb {
            "create" | "-N" => {
                let kind = words.next().ok_or_else(|| missing("a name and a type"))?;
                let options: Vec<_> = words.collect();
                self.create(line, name, kind, &options.join(" "))
            }
            "add" | "-A" => {
                set(self)?;
                let member = words.next().ok_or_else(|| missing("a set and a member"))?;
                let extra: Vec<_> = words.collect();
                self.add(line, name, member, &extra, now)
            }
            "del" | "-D" => {
                set(self)?;
                let member = words.next().ok_or_else(|| missing("a set and a member"))?;
                self.delete(line, name, member)
            }
            "flush" | "-F" => {
                set(self)?;
                if let Some(set) = self.sets.get_mut(name) {
                    set.clear();
                }
                Ok(())
            }
            "destroy" | "-X" => {
                set(self)?;
                self.sets.shift_remove(name);
                Ok(())
            }
            _ => Err(TextError::unknown(whole.clone(), format!("the ipset command `{verb}`"))),
        }
    }

    fn create(&mut self, line: &str, name: &str, kind: &str, options: &str) -> Result<(), TextError> {
        if name.len() > 31 {
            // IPSET_MAXNAMELEN is 32 with the closing zero.
            return Err(TextError::new(span(line, name), "an ipset's name has at most 31 characters"));
        }
        let known = IpSet::new(kind, options).filter(|_| !options.contains("inet6"));
        let mut set = known
            .ok_or_else(|| TextError::unknown(span(line, kind), format!("ipsets of the type `{kind} {options}`")))?;
        let mut words = options.split(' ');
        while let Some(word) = words.next() {
            if word == "timeout" {
                set.timeout = words.next().and_then(|seconds| seconds.parse().ok());
            } else if word == "netmask" {
                set.netmask =
                    words.next().and_then(|length| length.parse().ok()).filter(|length| *length <= 32).unwrap_or(32);
            } else if word == "markmask" {
                set.markmask = words.next().and_then(number).unwrap_or(u32::MAX);
            }
        }
        self.sets.entry(name.into()).or_insert(set);
        Ok(())
    }

    fn add(&mut self, line: &str, name: &str, member: &str, extra: &[&str], now: Jiffies) -> Result<(), TextError> {
        let at = extra.iter().position(|word| *word == "timeout");
        let own = at.and_then(|at| extra.get(at + 1));
        let bad = |word: &&str| TextError::new(span(line, word), format!("`{word}` is no number of seconds"));
        let own = own.map(|word| word.parse::<u32>().map_err(|_| bad(word))).transpose()?.map(u64::from);
        let others = extra.iter().enumerate().filter(|(place, _)| at.is_none_or(|at| *place != at && *place != at + 1));
        let text = others.map(|(_, word)| *word).collect::<Vec<_>>().join(" ");
        let seconds = own.or_else(|| self.sets.get(name).and_then(|set| set.timeout)).filter(|seconds| *seconds > 0);
        let expires = seconds.map(|seconds| now.plus_seconds(seconds));
        let extra = Extra { text, nomatch: extra.contains(&"nomatch"), expires };
        let target: Option<Arc<str>> = self.sets.get_key_value(member).map(|(name, _)| name.clone());
        let Some(set) = self.sets.get_mut(name) else { return Ok(()) };
        let kind = set.kind.clone();
        let bad = || TextError::new(span(line, member), format!("`{member}` does not fit a set of type {kind}"));
        if let Some(list) = set.members_mut() {
            let missing = || TextError::new(span(line, member), format!("there is no ipset `{member}`"));
            list.push(target.ok_or_else(missing)?);
            return Ok(());
        }
        let spelt = expand(member, &set.dimensions, set.is_bare()).ok_or_else(bad)?;
        let elements = spelt.iter().map(|text| parse(text, &set.dimensions, set.is_bare()));
        let elements: Vec<_> = elements.collect::<Option<_>>().ok_or_else(bad)?;
        for mut element in elements {
            if let Some(net) = element.first.filter(|net| net.prefix_len() == 32 && set.netmask < 32) {
                let cut = ipnet::Ipv4Net::new(net.addr(), set.netmask).map_or(net, |net| net.trunc().addr().into());
                element.first = Some(cut);
            }
            element.mark = element.mark.map(|mark| mark & set.markmask);
            set.insert(element, extra.clone());
        }
        Ok(())
    }

    fn delete(&mut self, line: &str, name: &str, member: &str) -> Result<(), TextError> {
        let Some(set) = self.sets.get_mut(name) else { return Ok(()) };
        let found = if let Some(list) = set.members_mut() {
            let before = list.len();
            list.retain(|other| **other != *member);
            list.len() < before
        } else {
            let element = parse(member, &set.dimensions, set.is_bare());
            element.is_some_and(|element| set.remove(&element))
        };
        let missing = || TextError::new(span(line, member), format!("`{member}` is not in the set"));
        if found { Ok(()) } else { Err(missing()) }
    }
}

/// Where a word of the line stands.
fn span(line: &str, word: &str) -> std::ops::Range<usize> {
    let start = (word.as_ptr() as usize).saturating_sub(line.as_ptr() as usize).min(line.len());
    start..(start + word.len()).min(line.len())
}

/// The members that a text with a range of ports or addresses stands for.
fn expand(text: &str, dimensions: &[Dimension], bare: bool) -> Option<Vec<String>> {
    let parts: Vec<_> = text.split(',').collect();
    let mut all = vec![String::new()];
    for (part, dimension) in parts.into_iter().zip(dimensions) {
        let choices: Vec<String> = match (dimension, part.split_once('-')) {
            (Dimension::Address | Dimension::Network, Some((first, last))) => {
                let (first, last): (std::net::Ipv4Addr, std::net::Ipv4Addr) = (first.parse().ok()?, last.parse().ok()?);
                let (first, last) = (first.to_bits(), last.to_bits());
                if last < first || (last - first) as usize >= MAX_RANGE {
                    return None;
                }
                (first..=last).map(|bits| std::net::Ipv4Addr::from_bits(bits).to_string()).collect()
            }
            // A dash may be part of a name such as icmp:echo-request.
            (Dimension::Port, Some((first, last))) if last.parse::<u16>().is_ok() => {
                let port = Port::parse(first, bare)?;
                let last: u16 = last.parse().ok()?;
                (port.number..=last).map(|number| Port { number, ..port }.to_string()).collect()
            }
            _ => vec![part.to_owned()],
        };
        if all.len() * choices.len() > MAX_RANGE {
            return None;
        }
        let joined = |before: &String, choice: &String| {
            if before.is_empty() { choice.clone() } else { format!("{before},{choice}") }
        };
        all = all.iter().flat_map(|before| choices.iter().map(move |choice| joined(before, choice))).collect();
    }
    // Too few or too many parts are told by `parse`.
    Some(if text.split(',').count() == dimensions.len() { all } else { vec![text.to_owned()] })
}

#[cfg(test)]
mod tests {
    use super::IpSets;

    /// What `ipset save` printed.
    const SAVED: &str = include_str!("../../../../tests/reference/sets.ipset.save");

    #[test]
    fn what_ipset_saved_is_printed_again() {
        let mut sets = IpSets::default();
        sets.restore(SAVED).unwrap();
        assert_eq!(sets.save(), SAVED);
        assert_eq!(sets.contains("b", [10, 2, 0, 1].into()), Some(true));
        assert_eq!(sets.contains("b", [10, 1, 0, 1].into()), Some(false), "nomatch");
    }

    #[test]
    fn marks_and_ethernet_addresses_are_printed_as_ipset_prints_them() {
        let mut sets = IpSets::default();
        sets.restore(
            "create m hash:ip,mark markmask 0xff\nadd m 10.0.0.1,0x110\nadd m 10.0.0.2,17\ncreate e hash:mac\n",
        )
        .unwrap();
        sets.restore("add e 02:00:00:00:0a:01\n").unwrap();
        let members =
            "add m 10.0.0.1,0x00000010\nadd m 10.0.0.2,0x00000011\ncreate e hash:mac\nadd e 02:00:00:00:0A:01\n";
        assert!(sets.save().ends_with(members), "{}", sets.save());
        assert!(sets.restore("add m 10.0.0.1,many\n").is_err() && sets.restore("add e 02:00\n").is_err());
    }

    #[test]
    fn a_member_leaves_when_its_time_is_up_and_is_told_with_what_is_left() {
        let second = |at| crate::Time::ZERO + std::time::Duration::from_secs(at);
        let mut sets = IpSets::default();
        sets.restore_at("create t hash:ip timeout 5\nadd t 10.0.0.1\nadd t 10.0.0.2 timeout 0\n", second(10)).unwrap();
        assert!(sets.save_at(second(12)).ends_with("add t 10.0.0.1 timeout 3\nadd t 10.0.0.2 timeout 0\n"));
        assert!(sets.save_at(second(16)).ends_with("timeout 5\nadd t 10.0.0.2 timeout 0\n"));
        let error = sets.restore("add t 10.0.0.3 timeout soon\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1: `soon` is no number of seconds");
    }

    #[test]
    fn a_range_of_ports_is_as_many_members_and_a_bad_member_names_its_line() {
        let mut sets = IpSets::default();
        sets.restore("create a hash:ip,port\nadd a 10.0.0.5,tcp:80-82\n").unwrap();
        assert_eq!(sets.save().lines().count(), 4);
        let error = sets.restore("add a 10.0.0.6,80\nadd a nonsense\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: `nonsense` does not fit a set of type hash:ip,port");
        assert_eq!(sets.save().lines().count(), 4, "half applied");
        let unknown = sets.restore("create x hash:ip family inet6\n").unwrap_err();
        assert!(unknown.error.unknown);
    }
}
