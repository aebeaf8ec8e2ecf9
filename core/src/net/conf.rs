use std::time::Duration;

/// What `net.ipv4.conf.DEVICE.*` says of a device, and `net.ipv4.conf.all.*` of all of them (`include/linux/inetdevice.h`
/// tells how the two go together).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are the kernel's switches, by name")]
pub struct DeviceConf {
    /// `forwarding`, where it is not what `ip_forward` says.
    pub forwarding: Option<bool>,
    /// `rp_filter`: 0 no source validation, 1 strict, 2 loose. The larger of the two counts.
    pub rp_filter: u8,
    /// `route_localnet`: 127.0.0.0/8 is routed as any network. One of the two is enough.
    pub route_localnet: bool,
    /// `accept_local`: the namespace's own addresses may come from outside. One of the two is enough.
    pub accept_local: bool,
    /// `src_valid_mark`: source validation asks with the packet's mark. One of the two is enough.
    pub src_valid_mark: bool,
    /// `send_redirects`. One of the two is enough.
    pub send_redirects: bool,
    /// `shared_media`. One of the two is enough.
    pub shared_media: bool,
    /// `proxy_arp`, of all devices: that of one is [`super::Device::proxy_arp`].
    pub proxy_arp: bool,
    /// `ignore_routes_with_linkdown`: routes by a device without a carrier do not count. One of the two is enough.
    pub ignore_routes_with_linkdown: bool,
    /// `arp_ignore`. The larger of the two counts.
    pub arp_ignore: u8,
    /// `arp_announce`. The larger of the two counts.
    pub arp_announce: u8,
}

impl Default for DeviceConf {
    /// The kernel's defaults.
    fn default() -> Self {
        Self {
            forwarding: None,
            rp_filter: 0,
            route_localnet: false,
            accept_local: false,
            src_valid_mark: false,
            send_redirects: true,
            shared_media: true,
            proxy_arp: false,
            ignore_routes_with_linkdown: false,
            arp_ignore: 0,
            arp_announce: 0,
        }
    }
}

impl DeviceConf {
    /// What counts for a device, from what is said of it and of all.
    #[must_use]
    pub fn with(self, all: Self) -> Self {
        Self {
            forwarding: self.forwarding,
            rp_filter: self.rp_filter.max(all.rp_filter),
            route_localnet: self.route_localnet || all.route_localnet,
            accept_local: self.accept_local || all.accept_local,
            src_valid_mark: self.src_valid_mark || all.src_valid_mark,
            send_redirects: self.send_redirects || all.send_redirects,
            shared_media: self.shared_media || all.shared_media,
            proxy_arp: self.proxy_arp || all.proxy_arp,
            ignore_routes_with_linkdown: self.ignore_routes_with_linkdown || all.ignore_routes_with_linkdown,
            arp_ignore: self.arp_ignore.max(all.arp_ignore),
            arp_announce: self.arp_announce.max(all.arp_announce),
        }
    }
}

/// What ICMP a namespace sends: `net.ipv4.icmp_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpConf {
    /// Between two errors to one machine, once six have been sent; zero for no limit.
    pub ratelimit: Duration,
    /// The types that are limited, a bit for each.
    pub ratemask: u32,
    /// `icmp_echo_ignore_broadcasts`: a ping of everybody is not answered.
    pub echo_ignore_broadcasts: bool,
}

impl Default for IcmpConf {
    fn default() -> Self {
        Self { ratelimit: Duration::from_secs(1), ratemask: 6168, echo_ignore_broadcasts: true }
    }
}
