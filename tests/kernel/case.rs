//! A case: ipsets, rules and packets as one text, which a failing run writes and a later one replays.
//!
//! ```text
//! ipset pods 10.244.0.0/16
//! *nat
//! -A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080
//! COMMIT
//! send client 10.0.0.2:40000 > 10.96.0.10:80 tcp SYN seq 1000 ttl 64
//! reply tcp SYN,ACK seq 5000 ack 1001
//! wait 2500
//! flush
//! ```
//!
//! Beside `ipset NAME NETWORK...` the lines `create` and `add` of `ipset restore` may stand before the rules. With the line
//! `tracking as needed` connections are tracked only where the rules make the kernel do it.

use std::fmt;
use std::str::FromStr;

use netscene_core::netfilter::{Hook, TableName};

use crate::Result;
use crate::step::Step;

/// The tables whose rules the suite traces. `security` holds no rule of its own and is created only by what touches it.
pub(crate) const TABLES: [TableName; 4] = [TableName::Raw, TableName::Mangle, TableName::Nat, TableName::Filter];

/// Rules, and packets for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// Lines of `ipset restore`.
    pub(crate) sets: Vec<String>,
    /// Nothing makes the node track connections but its rules.
    pub(crate) tracks_as_needed: bool,
    /// The lines of each table between `*table` and `COMMIT`, by `TableName`.
    pub(crate) tables: [Vec<String>; TableName::ALL.len()],
    pub(crate) steps: Vec<Step>,
}

impl Case {
    /// What `iptables-restore` reads, with nothing of the suite's own in it.
    pub(crate) fn rules(&self) -> String {
        let blocks = TABLES.into_iter().filter(|table| !self.tables[*table as usize].is_empty());
        let blocks = blocks.map(|table| format!("*{table}\n{}\nCOMMIT\n", self.tables[table as usize].join("\n")));
        blocks.collect::<Vec<_>>().concat()
    }

    /// Whether the model takes the table for absent: no rule, no chain of a user, no policy but ACCEPT.
    pub(crate) fn is_vacant(&self, table: TableName) -> bool {
        let plain = |line: &String| {
            let mut words = line.split_whitespace();
            let chain = words.next().unwrap_or_default().trim_start_matches(':');
            line.starts_with(':')
                && table.hooks().iter().any(|hook| hook.chain() == chain)
                && words.next() == Some("ACCEPT")
        };
        self.tables[table as usize].iter().all(plain)
    }
}

impl FromStr for Case {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Self> {
        let mut case = Self::default();
        let mut open = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('*') {
                open = Some(TableName::from_name(name).ok_or_else(|| format!("there is no table {name}"))?);
            } else if line == "COMMIT" {
                open = None;
            } else if let Some(table) = open {
                case.tables[table as usize].push(line.to_owned());
            } else if let Some(set) = line.strip_prefix("ipset ") {
                let mut words = set.split_whitespace();
                let name = words.next().unwrap_or_default();
                case.sets.push(format!("create {name} hash:net"));
                case.sets.extend(words.map(|member| format!("add {name} {member}")));
            } else if line.starts_with("create ") || line.starts_with("add ") {
                case.sets.push(line.to_owned());
            } else if line == "tracking as needed" {
                case.tracks_as_needed = true;
            } else {
                case.steps.push(line.parse().map_err(|error| format!("{line}: {error}"))?);
            }
        }
        Ok(case)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tracks_as_needed {
            writeln!(f, "tracking as needed")?;
        }
        for line in &self.sets {
            writeln!(f, "{line}")?;
        }
        f.write_str(&self.rules())?;
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

/// The hook that netfilter gives that number (`enum nf_inet_hooks`).
pub(crate) fn hook(number: u8) -> Result<Hook> {
    use Hook::{Forward, Input, Output, Postrouting, Prerouting};
    let all = [Prerouting, Input, Forward, Output, Postrouting];
    all.get(usize::from(number)).copied().ok_or_else(|| format!("there is no hook {number}").into())
}
