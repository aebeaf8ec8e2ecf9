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
    /// `tcp_timeout_max_retrans`.
    pub max_retrans: u32,
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
            max_retrans: 300,
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

    /// The timeout of a sysctl, by what follows `nf_conntrack_` in its name.
    fn by_name(&mut self, name: &str) -> Option<&mut u32> {
        Some(match name {
            "tcp_timeout_syn_sent" => &mut self.syn_sent,
            "tcp_timeout_syn_recv" => &mut self.syn_recv,
            "tcp_timeout_established" => &mut self.established,
            "tcp_timeout_fin_wait" => &mut self.fin_wait,
            "tcp_timeout_close_wait" => &mut self.close_wait,
            "tcp_timeout_last_ack" => &mut self.last_ack,
            "tcp_timeout_time_wait" => &mut self.time_wait,
            "tcp_timeout_close" => &mut self.close,
            "tcp_timeout_max_retrans" => &mut self.max_retrans,
            "tcp_timeout_unacknowledged" => &mut self.unacknowledged,
            "udp_timeout" => &mut self.udp,
            "udp_timeout_stream" => &mut self.udp_stream,
            "icmp_timeout" => &mut self.icmp,
            "generic_timeout" => &mut self.generic,
            _ => return None,
        })
    }
}

/// What the sysctls `net.netfilter.nf_conntrack_*` set.
///
/// ```
/// use netscene_core::conntrack::Settings;
/// let mut settings = Settings::default();
/// assert!(settings.set("tcp_timeout_established", "86400"));
/// assert!(settings.set("tcp_be_liberal", "1"));
/// assert!(!settings.set("no_such_thing", "1") && !settings.set("max", "many"));
/// assert_eq!((settings.timeouts.established, settings.tcp_be_liberal), (86_400, true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the kernel's switches, by name")]
pub struct Settings {
    /// How long connections are kept.
    pub timeouts: Timeouts,
    /// `max`: how many connections there may be; 0 for no bound.
    pub max: u32,
    /// `buckets`: the length of the hash, of which eight are looked at for a connection to drop early.
    pub buckets: u32,
    /// `tcp_loose`: a segment in the middle of a connection may begin an entry.
    pub tcp_loose: bool,
    /// `tcp_be_liberal`: windows are not judged.
    pub tcp_be_liberal: bool,
    /// `tcp_max_retrans`: repeated acknowledgements after which the timeout shrinks.
    pub tcp_max_retrans: u8,
    /// `tcp_ignore_invalid_rst`: resets below the window are not INVALID (from 5.14).
    pub tcp_ignore_invalid_rst: bool,
    /// `checksum`: what arrives with a bad checksum is INVALID.
    pub checksum: bool,
    /// `acct`: packets and bytes are counted.
    pub acct: bool,
}

impl Default for Settings {
    /// The kernel's defaults, with the size it takes on a machine of more than 4 GiB.
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            max: 262_144,
            buckets: 262_144,
            tcp_loose: true,
            tcp_be_liberal: false,
            tcp_max_retrans: 3,
            tcp_ignore_invalid_rst: false,
            checksum: true,
            acct: false,
        }
    }
}

impl Settings {
    /// Sets the sysctl `net.netfilter.nf_conntrack_NAME`. False: it has no such name here, or cannot have that value.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let Ok(number) = value.parse::<u32>() else { return false };
        let switch = match name {
            "max" => {
                self.max = number;
                return true;
            }
            "buckets" => {
                self.buckets = number.max(1);
                return true;
            }
            "tcp_max_retrans" => {
                self.tcp_max_retrans = u8::try_from(number).unwrap_or(u8::MAX);
                return true;
            }
            "tcp_loose" => &mut self.tcp_loose,
            "tcp_be_liberal" => &mut self.tcp_be_liberal,
            "tcp_ignore_invalid_rst" => &mut self.tcp_ignore_invalid_rst,
            "checksum" => &mut self.checksum,
            "acct" => &mut self.acct,
            _ => return self.timeouts.by_name(name).map(|seconds| *seconds = number).is_some(),
        };
        *switch = number != 0;
        true
    }
}

/// What differs between kernels in connection tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelRules {
    /// A UDP stream counts as one only two seconds after its first packet: from 5.0 (d535c8a69c19).
    pub slow_streams: bool,
    /// What happens where two packets of one new flow meet at confirmation.
    pub clash: Clash,
    /// Segments below the window and overdue acknowledgements pass and change nothing, and are not INVALID: from 6.2
    /// (6e250dcbff1d).
    pub ignores_old_segments: bool,
    /// A repeated SYN does not prolong `SYN_SENT`: from 5.17 (e15d4cdf27cb).
    pub syn_keeps_timeout: bool,
}

/// How two unconfirmed connections with a tuple in common are told apart (`nf_ct_resolve_clash`); only of UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// The second packet joins the first one's connection where that has no NAT at all; else it is dropped.
    WithoutNat,
    /// Also where both connections are alike in both directions: from 5.0 (4e35c1cb9460).
    SameTuples,
    /// Also where only the original tuples are alike: both connections stand, the second for a second: from 5.7
    /// (6a757c07e51f).
    SameOriginal,
}

impl KernelRules {
    /// Those of a kernel such as (5, 4).
    pub fn of(version: (u16, u16)) -> Self {
        let clash = match version {
            (0..5, _) => Clash::WithoutNat,
            (5, 0..7) => Clash::SameTuples,
            _ => Clash::SameOriginal,
        };
        Self {
            slow_streams: version >= (5, 0),
            clash,
            ignores_old_segments: version >= (6, 2),
            syn_keeps_timeout: version >= (5, 17),
        }
    }
}
