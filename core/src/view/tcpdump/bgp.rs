//! Messages of BGP as tcpdump prints them (`print-bgp.c`, RFC 4271).

use std::fmt::{self, Write};
use std::net::Ipv4Addr;

/// Marker, length and type.
const HEADER: usize = 19;

/// `: BGP`, and with `-v` a line for each message.
pub(super) fn messages(out: &mut String, bytes: &[u8], verbose: bool) -> fmt::Result {
    out.push_str(": BGP");
    if !verbose {
        return Ok(());
    }
    let mut rest = bytes;
    while rest.len() >= HEADER {
        let length = usize::from(u16::from_be_bytes([rest[16], rest[17]]));
        // What is no message, or is cut off, is not read.
        if rest[..16].iter().any(|byte| *byte != 0xff) || length < HEADER || length > rest.len() {
            return Ok(());
        }
        let (message, others) = rest.split_at(length);
        let (kind, body) = (message[18], &message[HEADER..]);
        let name = match kind {
            1 => "Open",
            2 => "Update",
            3 => "Notification",
            4 => "Keepalive",
            5 => "Route Refresh",
            _ => "Unknown",
        };
        write!(out, "\n\t{name} Message ({kind}), length: {length}")?;
        match (kind, body) {
            (1, [version, high, low, hold_high, hold_low, a, b, c, d, optional, ..]) => {
                let number = u16::from_be_bytes([*high, *low]);
                let hold = u16::from_be_bytes([*hold_high, *hold_low]);
                let id = Ipv4Addr::new(*a, *b, *c, *d);
                write!(out, "\n\t  Version {version}, my AS {number}, Holdtime {hold}s, ID {id}")?;
                write!(out, "\n\t  Optional parameters, length: {optional}")?;
            }
            (2, [0, 0, 0, 0]) => out.push_str("\n\t  End-of-Rib Marker (empty NLRI)"),
            (3, [code, subcode, ..]) => notification(out, *code, *subcode)?,
            _ => {}
        }
        rest = others;
    }
    Ok(())
}

/// `, Hold Timer Expired (4)`.
fn notification(out: &mut String, code: u8, subcode: u8) -> fmt::Result {
    let name = match code {
        1 => "Message Header Error",
        2 => "OPEN Message Error",
        3 => "UPDATE Message Error",
        4 => "Hold Timer Expired",
        5 => "Finite State Machine Error",
        6 => "Cease",
        _ => "Unknown Error",
    };
    write!(out, ", {name} ({code})")?;
    let about = match (code, subcode) {
        (1, 1) => ", subcode Connection Not Synchronized",
        (1, 2) => ", subcode Bad Message Length",
        (1, 3) => ", subcode Bad Message Type",
        (5, 0) => " subcode Unspecified Error",
        (5, 1) => " subcode In OpenSent State",
        (5, 2) => " subcode In OpenConfirm State",
        (5, 3) => " subcode In Established State",
        (6, 3) => ", subcode Peer Unconfigured",
        (1 | 2 | 3 | 6, _) => ", subcode Unknown",
        (5, _) => " subcode Unknown",
        _ => return Ok(()),
    };
    write!(out, "{about} ({subcode})")
}
