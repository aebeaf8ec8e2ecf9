//! Packets that a scenario makes to measure.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::packet::protocol;

/// One packet that is as a scenario says, and as Linux would send it in all else.
///
/// ```
/// use netscene_core::apps::Crafted;
/// let probe = Crafted { ttl: Some(1), ..Crafted::new(17) };
/// assert_eq!(probe.longest(), 65_507);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Crafted {
    /// The protocol field: TCP, UDP, ICMP (an echo request), or anything else, which is bytes without meaning.
    pub protocol: u8,
    /// Of TCP, the control bits by name, such as `ACK`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// How many bytes it carries behind the headers; 56 of an echo, none of anything else when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    /// Its TTL; 64 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// Its TOS: DSCP and ECN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Whether fragments are forbidden; only of what fits in one packet when not said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dont_fragment: bool,
    /// The checksum of what it carries is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bad_checksum: bool,
}

impl Crafted {
    /// A packet of that protocol with nothing special about it.
    pub fn new(protocol: u8) -> Self {
        Self {
            protocol,
            flags: Vec::new(),
            size: None,
            ttl: None,
            tos: None,
            dont_fragment: false,
            bad_checksum: false,
        }
    }

    /// The most bytes that it can carry: an IPv4 packet has at most 65535, headers included.
    pub fn longest(&self) -> u16 {
        u16::MAX
            - 20
            - match self.protocol {
                protocol::TCP => 20,
                protocol::UDP | protocol::ICMP => 8,
                _ => 0,
            }
    }

    /// What it carries.
    pub(super) fn payload(&self) -> Bytes {
        let usual = if self.protocol == protocol::ICMP { 56 } else { 0 };
        Bytes::from(vec![0; usize::from(self.size.unwrap_or(usual))])
    }
}
