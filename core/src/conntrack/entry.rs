use super::tcp::TcpState;
use super::{Jiffies, Tuple};

/// A connection: `struct nf_conn`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The tuple of the packets that began it, before any translation.
    pub original: Tuple,
    /// The tuple its answers have when they arrive here: inverted and translated.
    pub reply: Tuple,
    /// The bits of `ct->status` that the model uses.
    pub status: Status,
    /// State of a TCP connection.
    pub tcp: Option<TcpState>,
    /// What each side of a TCP connection has sent: the original direction, then the reply.
    pub streams: [Stream; 2],
    /// When a UDP connection may count as a stream.
    pub stream_since: Jiffies,
    /// When it will be forgotten.
    pub expires: Jiffies,
    /// The connection's mark.
    pub mark: u32,
}

impl Entry {
    /// A connection of packets of the tuple `original`, untranslated and unanswered, to be forgotten at `expires`.
    pub fn new(original: Tuple, expires: Jiffies) -> Self {
        Self {
            original,
            reply: original.inverted(),
            status: Status::default(),
            tcp: None,
            streams: Default::default(),
            stream_since: Jiffies(0),
            expires,
            mark: 0,
        }
    }
}

/// The bits of `ct->status` (`enum ip_conntrack_status`) that the model uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the kernel's bits, by name")]
pub struct Status {
    /// A packet of the reply direction has been seen.
    pub seen_reply: bool,
    /// It will not be dropped early: both sides mean it.
    pub assured: bool,
    /// It is in the table: its first packet has got through.
    pub confirmed: bool,
    /// The source is translated.
    pub src_nat: bool,
    /// The destination is translated.
    pub dst_nat: bool,
    /// The rules have been asked about the source.
    pub src_nat_done: bool,
    /// The rules have been asked about the destination.
    pub dst_nat_done: bool,
}

/// What one side of a TCP connection has sent: `struct ip_ct_tcp_state`, as far as timeouts depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The sequence number after the last byte sent.
    pub end: u32,
    /// Something sent has not been acknowledged.
    pub unacknowledged: bool,
}
