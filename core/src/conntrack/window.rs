//! Which segments fit into the windows that both sides have announced: `tcp_in_window` of `nf_conntrack_proto_tcp.c`,
//! after Guido van Rooij's "Real Stateful TCP Packet Filtering in IP Filter".

use super::tcp::{Segment, TcpState};
use super::{Direction, Settings};
use crate::packet::{Tcp, TcpFlags};

/// What one side of a TCP connection has sent and may send: `struct ip_ct_tcp_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the kernel's bits, by name")]
pub struct Stream {
    /// The sequence number after the last byte sent (`td_end`).
    pub end: u32,
    /// The highest that the other side has allowed (`td_maxend`).
    pub max_end: u32,
    /// The largest window this side has announced (`td_maxwin`); 0 before it has sent anything.
    pub max_window: u32,
    /// The highest byte this side has acknowledged (`td_maxack`).
    pub max_ack: Option<u32>,
    /// The shift of the windows it announces.
    pub scale: u8,
    /// It offered window scaling.
    pub scales: bool,
    /// It is not judged: its history is not known.
    pub liberal: bool,
    /// It sent the first FIN.
    pub close_init: bool,
    /// Something it sent has not been acknowledged.
    pub unacknowledged: bool,
}

/// Both sides, and the last segment: `struct ip_ct_tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The original direction, then the reply.
    pub seen: [Stream; 2],
    /// How often the last acknowledgement has been repeated.
    pub retransmissions: u8,
    /// Kind of the last segment; none before the first.
    pub(super) last: Segment,
    pub(super) last_direction: Direction,
    pub(super) last_seq: u32,
    pub(super) last_ack: u32,
    pub(super) last_end: u32,
    pub(super) last_win: u32,
    /// Options of a SYN that was let through unjudged.
    pub(super) last_scale: Option<u8>,
    /// That SYN met `LAST_ACK`: the answer may be a challenge (`IP_CT_EXP_CHALLENGE_ACK`).
    pub(super) challenge: bool,
    /// Both sides have sent a SYN (`IP_CT_TCP_SIMULTANEOUS_OPEN`).
    pub(super) simultaneous: bool,
    /// The connection was read from a dump, which does not say what has been sent: data is taken to be new.
    pub(super) dumped: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            seen: Default::default(),
            retransmissions: 0,
            last: Segment::None,
            last_direction: Direction::Original,
            last_seq: 0,
            last_ack: 0,
            last_end: 0,
            // `memset` and all: a window of 0, which the time-out of `tcp_packet` looks at only after the first ACK.
            last_win: 0,
            last_scale: None,
            challenge: false,
            simultaneous: false,
            dumped: false,
        }
    }
}

/// What the windows say of a segment: `enum nf_ct_tcp_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It fits.
    Accept,
    /// It does not, but harmlessly: it passes and changes nothing (from 6.2; INVALID before).
    Ignore,
    /// It cannot belong to the connection.
    Invalid,
}

/// `a` comes after `b` on the circle of sequence numbers.
pub(super) const fn after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a).cast_signed() < 0
}

/// `a` comes before `b` on the circle of sequence numbers.
pub(super) const fn before(a: u32, b: u32) -> bool {
    after(b, a)
}

/// The sequence number after a segment (`segment_seq_plus_len`).
pub(super) fn end_of(segment: &Tcp) -> u32 {
    let control = u32::from(segment.flags.has(TcpFlags::SYN)) + u32::from(segment.flags.has(TcpFlags::FIN));
    segment.seq.wrapping_add(segment.payload.len() as u32).wrapping_add(control)
}

pub(super) const fn index(direction: Direction) -> usize {
    match direction {
        Direction::Original => 0,
        Direction::Reply => 1,
    }
}

/// `MAXACKWINDOW`: acknowledgements may be this far behind.
fn max_ack_window(sender: &Stream) -> u32 {
    sender.max_window.max(66_000)
}

impl Stream {
    /// Takes the options of a SYN (`tcp_options`); a shift above 14 counts as 14 (RFC 7323, 2.3).
    fn take_options(&mut self, segment: &Tcp) {
        let scale = segment.options.window_scale();
        self.scales = scale.is_some();
        self.scale = scale.unwrap_or(0).min(14);
    }
}

impl Window {
    /// The windows after a connection's first packet (`tcp_new`), which is not a SYN where `picked_up`.
    pub(super) fn begin(segment: &Tcp, picked_up: bool) -> Self {
        let window = u32::from(segment.window).max(1);
        let end = end_of(segment);
        let mut new = Self::default();
        let [original, reply] = &mut new.seen;
        (original.end, original.max_end, original.max_window) = (end, end, window);
        if picked_up {
            original.max_end = end.wrapping_add(window);
            (original.liberal, reply.liberal) = (true, true);
        } else {
            original.take_options(segment);
        }
        new
    }

    /// `tcp_init_sender`.
    fn init_sender(&mut self, direction: Direction, segment: &Tcp) {
        let scales = self.seen[index(direction.flipped())].scales;
        let sender = &mut self.seen[index(direction)];
        let end = end_of(segment);
        (sender.end, sender.max_end, sender.max_window) = (end, end, u32::from(segment.window).max(1));
        sender.take_options(segment);
        // Both sides must offer window scaling (RFC 7323, 1.3).
        if direction == Direction::Reply && !(sender.scales && scales) {
            self.seen[0].scale = 0;
            self.seen[1].scale = 0;
        }
    }

    /// `tcp_in_window`.
    #[expect(clippy::too_many_lines, reason = "it is the kernel's function, in the kernel's order")]
    pub(super) fn judge(
        &mut self,
        state: TcpState,
        direction: Direction,
        segment: &Tcp,
        settings: &Settings,
        ignores: bool,
    ) -> Fit {
        let flags = segment.flags;
        let (syn, rst, has_ack) = (flags.has(TcpFlags::SYN), flags.has(TcpFlags::RST), flags.has(TcpFlags::ACK));
        let (mut seq, mut ack, mut end) = (segment.seq, segment.ack, end_of(segment));
        let mut window = u32::from(segment.window);
        let [from, to] = [index(direction), index(direction.flipped())];
        if self.seen[from].max_window == 0 {
            if syn {
                self.init_sender(direction, segment);
                if !has_ack {
                    // Simultaneous open.
                    return Fit::Accept;
                }
            } else {
                // In the middle of a connection whose history is not known.
                let shifted = (window << self.seen[from].scale).max(1);
                let sender = &mut self.seen[from];
                (sender.end, sender.max_window, sender.max_end) = (end, shifted, end.wrapping_add(shifted));
                if self.dumped {
                    sender.end = seq;
                }
                let receiver = &mut self.seen[to];
                if receiver.max_window == 0 {
                    (receiver.end, receiver.max_end) = (ack, ack);
                } else if ack == receiver.end.wrapping_add(1) {
                    // The answer to a keep-alive, likely.
                    receiver.end = receiver.end.wrapping_add(1);
                }
            }
        } else if syn && after(end, self.seen[from].end) && matches!(state, TcpState::SynSent | TcpState::SynRecv) {
            // A new attempt: it may differ in numbers and options.
            self.init_sender(direction, segment);
            if direction == Direction::Reply && !has_ack {
                return Fit::Accept;
            }
        }
        let (sender, receiver) = (self.seen[from], self.seen[to]);
        if !has_ack || rst && ack == 0 {
            // No acknowledgement, or that of a broken stack: taken to be right.
            ack = receiver.end;
        }
        if rst && seq == 0 && state == TcpState::SynSent {
            // The reset that answers a SYN.
            (seq, end) = (sender.end, sender.end);
        }
        // The rules I to IV of the paper.
        let liberal = sender.liberal || settings.tcp_be_liberal;
        let misfit = |fit| if liberal { Fit::Accept } else { fit };
        let soft = if ignores { Fit::Ignore } else { Fit::Invalid };
        let lowest_end = sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1);
        let lowest_ack = receiver.end.wrapping_sub(max_ack_window(&sender)).wrapping_sub(1);
        if !before(seq, sender.max_end.wrapping_add(1)) {
            let overshot = end.wrapping_sub(sender.max_end).wrapping_add(1);
            let in_window = receiver.max_window != 0 && after(end, lowest_end);
            if ignores
                && in_window
                && after(ack, lowest_ack)
                && overshot <= receiver.max_window
                && before(ack, receiver.end.wrapping_add(1))
            {
                // More than was allowed, but the other side may take it: then its acknowledgement must fit.
                self.seen[from].end = end;
                self.seen[from].unacknowledged = true;
                return misfit(Fit::Ignore);
            }
            return misfit(Fit::Invalid);
        }
        if !before(ack, receiver.end.wrapping_add(1)) {
            return misfit(Fit::Invalid);
        }
        if receiver.max_window != 0 && !after(end, lowest_end) {
            return misfit(soft);
        }
        if !after(ack, lowest_ack) {
            return misfit(soft);
        }
        if !syn {
            window <<= sender.scale;
        }
        let sender = &mut self.seen[from];
        sender.max_window = sender.max_window.max(window);
        if after(end, sender.end) {
            sender.end = end;
            sender.unacknowledged = true;
        }
        if has_ack && sender.max_ack.is_none_or(|highest| after(ack, highest)) {
            sender.max_ack = Some(ack);
        }
        let max_end = sender.max_end;
        let receiver = &mut self.seen[to];
        if receiver.max_window != 0 && after(end, max_end) {
            receiver.max_window = receiver.max_window.wrapping_add(end.wrapping_sub(max_end));
        }
        if after(ack.wrapping_add(window), receiver.max_end.wrapping_sub(1)) {
            receiver.max_end = ack.wrapping_add(window).wrapping_add(u32::from(window == 0));
        }
        if ack == receiver.end {
            receiver.unacknowledged = false;
        }
        if Segment::from(flags) == Segment::Ack {
            let same = self.last_direction == direction
                && (self.last_seq, self.last_ack, self.last_end, self.last_win) == (seq, ack, end, window);
            if same {
                self.retransmissions = self.retransmissions.saturating_add(1);
            } else {
                self.last_direction = direction;
                (self.last_seq, self.last_ack, self.last_end, self.last_win) = (seq, ack, end, window);
                self.retransmissions = 0;
            }
        }
        Fit::Accept
    }
}
