use std::fmt;

/// Counters of one namespace, with the names of `conntrack -S` (`struct ip_conntrack_stat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tuples that NAT found taken.
    pub found: u64,
    /// Packets that could not be tracked.
    pub invalid: u64,
    /// Connections that could not be confirmed.
    pub insert_failed: u64,
    /// Packets dropped: the table was full, or a clash could not be resolved.
    pub drop: u64,
    /// Connections that made room for others.
    pub early_drop: u64,
    /// Packets that are INVALID for what they are: ICMP errors about nothing known, bad checksums.
    pub error: u64,
    /// Clashes that cost no packet.
    pub clash_resolve: u64,
}

impl fmt::Display for Stats {
    /// The line of one processor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cpu=0   \tfound={} invalid={} insert=0 insert_failed={} drop={} early_drop={} error={} search_restart=0 \
             clash_resolve={} chaintoolong=0 ",
            self.found, self.invalid, self.insert_failed, self.drop, self.early_drop, self.error, self.clash_resolve
        )
    }
}
