//! The TCP state machine of connection tracking (`nf_conntrack_proto_tcp.c`, 5.x).

use crate::packet::TcpFlags;

/// The state of a connection, with the name `conntrack -L` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// No connection yet.
    None,
    /// A SYN has been seen.
    SynSent,
    /// And its SYN-ACK.
    SynRecv,
    /// And the ACK of that.
    Established,
    /// One side has closed.
    FinWait,
    /// And the other has acknowledged it.
    CloseWait,
    /// And closed too.
    LastAck,
    /// Both have closed and acknowledged.
    TimeWait,
    /// Reset.
    Close,
    /// Both sides sent a SYN.
    SynSent2,
}

impl TcpState {
    /// Every state.
    const ALL: [Self; 10] = [
        Self::None,
        Self::SynSent,
        Self::SynRecv,
        Self::Established,
        Self::FinWait,
        Self::CloseWait,
        Self::LastAck,
        Self::TimeWait,
        Self::Close,
        Self::SynSent2,
    ];

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The name `conntrack -L` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::SynSent2 => "SYN_SENT2",
        }
    }
}

/// What the table says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The connection goes to this state.
    State(TcpState),
    /// The segment is let through without a change of state.
    Ignore,
    /// The segment fits nothing.
    Invalid,
}

/// The kind of a segment, as the table's rows have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// SYN alone.
    Syn,
    /// SYN and ACK.
    SynAck,
    /// FIN, with or without ACK.
    Fin,
    /// ACK alone.
    Ack,
    /// RST.
    Rst,
    /// None of them.
    None,
}

impl From<TcpFlags> for Segment {
    /// `get_conntrack_index`: the first that applies of RST, SYN, FIN, ACK.
    fn from(flags: TcpFlags) -> Self {
        if flags.has(TcpFlags::RST) {
            Self::Rst
        } else if flags.has(TcpFlags::SYN) {
            if flags.has(TcpFlags::ACK) { Self::SynAck } else { Self::Syn }
        } else if flags.has(TcpFlags::FIN) {
            Self::Fin
        } else if flags.has(TcpFlags::ACK) {
            Self::Ack
        } else {
            Self::None
        }
    }
}

/// The transition for `segment` in the original (`reply` false) or the reply direction, from `state`.
///
/// ```
/// use netscene_core::conntrack::tcp::{Next, Segment, TcpState, next};
/// assert_eq!(next(false, Segment::Syn, TcpState::None), Next::State(TcpState::SynSent));
/// assert_eq!(next(true, Segment::SynAck, TcpState::SynSent), Next::State(TcpState::SynRecv));
/// assert_eq!(next(false, Segment::SynAck, TcpState::None), Next::Invalid);
/// ```
pub fn next(reply: bool, segment: Segment, state: TcpState) -> Next {
    use Next::{Ignore as IG, Invalid as IV};
    const SS: Next = Next::State(TcpState::SynSent);
    const SR: Next = Next::State(TcpState::SynRecv);
    const ES: Next = Next::State(TcpState::Established);
    const FW: Next = Next::State(TcpState::FinWait);
    const CW: Next = Next::State(TcpState::CloseWait);
    const LA: Next = Next::State(TcpState::LastAck);
    const TW: Next = Next::State(TcpState::TimeWait);
    const CL: Next = Next::State(TcpState::Close);
    const S2: Next = Next::State(TcpState::SynSent2);
    // Columns: none, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE, SYN_SENT2.
    // Rows: SYN, SYN-ACK, FIN, ACK, RST, none.
    #[rustfmt::skip]
    const ORIGINAL: [[Next; 10]; 6] = [
        [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2],
        [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ];
    #[rustfmt::skip]
    const REPLY: [[Next; 10]; 6] = [
        [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
        [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ];
    let table = if reply { &REPLY } else { &ORIGINAL };
    table[segment as usize][state as usize]
}
