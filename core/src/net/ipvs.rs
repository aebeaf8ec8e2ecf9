//! IPVS, the kernel's load balancer, which the model does not have: where a machine has one, it is not known what becomes of
//! what it takes (`net/netfilter/ipvs/ip_vs_core.c`).

use std::sync::Arc;

use super::skb::Skb;
use super::{Dropped, Namespace};
use crate::packet::{DeviceName, protocol};
use crate::trace::DropReason;

/// That a machine has an IPVS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipvs {
    /// The dummy device that has the addresses of its services, so that they are local.
    pub device: DeviceName,
    /// Where that is said.
    pub place: Arc<str>,
}

impl Namespace {
    /// Ahead of the filter table at OUTPUT, where it takes what is for one of its services.
    pub(super) fn ipvs_at_output(&self, skb: &Skb) -> Result<(), Dropped> {
        self.ipvs(skb, false)
    }

    /// Behind the filter table at INPUT. A service may be on an address of another device, too, as a port of the node is;
    /// what a socket here has is none.
    pub(super) fn ipvs_at_input(&self, skb: &Skb) -> Result<(), Dropped> {
        self.ipvs(skb, true)
    }

    fn ipvs(&self, skb: &Skb, everywhere: bool) -> Result<(), Dropped> {
        let Some(ipvs) = &self.ipvs else { return Ok(()) };
        let packet = &skb.packet;
        // What it knows no protocol for, such as an echo, it lets pass (`ip_vs_in_hook`).
        if !matches!(packet.protocol(), protocol::TCP | protocol::UDP | protocol::SCTP) {
            return Ok(());
        }
        let device = self.devices.place(ipvs.device).map(|place| &self.devices[place]);
        let why = if device.is_some_and(|device| device.holds(packet.destination)) {
            format!("IPVS takes what is for {}, an address of {} ({})", packet.destination, ipvs.device, ipvs.place)
        } else if everywhere && !self.sockets.has_socket_for(packet) {
            let to = packet.destination_socket();
            format!("{to} may be a service of IPVS, for there is {} ({})", ipvs.device, ipvs.place)
        } else {
            return Ok(());
        };
        let why = format!("{why}; where to, `ipvsadm-save` would say, which is not read");
        Err(Dropped(DropReason::Unknown(why.into())))
    }
}
