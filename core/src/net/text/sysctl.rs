use std::fmt;
use std::time::Duration;

use super::{TextError, lines};
use crate::net::{DeviceConf, Namespace};
use crate::packet::DeviceName;

/// The lines of `sysctl -a`.
///
/// ```
/// use netscene_core::net::text::Sysctls;
/// let text = "net.ipv4.ip_forward = 1\nnet.ipv4.conf.eth0/100.rp_filter = 2\nkernel.hostname = node\n";
/// let sysctls: Sysctls = text.parse()?;
/// assert_eq!(sysctls.get("net.ipv4.ip_forward"), Some("1"));
/// assert!(Sysctls::knows("net.ipv4.conf.eth0/100.rp_filter") && !Sysctls::knows("kernel.hostname"));
/// assert_eq!(sysctls.to_string(), text);
/// assert_eq!("net.ipv4".parse::<Sysctls>().unwrap_err().to_string(), "sysctl -a, line 1: `net.ipv4` has no ` = `");
/// # Ok::<(), netscene_core::net::text::TextError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sysctls(pub Vec<(String, String)>);

impl std::str::FromStr for Sysctls {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let read = |(line, text): (usize, &str)| {
            let error = || TextError { tool: "sysctl -a", line, cause: format!("`{text}` has no ` = `") };
            // An empty value leaves the blank after the sign to whoever copied the text.
            let (name, value) = text.split_once(" =").ok_or_else(error)?;
            Ok((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
        };
        lines(text).map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Sysctls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name} = {value}"))
    }
}

/// What setting one comes to.
enum Set {
    Done,
    Unknown,
    /// The model knows the name, and cannot do what the value says.
    Unheeded,
}

impl Sysctls {
    /// The value of a name; of several the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether the model heeds a name.
    pub fn knows(name: &str) -> bool {
        let mut probe = Namespace::probe();
        !matches!(set(&mut probe, name, "1"), Set::Unknown)
    }

    /// The names that the model does not know.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str()).filter(|name| !Self::knows(name))
    }

    /// Sets in a namespace what the model knows. What it knows by name and cannot do by value is given back.
    pub fn apply(&self, namespace: &mut Namespace) -> Vec<String> {
        let heeded = |(name, value): &(String, String)| match set(namespace, name, value) {
            Set::Unheeded => Some(format!("{name} = {value}")),
            Set::Done | Set::Unknown => None,
        };
        self.0.iter().filter_map(heeded).collect()
    }
}

fn set(namespace: &mut Namespace, name: &str, value: &str) -> Set {
    let switch = || match value {
        "0" => Some(false),
        _ => value.parse::<u32>().ok().map(|_| true),
    };
    let done = |done: Option<()>| if done.is_some() { Set::Done } else { Set::Unheeded };
    if let Some(rest) = name.strip_prefix("net.netfilter.nf_conntrack_") {
        let mut scratch = namespace.conntrack.settings;
        if !scratch.set(rest, "1") {
            return Set::Unknown;
        }
        return if namespace.conntrack.settings.set(rest, value) { Set::Done } else { Set::Unheeded };
    }
    if let Some(rest) = name.strip_prefix("net.ipv4.conf.") {
        let Some((device, key)) = rest.rsplit_once('.') else { return Set::Unknown };
        return set_conf(namespace, device, key, value);
    }
    match name {
        "net.ipv4.ip_forward" => done(switch().map(|on| namespace.forwarding = on)),
        "net.ipv4.icmp_ratelimit" => {
            done(value.parse().ok().map(|millis| namespace.icmp.ratelimit = Duration::from_millis(millis)))
        }
        "net.ipv4.icmp_ratemask" => done(value.parse().ok().map(|mask| namespace.icmp.ratemask = mask)),
        "net.ipv4.icmp_echo_ignore_broadcasts" => done(switch().map(|on| namespace.icmp.echo_ignore_broadcasts = on)),
        "net.bridge.bridge-nf-call-iptables" => done(switch().map(|on| namespace.bridge_calls_iptables = on)),
        _ => Set::Unknown,
    }
}

fn set_conf(namespace: &mut Namespace, device: &str, key: &str, value: &str) -> Set {
    // A dot in a device's name is written as a slash.
    let device = device.replace('/', ".");
    let Ok(number) = value.parse::<u8>() else {
        return if set_key(&mut DeviceConf::default(), key, 1) { Set::Unheeded } else { Set::Unknown };
    };
    let conf = match device.as_str() {
        // What devices that are made later begin with; the model's are all there already.
        "default" => {
            return if set_key(&mut DeviceConf::default(), key, number) { Set::Done } else { Set::Unknown };
        }
        "all" => {
            // Of all devices it is what `ip_forward` says.
            if key == "forwarding" {
                namespace.forwarding = number != 0;
                return Set::Done;
            }
            &mut namespace.conf
        }
        _ => {
            let name = device.parse::<DeviceName>().ok();
            let Some(place) = name.and_then(|name| namespace.devices.place(name)) else {
                return if set_key(&mut DeviceConf::default(), key, number) { Set::Unheeded } else { Set::Unknown };
            };
            if key == "proxy_arp" {
                namespace.devices.change(place, |one| one.proxy_arp = number != 0);
                return Set::Done;
            }
            let mut conf = namespace.devices[place].conf;
            let known = set_key(&mut conf, key, number);
            namespace.devices.change(place, |one| one.conf = conf);
            return if known { Set::Done } else { Set::Unknown };
        }
    };
    if set_key(conf, key, number) { Set::Done } else { Set::Unknown }
}

fn set_key(conf: &mut DeviceConf, key: &str, number: u8) -> bool {
    let on = number != 0;
    match key {
        "forwarding" => conf.forwarding = Some(on),
        "rp_filter" => conf.rp_filter = number,
        "route_localnet" => conf.route_localnet = on,
        "accept_local" => conf.accept_local = on,
        "src_valid_mark" => conf.src_valid_mark = on,
        "send_redirects" => conf.send_redirects = on,
        "shared_media" => conf.shared_media = on,
        "proxy_arp" => conf.proxy_arp = on,
        "ignore_routes_with_linkdown" => conf.ignore_routes_with_linkdown = on,
        "arp_ignore" => conf.arp_ignore = number,
        "arp_announce" => conf.arp_announce = number,
        _ => return false,
    }
    true
}
