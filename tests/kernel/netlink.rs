//! The frame of netlink messages (RFC 3549, section 2.3): just enough to ask netfilter and to read its answers.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt, socket,
    sockopt,
};

use crate::Result;

/// `NLM_F_REQUEST` and `NLM_F_ACK`.
const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
/// The header of netfilter's messages behind netlink's own: family, version, resource.
const HEADER: usize = 4;

/// A socket to netfilter in the thread's namespace.
pub(crate) fn netfilter_socket() -> Result<OwnedFd> {
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20))?;
    Ok(socket)
}

/// Sends a request, and reads whether the kernel did what it says.
pub(crate) fn ask(socket: &OwnedFd, request: &[u8]) -> Result<()> {
    send(socket.as_raw_fd(), request, MsgFlags::empty())?;
    let mut buffer = [0; 1024];
    let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    match buffer[..length].get(16..20) {
        Some([0, 0, 0, 0]) => Ok(()),
        answer => Err(format!("netfilter refuses a request: {answer:?}").into()),
    }
}

/// A message of that type for group 0, to be acknowledged.
pub(crate) fn request(kind: u16, attributes: &[u8]) -> Vec<u8> {
    let length = (16 + HEADER + attributes.len()) as u32;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    // Sequence and port: the kernel fills in the port, and there is one request at a time.
    message.extend([0; 8 + HEADER]);
    message.extend(attributes);
    message
}

/// An attribute, padded to four bytes.
pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The messages of what was read at once: their types, and what stands behind netfilter's header.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head: [u8; 6] = bytes.get(..6)?.try_into().ok()?;
        let [a, b, c, d, e, f] = head;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let message = bytes.get(..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([e, f]), message.get(16 + HEADER..).unwrap_or_default()))
    })
}

/// The attributes of a message, or nested in another attribute.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
        let [a, b, c, d] = head;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        // The two highest bits tell of nesting and byte order.
        Some((u16::from_ne_bytes([c, d]) & 0x3fff, value))
    })
}

/// A number of 32 bits, in the order of the network; 0 where there is none.
pub(crate) fn number(value: &[u8]) -> u32 {
    value.try_into().map(u32::from_be_bytes).unwrap_or_default()
}
