//! Targets that change a packet's headers: TOS, DSCP, TTL and TCPMSS.

use super::walk::{Environment, Rewritten, View};
use super::{Target, Tcpmss, TtlChange};
use crate::packet::{Body, TcpFlags, TcpOptions};

/// Does what `target` says. False: the packet is to be dropped.
pub(super) fn apply<E: Environment>(target: &Target, view: &View<'_>, environment: &mut E) -> bool {
    let before = environment.rewritten();
    let tos = before.tos.unwrap_or(view.packet.tos);
    let after = match target {
        // `tos_tg` and `dscp_tg` (xt_DSCP.c).
        Target::Tos { value, mask } => Rewritten { tos: Some((tos & !mask) ^ value), ..before },
        Target::Dscp(value) => Rewritten { tos: Some((tos & 3) | (value << 2)), ..before },
        Target::Ttl(change) => {
            let ttl = before.ttl.unwrap_or(view.packet.ttl);
            // `ttl_tg` (xt_HL.c).
            let ttl = match change {
                TtlChange::Set(value) => *value,
                TtlChange::Increase(by) => ttl.saturating_add(*by),
                TtlChange::Decrease(by) => ttl.saturating_sub(*by),
            };
            Rewritten { ttl: Some(ttl), ..before }
        }
        Target::Tcpmss(wanted) => return tcpmss(*wanted, before, view, environment),
        _ => return true,
    };
    environment.rewrite(after);
    true
}

/// `tcpmss_mangle_packet`: never raises the size. A SYN without the option would get one; the model's systems always send
/// it, and one that has none is left alone here.
fn tcpmss<E: Environment>(wanted: Tcpmss, before: Rewritten, view: &View<'_>, environment: &mut E) -> bool {
    let Body::Tcp(segment) = &view.packet.body else { return true };
    let TcpOptions::Syn { mss, .. } = segment.options else { return true };
    if !segment.flags.has(TcpFlags::SYN) {
        return true;
    }
    let wanted = match wanted {
        Tcpmss::Set(size) => size,
        // 20 bytes of IPv4 and 20 of TCP. Where less is left, the kernel drops the packet.
        Tcpmss::ClampToPmtu => match environment.path_mtu(view) {
            Some(mtu) if mtu <= 40 => return false,
            Some(mtu) => mtu - 40,
            None => return true,
        },
    };
    if wanted < before.mss.unwrap_or(mss) {
        environment.rewrite(Rewritten { mss: Some(wanted), ..before });
    }
    true
}
