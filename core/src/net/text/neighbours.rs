use std::fmt;
use std::net::Ipv4Addr;

use super::{TextError, Words, lines};
use crate::packet::{DeviceName, Mac};

/// A line of `ip neigh`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: Ipv4Addr,
    /// The device it is on.
    pub device: DeviceName,
    /// Its Ethernet address; none while nobody has answered.
    pub mac: Option<Mac>,
    /// Flags and state, such as `REACHABLE` or `router STALE`.
    pub state: Vec<String>,
}

/// The lines of `ip neigh`.
///
/// ```
/// use netscene_core::net::text::Neighbours;
/// let text = "10.0.0.2 dev eth0 lladdr 4a:73:7f:ca:c5:d9 REACHABLE \n10.0.0.3 dev eth0 FAILED \n";
/// assert_eq!(text.parse::<Neighbours>()?.to_string(), text);
/// # Ok::<(), netscene_core::net::text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Neighbours of IPv4.
    pub ipv4: Vec<Neighbour>,
    /// Lines about IPv6, which the model does not speak.
    pub ipv6: Vec<String>,
}

/// `NUD_*`, and flags that may stand before them.
const STATES: [&str; 11] = [
    "REACHABLE",
    "STALE",
    "DELAY",
    "PROBE",
    "FAILED",
    "INCOMPLETE",
    "PERMANENT",
    "NOARP",
    "router",
    "extern_learn",
    "managed",
];

impl std::str::FromStr for Neighbours {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut all = Self::default();
        for (number, line) in lines(text) {
            let mut words = Words::new("ip neigh", number, line);
            let address = words.need("a neighbour")?;
            if address.contains(':') {
                all.ipv6.push(line.to_owned());
                continue;
            }
            let address = address.parse().map_err(|_| words.error(format!("`{address}` is no address")))?;
            let (mut device, mut mac, mut state) = (None, None, Vec::new());
            while let Some(word) = words.next() {
                match word {
                    "dev" => device = Some(words.value(word)?),
                    "lladdr" => mac = Some(words.value(word)?),
                    _ if STATES.contains(&word) => state.push(word.to_owned()),
                    _ => return Err(words.error(format!("`{word}` is no state of a neighbour"))),
                }
            }
            let device = device.ok_or_else(|| words.error("it is on no device"))?;
            all.ipv4.push(Neighbour { address, device, mac, state });
        }
        Ok(all)
    }
}

impl fmt::Display for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Neighbour { address, device, mac, state } in &self.ipv4 {
            write!(f, "{address} dev {device} ")?;
            if let Some(mac) = mac {
                write!(f, "lladdr {mac} ")?;
            }
            state.iter().try_for_each(|word| write!(f, "{word} "))?;
            f.write_str("\n")?;
        }
        self.ipv6.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
