use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An Ethernet address.
///
/// ```
/// use netscene_core::packet::Mac;
/// let mac: Mac = "00:50:56:93:1c:47".parse()?;
/// assert_eq!(mac.to_string(), "00:50:56:93:1c:47");
/// # Ok::<(), netscene_core::packet::BadMac>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Every station on the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// The address Calico gives to the host's end of every pod's veth.
    pub const CALICO: Self = Self([0xee; 6]);

    /// Why it cannot be the address of a machine's card; nothing if it can.
    ///
    /// ```
    /// use netscene_core::packet::Mac;
    /// assert_eq!(Mac([0x01, 0, 0x5e, 0, 0, 1]).flaw(), Some("it is a group's"));
    /// assert_eq!(Mac([0x00, 0x50, 0x56, 0x93, 0x1c, 0x47]).flaw(), None);
    /// ```
    pub fn flaw(self) -> Option<&'static str> {
        match self {
            Self::BROADCAST => Some("it is everybody's"),
            Self::CALICO => Some("Calico gives it to the host's end of every pod's veth"),
            Self([0, 0, 0, 0, 0, 0]) => Some("it is nobody's"),
            // IEEE 802: the bit of an address that is sent first.
            Self(octets) if octets[0] & 1 == 1 => Some("it is a group's"),
            Self(_) => None,
        }
    }

    /// An address near this one that a card can have.
    #[must_use]
    pub fn mended(self) -> Self {
        let mut octets = self.0;
        if self.flaw().is_some() && octets.iter().all(|octet| *octet == octets[0]) {
            octets[1..].copy_from_slice(&[0, 0, 0, 0, 1]);
        }
        octets[0] = octets[0] & 0x0e | 2;
        Self(octets)
    }
}

/// Text that is not six pairs of hexadecimal digits with colons between.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an Ethernet address such as 00:50:56:93:1c:47")]
pub struct BadMac(String);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl FromStr for Mac {
    type Err = BadMac;

    fn from_str(text: &str) -> Result<Self, BadMac> {
        let bad = || BadMac(text.to_owned());
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2).ok_or_else(bad)?;
            *octet = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() { Err(bad()) } else { Ok(Self(octets)) }
    }
}

impl TryFrom<String> for Mac {
    type Error = BadMac;

    fn try_from(text: String) -> Result<Self, BadMac> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}
