use super::tcp::TcpState;
use super::window::Window;
use super::{EntryId, Jiffies, Tuple, Zone};
use crate::netfilter::Counter;
use crate::packet::DeviceName;

/// A connection: `struct nf_conn`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The tuple of the packets that began it, before any translation.
    pub original: Tuple,
    /// The tuple its answers have when they arrive here: inverted and translated.
    pub reply: Tuple,
    /// The zone it is in.
    pub zone: Zone,
    /// The bits of `ct->status` that the model uses.
    pub status: Status,
    /// State of a TCP connection.
    pub tcp: Option<TcpState>,
    /// What each side of a TCP connection has sent, and may send.
    pub window: Window,
    /// When a UDP connection may count as a stream.
    pub stream_since: Jiffies,
    /// When it will be forgotten.
    pub expires: Jiffies,
    /// The connection's mark.
    pub mark: u32,
    /// The device whose address MASQUERADE gave it: when the address goes, it goes.
    pub masquerade: Option<DeviceName>,
    /// Packets and bytes of the original direction and of the reply, where they are counted (`nf_conntrack_acct`).
    pub counters: Option<[Counter; 2]>,
    /// The next connection from the same source, once NAT knows the source (`nat_bysource`).
    pub(crate) next_by_source: Option<EntryId>,
}

impl Entry {
    /// A connection of packets of the tuple `original`, untranslated and unanswered, to be forgotten at `expires`.
    pub fn new(original: Tuple, expires: Jiffies) -> Self {
        Self {
            original,
            reply: original.inverted(),
            zone: Zone::default(),
            status: Status::default(),
            tcp: None,
            window: Window::default(),
            stream_since: Jiffies(0),
            expires,
            mark: 0,
            masquerade: None,
            counters: None,
            next_by_source: None,
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
    /// Another connection has its original tuple: only its answers find it, and for a second
    /// (`nf_ct_resolve_clash_harder`).
    pub nat_clash: bool,
}
