//! The table of connections: `nf_conntrack_in` and the protocols' own rules.

use rustc_hash::FxHashMap;

use super::nat::SourceKey;
use super::segment::{Outcome, begin, flags_make_sense};
use super::zone::Key;
use super::{Entry, Jiffies, KernelRules, Layer4, Settings, Stats, Timeouts, Tuple, Zone};
use crate::netfilter::{Counter, CtState};
use crate::packet::{Body, DeviceName, Icmp, Packet};

/// A connection of a [`Table`], as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub(super) u32);

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

/// What connection tracking makes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// It belongs to a connection.
    Seen(Tracked),
    /// It belongs to none: INVALID.
    Invalid,
    /// It would begin one, and the table is full: the packet is dropped.
    Full,
}

impl Tracking {
    /// The connection, if there is one.
    pub const fn tracked(self) -> Option<Tracked> {
        match self {
            Self::Seen(tracked) => Some(tracked),
            Self::Invalid | Self::Full => None,
        }
    }
}

/// How a packet comes to be tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// The zone, which the raw table's `CT` target may have set.
    pub zone: Zone,
    /// It has come from outside: at PREROUTING checksums are looked at, at OUTPUT they are not.
    pub arriving: bool,
}

impl Default for Template {
    fn default() -> Self {
        Self { zone: Zone::default(), arriving: true }
    }
}

/// The connections that a network namespace knows.
///
/// ```
/// use netscene_core::conntrack::{Jiffies, Table, Timeouts};
/// use netscene_core::netfilter::CtState;
/// use netscene_core::packet::{Packet, Udp};
/// let mut table = Table::new(Timeouts::default(), true);
/// let query = Packet::new([192, 168, 8, 222].into(), [10, 96, 0, 10].into(), Udp::new(39764, 53, vec![0; 56]));
/// let tracked = table.track(&query, Jiffies(0)).tracked().expect("a datagram can begin a connection");
/// assert_eq!(tracked.state, CtState::New);
/// table.confirm(tracked, Jiffies(0));
/// assert_eq!(table.entries(Jiffies(0)).count(), 1);
/// assert_eq!(table.entries(Jiffies(0).plus_seconds(30)).count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_tuple: FxHashMap<Key, (EntryId, Direction)>,
    /// The latest connection from each source that NAT has looked at.
    pub(super) by_source: FxHashMap<SourceKey, EntryId>,
    /// What the sysctls say.
    pub settings: Settings,
    /// What its kernel does in its own way.
    pub kernel: KernelRules,
    /// What has happened so far.
    pub stats: Stats,
}

impl Table {
    /// An empty table of a kernel of today, or where streams are not `slow_streams` of one before 5.0.
    pub fn new(timeouts: Timeouts, slow_streams: bool) -> Self {
        let kernel = KernelRules::of(if slow_streams { (6, 12) } else { (4, 19) });
        Self::with(Settings { timeouts, ..Settings::default() }, kernel)
    }

    /// An empty table.
    pub fn with(settings: Settings, kernel: KernelRules) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_tuple: FxHashMap::default(),
            by_source: FxHashMap::default(),
            settings,
            kernel,
            stats: Stats::default(),
        }
    }

    /// The connection behind an id.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    /// The confirmed connections that have not expired, in order of their slots. One that hides behind another's
    /// original tuple is not among them.
    pub fn entries(&self, now: Jiffies) -> impl Iterator<Item = &Entry> {
        self.confirmed().map(|(_, entry)| entry).filter(move |entry| entry.expires > now && !entry.status.nat_clash)
    }

    pub(super) fn confirmed(&self) -> impl Iterator<Item = (EntryId, &Entry)> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter_map(|(slot, entry)| Some((EntryId(slot as u32), entry.as_ref()?)))
            .filter(|(_, entry)| entry.status.confirmed)
    }

    /// How many connections there are, confirmed or not (`nf_conntrack_count`).
    pub fn used(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The live connection that `tuple` belongs to in the default zone, and in which direction.
    pub fn find(&self, tuple: &Tuple, now: Jiffies) -> Option<(EntryId, Direction)> {
        self.look_up(tuple, Zone::default()).filter(|(id, _)| self.get(*id).is_some_and(|entry| entry.expires > now))
    }

    pub(super) fn at(&self, key: &Key) -> Option<(EntryId, Direction)> {
        self.by_tuple.get(key).copied()
    }

    pub(super) fn insert(&mut self, key: Key, id: EntryId, direction: Direction) {
        self.by_tuple.insert(key, (id, direction));
    }

    /// Finds a tuple by the number that its zone has in one direction, or else in the other (`resolve_normal_ct`).
    fn look_up(&self, tuple: &Tuple, zone: Zone) -> Option<(EntryId, Direction)> {
        let (first, second) = (zone.of(Direction::Original), zone.of(Direction::Reply));
        let fits = |found: &(EntryId, Direction), number| zone.of(found.1) == number;
        let by = |number| self.at(&Key { tuple: *tuple, zone: number }).filter(|found| fits(found, number));
        by(first).or_else(|| if first == second { None } else { by(second) })
    }

    /// Looks a packet up that comes in from outside, in the default zone.
    pub fn track(&mut self, packet: &Packet, now: Jiffies) -> Tracking {
        self.track_as(packet, Template::default(), now)
    }

    /// Looks a packet up, makes an unconfirmed connection for one that can begin one, and lets the protocol's own rules
    /// decide (`nf_conntrack_in`).
    pub fn track_as(&mut self, packet: &Packet, template: Template, now: Jiffies) -> Tracking {
        let tracking = self.judge(packet, template, now);
        if tracking == Tracking::Invalid {
            self.stats.invalid += 1;
        }
        tracking
    }

    fn judge(&mut self, packet: &Packet, template: Template, now: Jiffies) -> Tracking {
        if packet.bad_checksum && template.arriving && self.settings.checksum {
            self.stats.error += 1;
            return Tracking::Invalid;
        }
        if packet.tcp().is_some_and(|segment| !flags_make_sense(segment.flags)) {
            return Tracking::Invalid;
        }
        let Some(tuple) = Tuple::of(packet) else { return self.track_error(packet, template.zone, now) };
        let found = match self.look_up(&tuple, template.zone) {
            Some((id, _)) if self.get(id).is_none_or(|entry| entry.expires <= now) => {
                self.remove(id);
                None
            }
            found => found,
        };
        let (entry, direction) = match found {
            Some(found) => found,
            None => match self.begin(tuple, packet, template.zone, now) {
                Ok(entry) => (entry, Direction::Original),
                Err(why) => return why,
            },
        };
        let Some(connection) = self.slots[entry.0 as usize].as_mut() else { return Tracking::Invalid };
        let state = match direction {
            Direction::Original if !connection.status.seen_reply => CtState::New,
            _ => CtState::Established,
        };
        let tracked = Tracked { entry, direction, state };
        match &packet.body {
            Body::Tcp(segment) => {
                match connection.take_segment(direction, segment, now, &self.settings, self.kernel) {
                    Outcome::Valid => {}
                    Outcome::Invalid => {
                        self.abandon(tracked);
                        return Tracking::Invalid;
                    }
                    Outcome::Reopened => {
                        self.remove(entry);
                        return self.judge(packet, template, now);
                    }
                    // The packet keeps the connection; nobody else will find it (`nf_ct_kill_acct`).
                    Outcome::Killed => connection.expires = now,
                }
            }
            Body::Udp(_) => connection.take_datagram(now, &self.settings.timeouts, self.kernel.slow_streams),
            _ => connection.expires = now.plus_seconds(self.settings.timeouts.other(tuple.protocol).into()),
        }
        connection.status.seen_reply |= direction == Direction::Reply;
        if let Some(counters) = &mut connection.counters {
            counters[super::window::index(direction)].add(packet.length());
        }
        Tracking::Seen(tracked)
    }

    /// An ICMP error belongs to the connection of the packet it is about, goes the way of its answers, and must be for
    /// whom those are for (`nf_conntrack_inet_error`).
    fn track_error(&mut self, packet: &Packet, zone: Zone, now: Jiffies) -> Tracking {
        let related = || {
            let Body::Icmp(message) = &packet.body else { return None };
            let about = Tuple::of(message.about()?)?;
            let (entry, direction) = self.look_up(&about.inverted(), zone)?;
            let connection = self.get(entry).filter(|connection| connection.expires > now)?;
            let fits = connection.tuple(direction).destination == packet.destination;
            fits.then_some(Tracked { entry, direction, state: CtState::Related })
        };
        if let Some(tracked) = related() {
            return Tracking::Seen(tracked);
        }
        self.stats.error += 1;
        Tracking::Invalid
    }

    fn begin(&mut self, tuple: Tuple, packet: &Packet, zone: Zone, now: Jiffies) -> Result<EntryId, Tracking> {
        // Only a query can begin a connection, not an answer (`nf_conntrack_icmp_packet`).
        if matches!(packet.body, Body::Icmp(Icmp::EchoReply { .. })) {
            return Err(Tracking::Invalid);
        }
        if !self.make_room(&tuple, now) {
            return Err(Tracking::Full);
        }
        let expires = now.plus_seconds(self.settings.timeouts.other(tuple.protocol).into());
        let counters = self.settings.acct.then(<[Counter; 2]>::default);
        let mut entry = Entry { zone, counters, stream_since: now.plus_seconds(2), ..Entry::new(tuple, expires) };
        if let Some(segment) = packet.tcp()
            && !begin(&mut entry, segment, &self.settings)
        {
            return Err(Tracking::Invalid);
        }
        Ok(self.keep(entry))
    }

    fn keep(&mut self, entry: Entry) -> EntryId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize] = Some(entry);
        EntryId(slot)
    }

    /// Adds a connection that is known from elsewhere, such as one that `conntrack -L` printed. False: one of its
    /// tuples is taken.
    pub fn add(&mut self, mut entry: Entry) -> bool {
        let original = Key { tuple: entry.original, zone: entry.zone.of(Direction::Original) };
        let reply = Key { tuple: entry.reply, zone: entry.zone.of(Direction::Reply) };
        if self.at(&original).is_some() || self.at(&reply).is_some() {
            return false;
        }
        entry.status.confirmed = true;
        let id = self.keep(entry);
        self.insert(original, id, Direction::Original);
        self.insert(reply, id, Direction::Reply);
        self.note_source(id);
        true
    }

    /// Sets a connection's mark (`CONNMARK`).
    pub fn set_mark(&mut self, id: EntryId, mark: u32) {
        if let Some(entry) = self.get_mut(id) {
            entry.mark = mark;
        }
    }

    /// Forgets a connection whose first packet did not get through. An error about that packet is not it.
    pub fn abandon(&mut self, tracked: Tracked) {
        let first = tracked.state == CtState::New;
        if first && self.get(tracked.entry).is_some_and(|entry| !entry.status.confirmed) {
            self.forget_unconfirmed(tracked.entry);
        }
    }

    pub(super) fn forget_unconfirmed(&mut self, id: EntryId) {
        if let Some(entry) = self.slots.get_mut(id.0 as usize).and_then(Option::take) {
            self.forget_source(id, &entry);
            self.free.push(id.0);
        }
    }

    /// Ends a connection (`nf_ct_kill`).
    pub(super) fn remove(&mut self, id: EntryId) {
        if let Some(entry) = self.slots.get_mut(id.0 as usize).and_then(Option::take) {
            for direction in [Direction::Original, Direction::Reply] {
                let key = Key { tuple: *entry.tuple(direction), zone: entry.zone.of(direction) };
                if self.at(&key).is_some_and(|(owner, _)| owner == id) {
                    self.by_tuple.remove(&key);
                }
            }
            self.forget_source(id, &entry);
            self.free.push(id.0);
        }
    }

    /// Ends a confirmed connection of which a packet is still under way.
    pub fn kill(&mut self, id: EntryId) {
        if self.get(id).is_some_and(|entry| entry.status.confirmed) {
            self.remove(id);
        }
    }

    /// Removes the confirmed connections that `condition` picks, as `conntrack -D` does.
    pub fn remove_where(&mut self, mut condition: impl FnMut(&Entry) -> bool) {
        for slot in 0..self.slots.len() as u32 {
            let id = EntryId(slot);
            if self.get(id).is_some_and(|entry| entry.status.confirmed && condition(entry)) {
                self.remove(id);
            }
        }
    }

    /// Notes the device whose address MASQUERADE gave to a connection.
    pub fn set_masquerade(&mut self, id: EntryId, device: DeviceName) {
        if let Some(entry) = self.get_mut(id) {
            entry.masquerade = Some(device);
        }
    }

    /// A device has gone down, or lost `address`: what MASQUERADE bound to it goes too (`masq_device_event`,
    /// `masq_inet_event`).
    pub fn flush_masquerade(&mut self, device: DeviceName, address: Option<std::net::Ipv4Addr>) {
        self.remove_where(|entry| {
            entry.masquerade == Some(device) && address.is_none_or(|address| entry.reply.destination == address)
        });
    }
}

impl Entry {
    /// `nf_conntrack_udp_packet`; the bit of the reply is still that of the packets before this one.
    fn take_datagram(&mut self, now: Jiffies, timeouts: &Timeouts, slow: bool) {
        if self.status.nat_clash {
            // Its timeout is fixed.
            return;
        }
        let old_enough = !slow || self.status.assured || now > self.stream_since;
        let stream = self.status.seen_reply && old_enough;
        self.status.assured |= stream;
        let seconds = if stream { timeouts.udp_stream } else { timeouts.udp };
        self.expires = now.plus_seconds(seconds.into());
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
