//! Bridges: ports, the forwarding database, hairpin mode, and `br_netfilter`, which shows bridged packets to iptables
//! (`net/bridge/br_input.c`, `br_forward.c`, `br_netfilter_hooks.c`).

use super::skb::{Context, Effect, Skb};
use super::wire::{Frame, Payload};
use super::{DeviceKind, Namespace};
use crate::netfilter::Hook;
use crate::netfilter::walk::BridgePorts;
use crate::packet::{DeviceName, Mac, Packet};
use crate::trace::{Arrival, End, Observer, PacketId};

impl Namespace {
    /// Makes a device a port of a bridge (`ip link set PORT master BRIDGE`). False: one of the two is not there.
    pub fn add_bridge_port(&mut self, bridge: DeviceName, port: DeviceName) -> bool {
        let (Some(bridge_at), Some(port_at)) = (self.device_index(bridge), self.device_index(port)) else {
            return false;
        };
        self.devices.change(bridge_at, |device| device.kind = DeviceKind::Bridge);
        self.devices.change(port_at, |device| device.master = Some(bridge));
        true
    }

    /// Forgets behind which port of a bridge an Ethernet address is, as ageing does.
    pub fn forget_station(&mut self, bridge: DeviceName, mac: Mac) {
        self.stations.remove(&(bridge, mac));
    }

    /// Sends a frame by a device; by a bridge, through the port behind which its destination is, or through all.
    pub(super) fn emit<O>(&self, device: usize, frame: Frame, cx: &mut Context<'_, O>) {
        if self.devices[device].kind == DeviceKind::Bridge {
            self.emit_by_ports(self.devices[device].name, None, &frame, cx);
        } else {
            cx.effects.push(Effect::Transmit { device, frame });
        }
    }

    /// `br_forward` and `br_flood`: never back through the port it came by, unless that is in hairpin mode
    /// (`should_deliver`).
    fn emit_by_ports<O>(&self, bridge: DeviceName, from: Option<usize>, frame: &Frame, cx: &mut Context<'_, O>) {
        let known = self.stations.get(&(bridge, frame.destination)).copied();
        for (at, port) in self.devices.iter().enumerate() {
            let behind = known.is_none_or(|known| known == at);
            if port.master == Some(bridge) && port.up && behind && (from != Some(at) || port.hairpin) {
                cx.effects.push(Effect::Transmit { device: at, frame: frame.clone() });
            }
        }
    }

    /// A frame has come in by a port (`br_handle_frame_finish`).
    pub(super) fn bridge_frame<O: Observer>(
        &mut self,
        bridge: DeviceName,
        port: usize,
        frame: Frame,
        cx: &mut Context<'_, O>,
    ) {
        let Some(at) = self.device_index(bridge).filter(|at| self.devices[*at].up) else { return };
        self.stations.insert((bridge, frame.source), port);
        let own = |device: &super::Device| device.mac == frame.destination;
        let local = own(&self.devices[at]) || self.devices.iter().any(|one| one.master == Some(bridge) && own(one));
        if local {
            let destination = self.devices[at].mac;
            self.receive_frame(at, Frame { destination, ..frame }, cx);
            return;
        }
        let broadcast = frame.destination == Mac::BROADCAST;
        match frame.payload {
            Payload::Ipv4(id, packet) if self.bridge_calls_iptables && !broadcast => {
                let link = (frame.destination, frame.source);
                self.bridge_packet((bridge, at, port), link, id, packet, cx);
            }
            _ => {
                self.emit_by_ports(bridge, Some(port), &frame, cx);
                if broadcast {
                    self.receive_frame(at, frame, cx);
                }
            }
        }
    }

    /// A packet that is bridged, and that iptables sees all the same: PREROUTING, FORWARD and POSTROUTING with the bridge
    /// as device. One whose destination the rules have changed is routed (`br_nf_pre_routing_finish`).
    fn bridge_packet<O: Observer>(
        &mut self,
        (bridge, at, port): (DeviceName, usize, usize),
        (destination, source): (Mac, Mac),
        id: PacketId,
        packet: Packet,
        cx: &mut Context<'_, O>,
    ) {
        let in_device = Some(bridge);
        let hop = cx.observer.open(Arrival { time: cx.now, place: &self.name, id, in_device, packet: &packet });
        let link = Some((destination, source));
        let ports = BridgePorts { in_device: Some(self.devices[port].name), out_device: None };
        let skb = Skb { in_device: Some(at), link, bridge: Some(ports), ..Skb::new(packet, id, hop) };
        self.pass(skb, cx, |this, skb, cx| {
            let before = skb.packet.destination;
            this.hook(Hook::Prerouting, skb, None, cx)?;
            if skb.packet.destination != before {
                return this.input(skb, cx);
            }
            // `br_nf_forward_ip`. Of a frame that goes out by several ports the rules see a copy for each; here, the first.
            let known = this.stations.get(&(bridge, destination)).copied();
            let mut behind = this.devices.iter().enumerate().filter(|(place, one)| {
                one.master == Some(bridge) && one.up && known.is_none_or(|known| known == *place)
            });
            let out = behind.find(|(place, one)| *place != port || one.hairpin).map(|(_, one)| one.name);
            skb.bridge = Some(BridgePorts { out_device: out, ..ports });
            this.hook(Hook::Forward, skb, in_device, cx)?;
            // `br_nf_post_routing` passes no input device.
            skb.in_device = None;
            this.hook(Hook::Postrouting, skb, in_device, cx)?;
            cx.observer.close(skb.hop, in_device, &skb.packet, || End::Sent { to: Some(destination) });
            let payload = Payload::Ipv4(skb.id, skb.packet.clone());
            this.emit_by_ports(bridge, Some(port), &Frame { source, destination, payload }, cx);
            Ok(())
        });
    }
}
