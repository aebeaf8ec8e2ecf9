use super::tcp::TcpState;
use crate::packet::protocol;

/// Timeouts in seconds: the `net.netfilter.nf_conntrack_*_timeout*` sysctls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `tcp_timeout_syn_sent`, also that of `SYN_SENT2`.
    pub syn_sent: u32,
    /// `tcp_timeout_syn_recv`.
    pub syn_recv: u32,
    /// `tcp_timeout_established`.
    pub established: u32,
    /// `tcp_timeout_fin_wait`.
    pub fin_wait: u32,
    /// `tcp_timeout_close_wait`.
    pub close_wait: u32,
    /// `tcp_timeout_last_ack`.
    pub last_ack: u32,
    /// `tcp_timeout_time_wait`.
    pub time_wait: u32,
    /// `tcp_timeout_close`.
    pub close: u32,
    /// `tcp_timeout_unacknowledged`.
    pub unacknowledged: u32,
    /// `udp_timeout`.
    pub udp: u32,
    /// `udp_timeout_stream`.
    pub udp_stream: u32,
    /// `icmp_timeout`.
    pub icmp: u32,
    /// `generic_timeout`.
    pub generic: u32,
}

impl Default for Timeouts {
    /// The kernel's defaults since 5.0.
    fn default() -> Self {
        Self {
            syn_sent: 120,
            syn_recv: 60,
            established: 432_000,
            fin_wait: 120,
            close_wait: 60,
            last_ack: 30,
            time_wait: 120,
            close: 10,
            unacknowledged: 300,
            udp: 30,
            udp_stream: 120,
            icmp: 30,
            generic: 600,
        }
    }
}

impl Timeouts {
    /// That of a TCP state.
    pub fn tcp(&self, state: TcpState) -> u32 {
        match state {
            TcpState::None | TcpState::SynSent | TcpState::SynSent2 => self.syn_sent,
            TcpState::SynRecv => self.syn_recv,
            TcpState::Established => self.established,
            TcpState::FinWait => self.fin_wait,
            TcpState::CloseWait => self.close_wait,
            TcpState::LastAck => self.last_ack,
            TcpState::TimeWait => self.time_wait,
            TcpState::Close => self.close,
        }
    }

    /// That of a connection of another protocol, before it is a stream.
    pub fn other(&self, number: u8) -> u32 {
        match number {
            protocol::UDP => self.udp,
            protocol::ICMP => self.icmp,
            _ => self.generic,
        }
    }
}
