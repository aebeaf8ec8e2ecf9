//! Matches on what lies around a packet.

use crate::netfilter::walk::{BridgePorts, Sender};
use crate::netfilter::{Negatable, Owner, Physdev};
use crate::packet::{DeviceName, DevicePattern};

/// `physdev_mt`.
pub(super) fn physdev(options: &Physdev, bridge: Option<BridgePorts>) -> bool {
    let Some(ports) = bridge else {
        // Of a packet that crosses no bridge every condition fails, and `!` turns that round.
        let flags = [options.is_bridged, options.is_in, options.is_out].into_iter().flatten();
        let devices = [options.in_device, options.out_device].into_iter().flatten().map(|device| device.negated);
        return flags.chain(devices).all(|negated| negated);
    };
    let flag = |wanted: Option<bool>, is: bool| wanted.is_none_or(|negated| is != negated);
    let same = |wanted: Negatable<DevicePattern>, device: DeviceName| wanted.holds(wanted.value.matches(device));
    flag(options.is_bridged, ports.out_device.is_some())
        && flag(options.is_in, ports.in_device.is_some())
        && flag(options.is_out, ports.out_device.is_some())
        // Without a port it came in by, this condition is passed over; without one it goes out by, that one fails.
        && options.in_device.is_none_or(|wanted| ports.in_device.is_none_or(|device| same(wanted, device)))
        && options.out_device.is_none_or(|wanted| ports.out_device.is_some_and(|device| same(wanted, device)))
}

/// `owner_mt`. `None`: the packet has a process of whose user the model knows nothing.
pub(super) fn owner(options: Owner, sender: Sender) -> Option<bool> {
    let ids = [options.user, options.group];
    let all_negated = ids.into_iter().flatten().all(|wanted| wanted.negated);
    match sender {
        // Without a socket every condition fails, and `!` turns that round.
        Sender::Nobody => Some(all_negated && options.socket.is_none_or(|negated| negated)),
        _ if options.socket == Some(true) => Some(false),
        // A socket of the kernel's own is no file of anybody.
        Sender::Kernel => Some(all_negated),
        Sender::Process(_) if ids == [None, None] => Some(true),
        Sender::Process(None) => None,
        Sender::Process(Some((user, group))) => Some(ids.into_iter().zip([user, group]).all(|(wanted, id)| {
            wanted.is_none_or(|wanted| wanted.holds(wanted.value.first <= id && id <= wanted.value.last))
        })),
    }
}
