use std::fmt;
use std::sync::LazyLock;

use super::{Shown, TextError, Words, lines, table_name, table_number};
use crate::net::fib::{Fib, Route, RouteKind};
use crate::net::rules::{MAIN, Policy};

const TOOL: &str = "ip route";

/// A line of `ip route show table all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLine {
    /// The table it is in.
    pub table: u32,
    /// The route.
    pub route: Route,
    /// Its scope, where it is written.
    pub scope: Option<String>,
    /// What concerns only sockets of this machine, such as `advmss 1400`, as it is written.
    pub notes: Vec<String>,
    /// Its device is down (`RTNH_F_DEAD`), and nobody takes it.
    pub dead: bool,
}

/// The lines of `ip route show table all`.
///
/// ```
/// use netscene_core::net::text::Routes;
/// let text = "default via 10.0.0.254 dev eth0 proto static \nblackhole 10.244.0.0/26 proto bird \n";
/// assert_eq!(text.parse::<Routes>()?.to_string(), text);
/// let error = "10.0.0.0/24 dev eth0 \nnonsense dev eth0".parse::<Routes>().unwrap_err();
/// assert_eq!(error.to_string(), "ip route, line 2: `nonsense` is no IPv4 network");
/// # Ok::<(), netscene_core::net::text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Routes of IPv4.
    pub ipv4: Vec<RouteLine>,
    /// Lines about IPv6, which the model does not speak.
    pub ipv6: Vec<String>,
}

/// The names of `/etc/iproute2/rt_protos`, and for others their numbers.
fn protocol(word: &str) -> Option<&'static str> {
    const NAMED: [&str; 24] = [
        "unspec",
        "redirect",
        "kernel",
        "boot",
        "static",
        "gated",
        "ra",
        "mrt",
        "zebra",
        "bird",
        "dnrouted",
        "xorp",
        "ntk",
        "dhcp",
        "mrouted",
        "keepalived",
        "babel",
        "openr",
        "bgp",
        "isis",
        "ospf",
        "rip",
        "eigrp",
        "ovn",
    ];
    static NUMBERED: LazyLock<Vec<String>> = LazyLock::new(|| (0..=255_u8).map(|number| number.to_string()).collect());
    NAMED
        .into_iter()
        .find(|name| *name == word)
        .or_else(|| NUMBERED.get(usize::from(word.parse::<u8>().ok()?)).map(String::as_str))
}

impl std::str::FromStr for Routes {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut routes = Self::default();
        for (number, line) in lines(text) {
            if line.starts_with(char::is_whitespace) {
                let Some(last) = routes.ipv4.last_mut() else {
                    return Err(Words::of(TOOL, number, line).error("a next hop without its route"));
                };
                let before = last.route.unknown.as_deref().unwrap_or_default();
                last.route.unknown = Some(format!("{before}\n\t{}", line.trim()).into());
            } else if line.contains("::") || line.split_whitespace().any(|word| word == "pref") {
                routes.ipv6.push(line.to_owned());
            } else {
                routes.ipv4.push(read(Words::of(TOOL, number, line))?);
            }
        }
        Ok(routes)
    }
}

fn kind(word: &str) -> Option<RouteKind> {
    Some(match word {
        "unicast" => RouteKind::Unicast,
        "local" => RouteKind::Local,
        "broadcast" => RouteKind::Broadcast,
        "blackhole" => RouteKind::Blackhole,
        "unreachable" => RouteKind::Unreachable,
        "prohibit" => RouteKind::Prohibit,
        "throw" => RouteKind::Throw,
        _ => return None,
    })
}

fn read(mut words: Words<'_>) -> Result<RouteLine, TextError> {
    let mut unknown = Vec::new();
    let mut read_kind = RouteKind::Unicast;
    let first = words.peek().unwrap_or_default();
    if let Some(kind) = kind(first) {
        read_kind = kind;
        words.next();
    } else if matches!(first, "multicast" | "anycast" | "nat") {
        unknown.push(format!("type {first}"));
        words.next();
    }
    let mut route = Route { kind: read_kind, ..Route::to(words.network("a route")?) };
    let (mut table, mut scope, mut notes, mut dead) = (MAIN, None, Vec::new(), false);
    while let Some(word) = words.next() {
        match word {
            "via" => route.via = Some(words.value(word)?),
            "dev" => route.device = Some(words.value(word)?),
            "table" => {
                let name = words.need(word)?;
                let numbers = "is a table by name: only local, main, default and numbers are known (`ip -N`)";
                table = table_number(name).ok_or_else(|| words.error(format!("`{name}` {numbers}")))?;
            }
            "proto" => {
                let name = words.need(word)?;
                let known = protocol(name).ok_or_else(|| words.error(format!("`{name}` is no protocol of routes")))?;
                route.protocol = known;
            }
            "scope" => scope = Some(words.need(word)?.to_owned()),
            "src" => route.source = Some(words.value(word)?),
            "metric" => route.metric = words.value(word)?,
            "onlink" => route.onlink = true,
            "mtu" => {
                if words.peek() == Some("lock") {
                    words.next();
                    notes.push("mtu lock".to_owned());
                }
                route.mtu = Some(words.value(word)?);
            }
            "dead" => dead = true,
            "linkdown" => route.linkdown = true,
            "advmss" | "initcwnd" | "initrwnd" | "window" | "rtt" | "rttvar" | "rto_min" | "quickack" | "congctl"
            | "hoplimit" | "ssthresh" | "cwnd" | "nhid" | "error" => {
                notes.push(format!("{word} {}", words.need(word)?));
            }
            "offload" | "trap" | "rt_offload" => notes.push(word.to_owned()),
            _ => unknown.push(word.to_owned()),
        }
    }
    route.unknown = (!unknown.is_empty()).then(|| unknown.join(" ").into());
    Ok(RouteLine { table, route, scope, notes, dead })
}

impl fmt::Display for RouteLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = &self.route;
        let unknown = route.unknown.as_deref().unwrap_or_default();
        let (own, hops) = unknown.find('\n').map_or((unknown, ""), |at| unknown.split_at(at));
        let (before, own) = match own.strip_prefix("type ") {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", own),
        };
        if !before.is_empty() {
            write!(f, "{before} ")?;
        }
        f.write_str(match route.kind {
            RouteKind::Unicast => "",
            RouteKind::Local => "local ",
            RouteKind::Broadcast => "broadcast ",
            RouteKind::Blackhole => "blackhole ",
            RouteKind::Unreachable => "unreachable ",
            RouteKind::Prohibit => "prohibit ",
            RouteKind::Throw => "throw ",
        })?;
        match route.destination.prefix_len() {
            0 => f.write_str("default ")?,
            _ => write!(f, "{} ", Shown(route.destination))?,
        }
        let nhid = self.notes.iter().find(|note| note.starts_with("nhid"));
        if let Some(nhid) = nhid {
            write!(f, "{nhid} ")?;
        }
        if let Some(via) = route.via {
            write!(f, "via {via} ")?;
        }
        if let Some(device) = route.device {
            write!(f, "dev {device} ")?;
        }
        if self.table != MAIN {
            write!(f, "table {} ", table_name(self.table))?;
        }
        if route.protocol != "boot" {
            write!(f, "proto {} ", route.protocol)?;
        }
        if let Some(scope) = &self.scope {
            write!(f, "scope {scope} ")?;
        }
        if let Some(source) = route.source {
            write!(f, "src {source} ")?;
        }
        if route.metric != 0 {
            write!(f, "metric {} ", route.metric)?;
        }
        // `print_rt_flags` of iproute2.
        if self.dead {
            f.write_str("dead ")?;
        }
        if route.onlink {
            f.write_str("onlink ")?;
        }
        for note in self.notes.iter().filter(|note| matches!(note.as_str(), "offload" | "trap")) {
            write!(f, "{note} ")?;
        }
        if route.linkdown {
            f.write_str("linkdown ")?;
        }
        if let Some(mtu) = route.mtu {
            let lock = if self.notes.iter().any(|note| note == "mtu lock") { "lock " } else { "" };
            write!(f, "mtu {lock}{mtu} ")?;
        }
        for note in
            self.notes.iter().filter(|note| note.contains(' ') && !note.starts_with("nhid") && *note != "mtu lock")
        {
            write!(f, "{note} ")?;
        }
        if !own.is_empty() {
            write!(f, "{own} ")?;
        }
        for hop in hops.split('\n').filter(|hop| !hop.is_empty()) {
            write!(f, "\n{hop} ")?;
        }
        Ok(())
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.ipv4 {
            writeln!(f, "{line}")?;
        }
        self.ipv6.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Routes {
    /// Sorts the routes into their tables. Those of the kernel for a namespace's own addresses come from its addresses.
    pub(crate) fn fill(&self, fib: &mut Fib, policy: &mut Policy) {
        for line in self.ipv4.iter().filter(|line| !line.dead) {
            let own = line.table == super::super::rules::LOCAL && line.route.protocol == "kernel";
            if line.table == MAIN {
                fib.add(line.route.clone());
            } else if !own {
                policy.tables.entry(line.table).or_default().add(line.route.clone());
            }
        }
    }
}
