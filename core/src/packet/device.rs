use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a network device, in bytes: `IFNAMSIZ` less the closing zero (linux/if.h).
const MAX: usize = 15;

/// The name of a network device, such as `ens192` or `cali21ac0ad37cb`.
///
/// Held inline and compared sixteen bytes at a time, as the kernel does for `-i` and `-o`.
///
/// ```
/// use netscene_core::packet::DeviceName;
/// let name: DeviceName = "tunl0".parse()?;
/// assert_eq!(name.as_str(), "tunl0");
/// assert!("a-name-that-is-too-long".parse::<DeviceName>().is_err());
/// # Ok::<(), netscene_core::packet::BadDeviceName>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName([u8; MAX + 1]);

/// Text that cannot name a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a network device: 1 to 15 characters of ASCII without `/` and blanks")]
pub struct BadDeviceName(String);

impl DeviceName {
    /// The loopback device.
    pub const LO: Self = Self::literal(b"lo");
    /// Linux's first IP-in-IP tunnel device.
    pub const TUNL0: Self = Self::literal(b"tunl0");
    /// The usual name of a machine's or a pod's first Ethernet device.
    pub const ETH0: Self = Self::literal(b"eth0");

    /// No name: that of a device that is no more.
    pub(crate) const NONE: Self = Self([0; MAX + 1]);

    const fn literal(text: &[u8]) -> Self {
        let mut name = [0; MAX + 1];
        let mut at = 0;
        while at < text.len() {
            name[at] = text[at];
            at += 1;
        }
        Self(name)
    }

    /// The name as a number, first letter first.
    pub(crate) const fn to_bits(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(MAX);
        // Only ASCII gets in through `from_str`, so this never falls back.
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl Hash for DeviceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.to_bits());
    }
}

impl FromStr for DeviceName {
    type Err = BadDeviceName;

    fn from_str(text: &str) -> Result<Self, BadDeviceName> {
        let fits = (1..=MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
            Ok(Self::literal(text.as_bytes()))
        } else {
            Err(BadDeviceName(text.to_owned()))
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = BadDeviceName;

    fn try_from(text: String) -> Result<Self, BadDeviceName> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What `-i` and `-o` take: a device, or every device whose name begins with what stands before a `+`.
///
/// ```
/// use netscene_core::packet::DevicePattern;
/// let workloads: DevicePattern = "cali+".parse()?;
/// assert!(workloads.matches("cali21ac0ad37cb".parse()?));
/// assert!(!workloads.matches("ens192".parse()?));
/// # Ok::<(), netscene_core::packet::BadDeviceName>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DevicePattern {
    name: u128,
    mask: u128,
}

impl DevicePattern {
    /// Whether the pattern covers `device`.
    pub fn matches(self, device: DeviceName) -> bool {
        device.to_bits() & self.mask == self.name
    }

    /// The one device that the pattern covers; `None` if it ends in `+`.
    pub fn exact(self) -> Option<DeviceName> {
        (self.mask == u128::MAX).then(|| DeviceName(self.name.to_be_bytes()))
    }
}

impl FromStr for DevicePattern {
    type Err = BadDeviceName;

    fn from_str(text: &str) -> Result<Self, BadDeviceName> {
        if text == "+" {
            return Ok(Self { name: 0, mask: 0 });
        }
        let prefix = text.strip_suffix('+');
        let name: DeviceName = prefix.unwrap_or(text).parse()?;
        let mask = match prefix {
            Some(prefix) => u128::MAX << (8 * (MAX + 1 - prefix.len())),
            None => u128::MAX,
        };
        Ok(Self { name: u128::from_be_bytes(name.0), mask })
    }
}

impl fmt::Display for DevicePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = DeviceName(self.name.to_be_bytes());
        if self.mask == u128::MAX { f.pad(name.as_str()) } else { f.pad(&format!("{}+", name.as_str())) }
    }
}
