//! What the LOG target writes.

use std::sync::Arc;

use crate::Time;
use crate::packet::{DeviceName, Mac, Packet};

/// One line of the kernel's log that a LOG rule wrote, before it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When.
    pub time: Time,
    /// `--log-prefix`.
    pub prefix: Arc<str>,
    /// The input device.
    pub in_device: Option<DeviceName>,
    /// The output device.
    pub out_device: Option<DeviceName>,
    /// Destination and source of the Ethernet header, where the packet came with one.
    pub link: Option<(Mac, Mac)>,
    /// The packet as it was.
    pub packet: Packet,
    /// Its mark.
    pub mark: u32,
}
