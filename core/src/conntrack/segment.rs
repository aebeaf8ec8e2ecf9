//! A TCP segment of a tracked connection: `nf_conntrack_tcp_packet`.

use super::tcp::{Next, Segment, TcpState, next};
use super::window::{Fit, Stream, Window, before, end_of, index};
use super::{Direction, Entry, HZ, Jiffies, KernelRules, Settings};
use crate::packet::{Tcp, TcpFlags};

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Valid,
    Invalid,
    /// The connection is over, and the segment begins another one (`-NF_REPEAT`).
    Reopened,
    /// The connection is over at once.
    Killed,
}

/// Whether the flags make sense together (`tcp_valid_flags`); PSH, ECE and CWR may be with all of them.
pub(super) fn flags_make_sense(flags: TcpFlags) -> bool {
    const SYN: u8 = TcpFlags::SYN.0;
    const ACK: u8 = TcpFlags::ACK.0;
    const RST: u8 = TcpFlags::RST.0;
    const FIN: u8 = TcpFlags::FIN.0;
    let without_urgent = flags.0 & (SYN | ACK | RST | FIN);
    let urgent = flags.has(TcpFlags::URG);
    match without_urgent {
        SYN | ACK => true,
        x if x == FIN | ACK => true,
        x if x == SYN | ACK => !urgent,
        RST => !urgent,
        x if x == RST | ACK => !urgent,
        _ => false,
    }
}

/// Sets up a new connection for its first segment (`tcp_new`). False: it cannot begin one.
pub(super) fn begin(entry: &mut Entry, segment: &Tcp, settings: &Settings) -> bool {
    let picked_up = match next(false, Segment::from(segment.flags), TcpState::None) {
        Next::State(TcpState::SynSent) => false,
        Next::State(_) if settings.tcp_loose => true,
        _ => return false,
    };
    entry.tcp = Some(TcpState::None);
    entry.window = Window::begin(segment, picked_up);
    true
}

impl Entry {
    /// `nf_conntrack_tcp_established`.
    fn is_established(&self) -> bool {
        self.tcp == Some(TcpState::Established) && self.status.assured
    }

    /// `nf_conntrack_tcp_packet`, once the entry has its window.
    #[expect(clippy::too_many_lines, reason = "it is the kernel's function, in the kernel's order")]
    pub(super) fn take_segment(
        &mut self,
        direction: Direction,
        segment: &Tcp,
        now: Jiffies,
        settings: &Settings,
        kernel: KernelRules,
    ) -> Outcome {
        let mut old = self.tcp.unwrap_or(TcpState::None);
        let kind = Segment::from(segment.flags);
        let reply = direction == Direction::Reply;
        let (here, there) = (index(direction), index(direction.flipped()));
        let mut judged = true;
        let looked_up = next(reply, kind, old);
        if looked_up == Next::Invalid {
            return Outcome::Invalid;
        }
        let reopens =
            looked_up == Next::State(TcpState::SynSent) && matches!(old, TcpState::TimeWait | TcpState::Close);
        let mut new = match looked_up {
            Next::State(state) if !reopens => state,
            _ => {
                let window = &mut self.window;
                if reopens {
                    // A SYN may reopen what was closed in order, or what its own sender has reset.
                    let closed = window.seen.iter().any(|side| side.close_init);
                    if closed || window.last_direction == direction && window.last == Segment::Rst {
                        return Outcome::Reopened;
                    }
                }
                let in_sync = kind == Segment::SynAck
                    && window.last == Segment::Syn
                    && window.last_direction != direction
                    && segment.ack == window.last_end;
                if !in_sync {
                    return self.ignore(old, direction, kind, segment);
                }
                // The answer to a SYN that was let through unjudged: both sides know more than we do.
                window.challenge = false;
                window.seen[there] = Stream {
                    end: window.last_end,
                    max_end: window.last_end,
                    max_window: window.last_win.max(1),
                    scale: window.last_scale.unwrap_or(0),
                    scales: window.last_scale.is_some(),
                    ..Stream::default()
                };
                window.seen[here] = Stream::default();
                old = TcpState::SynSent;
                TcpState::SynRecv
            }
        };
        match new {
            TcpState::TimeWait
                if old == TcpState::LastAck
                    && kind == Segment::Ack
                    && self.window.last_direction != direction
                    && self.window.last == Segment::Syn
                    && self.window.challenge =>
            {
                // The challenge that answers a SYN does not acknowledge the FIN (RFC 5961, 4.2).
                self.window.challenge = false;
                return Outcome::Valid;
            }
            TcpState::SynSent2 => self.window.simultaneous = true,
            // The table alone cannot tell a simultaneous open.
            TcpState::SynRecv if reply && kind == Segment::Ack && self.window.simultaneous => {
                new = TcpState::Established;
            }
            TcpState::Close if kind == Segment::Rst => match self.take_reset(old, direction, segment, settings) {
                Reset::Unjudged => judged = false,
                Reset::Judged => {}
                Reset::Keeps => new = old,
                Reset::Invalid => return Outcome::Invalid,
            },
            _ => {}
        }
        if judged {
            match self.window.judge(self.tcp.unwrap_or(old), direction, segment, settings, kernel.ignores_old_segments)
            {
                Fit::Accept => {}
                Fit::Ignore => return Outcome::Valid,
                Fit::Invalid => {
                    self.take_misfit(direction, kind, now, settings);
                    return Outcome::Invalid;
                }
            }
        }
        self.window.last = kind;
        self.window.last_direction = direction;
        self.tcp = Some(new);
        if old != new && new == TcpState::FinWait {
            self.window.seen[here].close_init = true;
        }
        let timeouts = &settings.timeouts;
        let full = timeouts.tcp(new);
        let mut seconds = if self.window.retransmissions >= settings.tcp_max_retrans {
            full.min(timeouts.max_retrans)
        } else if kind == Segment::Rst {
            timeouts.close
        } else if self.window.seen.iter().any(|side| side.unacknowledged) {
            full.min(timeouts.unacknowledged)
        } else if self.window.last_win == 0 {
            full.min(timeouts.max_retrans)
        } else {
            full
        };
        if !self.status.seen_reply {
            if segment.flags.has(TcpFlags::RST) {
                return Outcome::Killed;
            }
            if kernel.syn_keeps_timeout && kind == Segment::Syn && old == TcpState::SynSent {
                // A repeated SYN does not prolong the wait for the answer.
                return Outcome::Valid;
            }
            if new == TcpState::Established {
                seconds = seconds.min(timeouts.unacknowledged);
            }
        } else if matches!(old, TcpState::SynRecv | TcpState::Established) && new == TcpState::Established {
            self.status.assured = true;
        }
        self.expires = now.plus_seconds(seconds.into());
        Outcome::Valid
    }

    /// A segment that the table lets through without judging it: what it says is noted.
    fn ignore(&mut self, old: TcpState, direction: Direction, kind: Segment, segment: &Tcp) -> Outcome {
        let window = &mut self.window;
        (window.last, window.last_direction) = (kind, direction);
        (window.last_seq, window.last_end) = (segment.seq, end_of(segment));
        window.last_win = segment.window.into();
        if kind == Segment::Syn && direction == Direction::Original {
            window.last_scale = segment.options.window_scale();
            window.challenge = old == TcpState::LastAck;
        }
        if old == TcpState::SynSent && kind == Segment::Ack && direction == Direction::Reply {
            // Perhaps a challenge; a reset may follow from the other side.
            window.last_ack = segment.ack;
        }
        Outcome::Valid
    }

    /// Whether a reset may close the connection.
    fn take_reset(&self, old: TcpState, direction: Direction, segment: &Tcp, settings: &Settings) -> Reset {
        use TcpState::{Close, CloseWait, FinWait, LastAck, TimeWait};
        // `tcp_can_early_drop`: it is closing, and its numbers may be those of another one by now.
        if matches!(old, FinWait | LastAck | TimeWait | Close | CloseWait) {
            return Reset::Unjudged;
        }
        let window = &self.window;
        let mut kept = Reset::Judged;
        if let Some(highest) = window.seen[index(direction.flipped())].max_ack
            && window.last != Segment::Syn
        {
            if segment.seq == 0 && !self.is_established() {
                return Reset::Judged;
            }
            if before(segment.seq, highest) && !settings.tcp_ignore_invalid_rst {
                return Reset::Invalid;
            }
            let follows_data =
                window.last == Segment::Ack && window.last_direction == direction && segment.seq == window.last_end;
            if !self.is_established() || segment.seq == highest || follows_data {
                return Reset::Judged;
            }
            // In the window but not exact: the receiver will challenge it (RFC 5961, 3.2).
            kept = Reset::Keeps;
        }
        let answers_ignored = self.status.seen_reply && window.last == Segment::Syn
            || !self.status.assured && window.last == Segment::Ack;
        if answers_ignored && segment.ack == window.last_end {
            return Reset::Unjudged;
        }
        let answers_challenge = old == TcpState::SynSent
            && window.last == Segment::Ack
            && window.last_direction == Direction::Reply
            && segment.seq == window.last_ack;
        if answers_challenge { Reset::Unjudged } else { kept }
    }

    /// A FIN or a reset of both sides out of the window: nobody will close this connection in order
    /// (`nf_tcp_handle_invalid`).
    fn take_misfit(&mut self, direction: Direction, kind: Segment, now: Jiffies, settings: &Settings) {
        let ends = |kind| matches!(kind, Segment::Rst | Segment::Fin);
        if !self.status.assured || !ends(kind) {
            return;
        }
        if self.window.last_direction == direction || !ends(self.window.last) {
            (self.window.last, self.window.last_direction) = (kind, direction);
            return;
        }
        let left = self.expires.0.saturating_sub(now.0);
        let shorter = u64::from(settings.timeouts.unacknowledged) * HZ;
        if left >= 120 * HZ && left > shorter {
            self.expires = Jiffies(now.0 + shorter);
        }
    }
}

/// How a reset is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    /// Whatever the windows say.
    Unjudged,
    /// If the windows allow it.
    Judged,
    /// If the windows allow it, but the state stays.
    Keeps,
    Invalid,
}
