//! What the LOG target hands to the kernel's log.

use std::sync::Arc;

use crate::Time;
use crate::packet::{DeviceName, Mac, Packet};

/// One packet that met a LOG rule. [`view::log`](crate::view::log) prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When.
    pub time: Time,
    /// The rule's `--log-prefix`.
    pub prefix: Arc<str>,
    /// The device the packet came in on, where the hook knows one.
    pub in_device: Option<DeviceName>,
    /// The device it is to leave by, where the hook knows one.
    pub out_device: Option<DeviceName>,
    /// Destination and source of the Ethernet header it came with; none for a device that has none, such as `tunl0`.
    pub link: Option<(Mac, Mac)>,
    /// The packet as the rule saw it.
    pub packet: Packet,
    /// Its mark.
    pub mark: u32,
}
