//! Messages of BGP-4, as far as BIRD's sessions inside a mesh need them (RFC 4271, section 4).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Marker, length and type.
const HEADER: usize = 19;
/// The longest message, in bytes.
const LONGEST: usize = 4096;
/// Calico's default AS number, which all nodes of a mesh have.
pub(super) const AS: u16 = 64512;
/// Prefixes in one UPDATE: each takes at most nine bytes, and the whole stays below the longest message.
const PREFIXES: usize = 400;

/// A message that has come in, without what nobody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Open,
    Update,
    Notification,
    Keepalive,
}

/// What has come in is no message: the subcode of a message header error (section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) u8);

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u16;
    let mut bytes = vec![0xff; 16];
    bytes.extend(length.to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// KEEPALIVE: a header and nothing else.
pub(super) fn keepalive() -> Vec<u8> {
    message(4, &[])
}

/// NOTIFICATION, with its code and subcode.
pub(super) fn notification(code: u8, subcode: u8) -> Vec<u8> {
    message(3, &[code, subcode])
}

/// OPEN as BIRD 1.6 writes it for Calico's template (`bgp_create_open`): IPv4, route refresh, graceful restart within 120 s,
/// AS numbers of four bytes, several paths to send and to take, enhanced route refresh.
pub(super) fn open(hold_time: u16, id: Ipv4Addr) -> Vec<u8> {
    let [high, low] = AS.to_be_bytes();
    let capabilities = [
        &[1, 4, 0, 1, 0, 1][..],
        &[2, 0],
        &[64, 6, 0, 120, 0, 1, 1, 0],
        &[65, 4, 0, 0, high, low],
        &[69, 4, 0, 1, 1, 3],
        &[70, 0],
    ]
    .concat();
    let mut body = vec![4, high, low];
    body.extend(hold_time.to_be_bytes());
    body.extend(id.octets());
    body.extend([capabilities.len() as u8 + 2, 2, capabilities.len() as u8]);
    body.extend(capabilities);
    message(1, &body)
}

/// UPDATEs that announce prefixes, and the one that says that there are no more (End-of-RIB, RFC 4724). Attributes: ORIGIN
/// IGP, an empty `AS_PATH`, `NEXT_HOP`, `LOCAL_PREF` 100. Each prefix has a path identifier (RFC 7911); BIRD counts sources of
/// routes, the model counts from 1.
pub(super) fn updates(next_hop: Ipv4Addr, prefixes: &[Ipv4Net]) -> Vec<Vec<u8>> {
    let [a, b, c, d] = next_hop.octets();
    let attributes =
        [&[0x40, 1, 1, 0][..], &[0x40, 2, 0], &[0x40, 3, 4, a, b, c, d], &[0x40, 5, 4, 0, 0, 0, 100]].concat();
    let numbered: Vec<(u32, &Ipv4Net)> = (1..).zip(prefixes).collect();
    let announce = |part: &[(u32, &Ipv4Net)]| {
        let mut body = vec![0, 0];
        body.extend((attributes.len() as u16).to_be_bytes());
        body.extend(&attributes);
        for (path, prefix) in part {
            body.extend(path.to_be_bytes());
            body.push(prefix.prefix_len());
            body.extend(&prefix.network().octets()[..usize::from(prefix.prefix_len().div_ceil(8))]);
        }
        message(2, &body)
    };
    let end = message(2, &[0, 0, 0, 0]);
    numbered.chunks(PREFIXES).map(announce).chain([end]).collect()
}

/// Takes the first message off what has come in; `None` while it is not whole.
pub(super) fn take(received: &mut Vec<u8>) -> Result<Option<Message>, Malformed> {
    if received.len() < HEADER {
        return Ok(None);
    }
    if received[..16].iter().any(|byte| *byte != 0xff) {
        return Err(Malformed(1));
    }
    let length = usize::from(u16::from_be_bytes([received[16], received[17]]));
    if !(HEADER..=LONGEST).contains(&length) {
        return Err(Malformed(2));
    }
    if received.len() < length {
        return Ok(None);
    }
    let message = match received[18] {
        1 => Message::Open,
        2 => Message::Update,
        3 => Message::Notification,
        4 => Message::Keepalive,
        _ => return Err(Malformed(3)),
    };
    received.drain(..length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_where_its_messages_end() {
        let id = [10, 0, 0, 1].into();
        let prefixes = ["192.168.0.0/26".parse().unwrap(), "192.168.1.7/32".parse().unwrap()];
        let updates = updates(id, &prefixes);
        assert_eq!(updates.iter().map(Vec::len).collect::<Vec<_>>(), [19 + 4 + 21 + 9 + 9, 23]);
        assert_eq!((keepalive().len(), open(240, id).len()), (19, 61));
        let mut stream = [open(240, id), keepalive(), updates.concat(), notification(4, 0)].concat();
        let last = stream.pop().unwrap();
        for expected in [Message::Open, Message::Keepalive, Message::Update, Message::Update] {
            assert_eq!(take(&mut stream), Ok(Some(expected)));
        }
        assert_eq!(take(&mut stream), Ok(None));
        stream.push(last);
        assert_eq!(take(&mut stream), Ok(Some(Message::Notification)));
        assert!(stream.is_empty());
    }

    #[test]
    fn what_is_no_message_is_told() {
        for (at, byte, subcode) in [(0, 0, 1), (17, 18, 2), (16, 0x20, 2), (18, 9, 3)] {
            let mut stream = keepalive();
            stream[at] = byte;
            assert_eq!(take(&mut stream), Err(Malformed(subcode)));
        }
    }
}
