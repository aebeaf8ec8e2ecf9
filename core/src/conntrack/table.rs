//! The table of connections: `nf_conntrack_in`, `nf_conntrack_confirm` and the protocols' own rules.

use rustc_hash::FxHashMap;

use super::tcp::{Next, Segment, TcpState, next};
use super::{Entry, Jiffies, Layer4, Timeouts, Tuple};
use crate::netfilter::CtState;
use crate::packet::{Body, Icmp, Packet, Tcp};

/// A connection of a [`Table`], as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u32);

/// Which way a packet goes in its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As the packet that began it.
    Original,
    /// The other way.
    Reply,
}

impl Direction {
    /// The other one.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// What connection tracking attaches to a packet: `skb->_nfct` and `ctinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The connection.
    pub entry: EntryId,
    /// The packet's direction in it.
    pub direction: Direction,
    /// The packet's state.
    pub state: CtState,
}

/// The connections that a network namespace knows.
///
/// ```
/// use netscene_core::conntrack::{Jiffies, Table, Timeouts};
/// use netscene_core::netfilter::CtState;
/// use netscene_core::packet::{Packet, Udp};
/// let mut table = Table::new(Timeouts::default(), true);
/// let query = Packet::new([192, 168, 8, 222].into(), [10, 96, 0, 10].into(), Udp::new(39764, 53, vec![0; 56]));
/// let tracked = table.track(&query, Jiffies(0)).expect("a datagram can begin a connection");
/// assert_eq!(tracked.state, CtState::New);
/// table.confirm(tracked);
/// assert_eq!(table.entries(Jiffies(0)).count(), 1);
/// assert_eq!(table.entries(Jiffies(0).plus_seconds(30)).count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_tuple: FxHashMap<Tuple, (EntryId, Direction)>,
    /// How long connections are kept.
    pub timeouts: Timeouts,
    /// Whether a UDP stream counts as one only two seconds after its first packet: kernels from 5.0 (d535c8a69c19).
    slow_streams: bool,
}

impl Table {
    /// An empty table. `slow_streams`: see the field of a kernel from 5.0.
    pub fn new(timeouts: Timeouts, slow_streams: bool) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_tuple: FxHashMap::default(), timeouts, slow_streams }
    }

    /// The connection behind an id.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    /// Gives a connection another mark.
    pub fn set_mark(&mut self, id: EntryId, mark: u32) {
        if let Some(entry) = self.get_mut(id) {
            entry.mark = mark;
        }
    }

    pub(super) fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    /// The confirmed connections that have not expired, in order of their slots.
    pub fn entries(&self, now: Jiffies) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten().filter(move |entry| entry.status.confirmed && entry.expires > now)
    }

    /// The live connection that `tuple` belongs to, and in which direction.
    pub fn find(&self, tuple: &Tuple, now: Jiffies) -> Option<(EntryId, Direction)> {
        let (id, direction) = *self.by_tuple.get(tuple)?;
        self.get(id).filter(|entry| entry.expires > now).map(|_| (id, direction))
    }

    /// Looks a packet up, makes an unconfirmed connection for one that can begin one, and lets the protocol's own rules
    /// decide. `None`: the packet is INVALID.
    pub fn track(&mut self, packet: &Packet, now: Jiffies) -> Option<Tracked> {
        let Some(tuple) = Tuple::of(packet) else { return self.track_error(packet, now) };
        let found = self.by_tuple.get(&tuple).copied();
        let (entry, direction) = match found {
            Some((id, _)) if self.get(id).is_none_or(|entry| entry.expires <= now) => {
                self.remove(id);
                (self.begin(tuple, packet, now)?, Direction::Original)
            }
            Some(found) => found,
            None => (self.begin(tuple, packet, now)?, Direction::Original),
        };
        let state = match direction {
            Direction::Reply => CtState::Established,
            Direction::Original if self.get(entry)?.status.seen_reply => CtState::Established,
            Direction::Original => CtState::New,
        };
        let tracked = Tracked { entry, direction, state };
        match &packet.body {
            Body::Tcp(segment) => match self.track_tcp(tracked, segment, now) {
                TcpOutcome::Valid => {}
                TcpOutcome::Invalid => return None,
                TcpOutcome::Reopened => {
                    self.remove(entry);
                    return self.track(packet, now);
                }
            },
            Body::Udp(_) => self.track_udp(tracked, now),
            _ => {
                let timeout = self.timeouts.other(tuple.protocol);
                self.refresh(entry, now, timeout);
            }
        }
        if direction == Direction::Reply
            && let Some(entry) = self.get_mut(entry)
        {
            entry.status.seen_reply = true;
        }
        Some(tracked)
    }

    /// An ICMP error belongs to the connection of the packet it is about, and goes the way of its answers
    /// (`nf_conntrack_inet_error`).
    fn track_error(&self, packet: &Packet, now: Jiffies) -> Option<Tracked> {
        let Body::Icmp(message) = &packet.body else { return None };
        let about = Tuple::of(message.about()?)?;
        let (entry, direction) = self.find(&about.inverted(), now)?;
        Some(Tracked { entry, direction, state: CtState::Related })
    }

    fn begin(&mut self, tuple: Tuple, packet: &Packet, now: Jiffies) -> Option<EntryId> {
        // Only a query can begin a connection, not an answer (`icmp_new`).
        if matches!(packet.body, Body::Icmp(Icmp::EchoReply { .. })) {
            return None;
        }
        let tcp = packet.tcp().map(|segment| next(false, Segment::from(segment.flags), TcpState::None));
        if matches!(tcp, Some(Next::Invalid | Next::Ignore)) {
            return None;
        }
        let expires = now.plus_seconds(self.timeouts.other(tuple.protocol).into());
        let tcp = tcp.map(|_| TcpState::None);
        let entry = Entry { tcp, stream_since: now.plus_seconds(2), ..Entry::new(tuple, expires) };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize] = Some(entry);
        Some(EntryId(slot))
    }

    fn refresh(&mut self, id: EntryId, now: Jiffies, seconds: u32) {
        if let Some(entry) = self.get_mut(id) {
            entry.expires = now.plus_seconds(seconds.into());
        }
    }

    fn track_udp(&mut self, tracked: Tracked, now: Jiffies) {
        let (timeouts, slow) = (self.timeouts, self.slow_streams);
        let Some(entry) = self.get_mut(tracked.entry) else { return };
        // `nf_conntrack_udp_packet`; the bit is still that of the packets before this one.
        let stream = entry.status.seen_reply && (!slow || entry.status.assured || now > entry.stream_since);
        let seconds = if stream { timeouts.udp_stream } else { timeouts.udp };
        entry.status.assured |= stream;
        entry.expires = now.plus_seconds(seconds.into());
    }

    fn track_tcp(&mut self, tracked: Tracked, segment: &Tcp, now: Jiffies) -> TcpOutcome {
        let timeouts = self.timeouts;
        let Some(entry) = self.get_mut(tracked.entry) else { return TcpOutcome::Invalid };
        let old = entry.tcp.unwrap_or(TcpState::None);
        let kind = Segment::from(segment.flags);
        let reply = tracked.direction == Direction::Reply;
        let new = match next(reply, kind, old) {
            Next::Invalid => return TcpOutcome::Invalid,
            Next::Ignore => return TcpOutcome::Valid,
            Next::State(TcpState::SynSent) if matches!(old, TcpState::TimeWait | TcpState::Close) => {
                return TcpOutcome::Reopened;
            }
            Next::State(new) => new,
        };
        entry.note_data(tracked.direction, segment);
        entry.tcp = Some(new);
        let mut seconds = timeouts.tcp(new);
        if kind == Segment::Rst {
            seconds = timeouts.close;
        } else if entry.streams.iter().any(|stream| stream.unacknowledged) {
            seconds = seconds.min(timeouts.unacknowledged);
        }
        if !entry.status.seen_reply {
            if kind == Segment::Rst && entry.status.confirmed {
                // The answer to a SYN that nobody listened to: the entry goes at once (`nf_ct_kill_acct`).
                entry.expires = now;
                return TcpOutcome::Valid;
            }
            if new == TcpState::Established {
                seconds = seconds.min(timeouts.unacknowledged);
            }
        } else if matches!(old, TcpState::SynRecv | TcpState::Established) && new == TcpState::Established {
            entry.status.assured = true;
        }
        entry.expires = now.plus_seconds(seconds.into());
        TcpOutcome::Valid
    }

    /// Puts an unconfirmed connection into the table: its first packet has got through. False: another connection has
    /// taken one of its tuples meanwhile, and the packet is to be dropped (`nf_conntrack_confirm`).
    pub fn confirm(&mut self, tracked: Tracked) -> bool {
        let Some(entry) = self.get_mut(tracked.entry) else { return false };
        if entry.status.confirmed {
            return true;
        }
        entry.status.confirmed = true;
        let (original, reply) = (entry.original, entry.reply);
        if self.by_tuple.contains_key(&original) || self.by_tuple.contains_key(&reply) {
            self.drop_unconfirmed(tracked.entry);
            return false;
        }
        self.by_tuple.insert(original, (tracked.entry, Direction::Original));
        self.by_tuple.insert(reply, (tracked.entry, Direction::Reply));
        true
    }

    /// Forgets a connection whose first packet did not get through.
    pub fn abandon(&mut self, tracked: Tracked) {
        if self.get(tracked.entry).is_some_and(|entry| !entry.status.confirmed) {
            self.drop_unconfirmed(tracked.entry);
        }
    }

    fn drop_unconfirmed(&mut self, id: EntryId) {
        self.slots[id.0 as usize] = None;
        self.free.push(id.0);
    }

    fn remove(&mut self, id: EntryId) {
        if let Some(entry) = self.slots.get_mut(id.0 as usize).and_then(Option::take) {
            for tuple in [entry.original, entry.reply] {
                if self.by_tuple.get(&tuple).is_some_and(|(owner, _)| *owner == id) {
                    self.by_tuple.remove(&tuple);
                }
            }
            self.free.push(id.0);
        }
    }

    /// Removes the live connections that `condition` picks, as `conntrack -D` does.
    pub fn remove_where(&mut self, mut condition: impl FnMut(&Entry) -> bool) {
        for slot in 0..self.slots.len() as u32 {
            let id = EntryId(slot);
            if self.get(id).is_some_and(|entry| entry.status.confirmed && condition(entry)) {
                self.remove(id);
            }
        }
    }

    /// Whether a connection other than `own` expects packets of this tuple.
    pub(super) fn is_taken(&self, tuple: &Tuple, own: EntryId, now: Jiffies) -> bool {
        self.find(tuple, now).is_some_and(|(id, _)| id != own)
    }
}

enum TcpOutcome {
    Valid,
    Invalid,
    Reopened,
}

impl Entry {
    /// Notes what the sender has sent and what it acknowledges: enough of `tcp_in_window` to tell whether data is
    /// outstanding. The window itself is not judged.
    fn note_data(&mut self, direction: Direction, segment: &Tcp) {
        let occupies = segment.payload.len() as u32
            + u32::from(segment.flags.has(crate::packet::TcpFlags::SYN))
            + u32::from(segment.flags.has(crate::packet::TcpFlags::FIN));
        let end = segment.seq.wrapping_add(occupies);
        let [sender, receiver] = match direction {
            Direction::Original => [0, 1],
            Direction::Reply => [1, 0],
        };
        if segment.flags.has(crate::packet::TcpFlags::ACK) && segment.ack == self.streams[receiver].end {
            self.streams[receiver].unacknowledged = false;
        }
        let stream = &mut self.streams[sender];
        if occupies > 0 && end.wrapping_sub(stream.end).cast_signed() > 0 || stream.end == 0 {
            stream.end = end;
            stream.unacknowledged = occupies > 0;
        }
    }

    /// The tuple of the packets that go in `direction`, as they arrive here.
    pub fn tuple(&self, direction: Direction) -> &Tuple {
        match direction {
            Direction::Original => &self.original,
            Direction::Reply => &self.reply,
        }
    }

    /// Whether the generic tracker follows it.
    pub fn is_generic(&self) -> bool {
        self.original.layer4 == Layer4::None
    }
}
