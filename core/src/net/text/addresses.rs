use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{TextError, Words, lines};
use crate::net::{Device, DeviceKind};
use crate::packet::{DeviceName, Mac};

const TOOL: &str = "ip addr";

/// An address of a device, as `ip addr` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLine {
    /// The address with the length of its network; of a point-to-point link the length belongs to the peer.
    pub address: Ipv4Net,
    /// What follows it, from `peer` to the label, as it is written.
    pub rest: String,
    /// The line of its lifetimes, as it is written.
    pub lifetimes: String,
}

/// A device, as `ip addr` or `ip -o addr` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: DeviceName,
    /// What follows an `@`: the other end of a veth, or what a VLAN lies on.
    pub on: Option<String>,
    /// Its flags, such as `UP`; none in `ip -o addr`.
    pub flags: Option<Vec<String>>,
    /// The longest packet it sends.
    pub mtu: Option<u32>,
    /// The bridge it is a port of.
    pub master: Option<DeviceName>,
    /// What follows the MTU, as it is written.
    pub rest: String,
    /// What follows `link/`, as it is written.
    pub link: Option<String>,
    /// `altname`: its other names, which systemd gives it. Routes are printed with the first one.
    pub alt_names: Vec<String>,
    /// Its addresses of IPv4, and of IPv6 the two lines of each, as they are written.
    pub addresses: Vec<Result<AddressLine, [String; 2]>>,
}

/// The devices of `ip addr` (or `ip -4 addr`, or `ip -o addr`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(pub Vec<Link>);

impl std::str::FromStr for Links {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut links: Vec<Link> = Vec::new();
        for (number, line) in lines(text) {
            let words = Words::of(TOOL, number, line);
            if let Some((head, lifetimes)) = line.split_once('\\') {
                let link = one_line_link(words, head)?;
                if links.last().is_none_or(|last| last.index != link.index) {
                    links.push(link);
                }
                let at = head.find(" inet").map_or(head.len(), |at| at + 1);
                let (first, last) = (head.get(at..).unwrap_or_default(), lifetimes.trim());
                add_address(&Words::of(TOOL, number, head), &mut links, first, Some(last))?;
            } else if !line.starts_with(char::is_whitespace) {
                links.push(header(words)?);
            } else if let Some(link) = line.trim().strip_prefix("link/") {
                let last = links.last_mut().ok_or_else(|| words.error("it belongs to no device"))?;
                last.link = Some(link.trim_end().to_owned());
            } else if let Some(name) = line.trim().strip_prefix("altname ") {
                let last = links.last_mut().ok_or_else(|| words.error("it belongs to no device"))?;
                last.alt_names.push(name.to_owned());
            } else if line.trim().starts_with("inet") {
                add_address(&words, &mut links, line.trim_start(), None)?;
            } else if line.trim().starts_with("valid_lft") {
                let last = links.last_mut().and_then(|link| link.addresses.last_mut());
                match last.ok_or_else(|| words.error("it belongs to no address"))? {
                    Ok(address) => line.trim().clone_into(&mut address.lifetimes),
                    Err([_, lifetimes]) => line.trim().clone_into(lifetimes),
                }
            } else {
                return Err(words.error(format!("`{}` is not what it prints", line.trim())));
            }
        }
        Ok(Self(links))
    }
}

/// `2: eth0@if2: <UP> mtu 1500 ...`.
fn header(mut words: Words<'_>) -> Result<Link, TextError> {
    let index = words.need("a device")?;
    let index = index.strip_suffix(':').and_then(|index| index.parse().ok());
    let index = index.ok_or_else(|| words.error("a device begins with its number and a colon"))?;
    let name = words.need("the number")?.trim_end_matches(':');
    let (name, on) = name.split_once('@').map_or((name, None), |(name, on)| (name, Some(on.to_owned())));
    let name = name.parse().map_err(|error| words.error(format!("{error}")))?;
    let flags = words.need("the name")?;
    let flags = flags.strip_prefix('<').and_then(|flags| flags.strip_suffix('>'));
    let flags = flags.ok_or_else(|| words.error("its flags are missing"))?;
    let (mut mtu, mut master, mut rest) = (None, None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "mtu" => mtu = Some(words.value(word)?),
            "master" => {
                let name = words.value(word)?;
                master = Some(name);
                rest.push(format!("master {name}"));
            }
            _ => rest.push(word.to_owned()),
        }
    }
    let flags = Some(flags.split(',').map(str::to_owned).collect());
    let rest = rest.join(" ");
    Ok(Link { index, name, on, flags, mtu, master, rest, link: None, alt_names: Vec::new(), addresses: Vec::new() })
}

/// `2: eth0    inet ...`.
fn one_line_link(mut words: Words<'_>, head: &str) -> Result<Link, TextError> {
    let mut parts = head.split_whitespace();
    let index = parts.next().and_then(|index| index.strip_suffix(':')?.parse().ok());
    let index = index.ok_or_else(|| words.error("a device begins with its number and a colon"))?;
    words.next();
    let name = words.value("the number")?;
    Ok(Link {
        index,
        name,
        on: None,
        flags: None,
        mtu: None,
        master: None,
        rest: String::new(),
        link: None,
        alt_names: Vec::new(),
        addresses: Vec::new(),
    })
}

fn add_address(words: &Words<'_>, links: &mut [Link], text: &str, lifetimes: Option<&str>) -> Result<(), TextError> {
    let lifetimes = lifetimes.unwrap_or_default().to_owned();
    let address = if let Some(rest) = text.strip_prefix("inet ") {
        let (address, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let parsed = super::network(address).filter(|_| address != "default" && address != "all");
        let mut address = parsed.ok_or_else(|| words.error(format!("`{address}` is no address")))?;
        let peer = rest.strip_prefix("peer ").and_then(|rest| rest.split_whitespace().next());
        if peer.is_some() {
            // The length that is written is the peer's.
            address = address.addr().into();
        }
        Ok(AddressLine { address, rest: rest.to_owned(), lifetimes })
    } else if text.starts_with("inet6 ") {
        Err([text.to_owned(), lifetimes])
    } else {
        return Err(words.error("neither `inet` nor `inet6`"));
    };
    let link = links.last_mut().ok_or_else(|| words.error("it belongs to no device"))?;
    link.addresses.push(address);
    Ok(())
}

impl AddressLine {
    fn first(&self) -> String {
        let bare = self.rest.starts_with("peer ");
        if bare {
            format!("inet {} {}", self.address.addr(), self.rest)
        } else {
            format!("inet {} {}", self.address, self.rest)
        }
    }
}

impl fmt::Display for Links {
    /// As `ip addr` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for link in &self.0 {
            let on = link.on.as_ref().map_or_else(String::new, |on| format!("@{on}"));
            let flags = link.flags.as_deref().unwrap_or_default().join(",");
            write!(f, "{}: {}{on}: <{flags}>", link.index, link.name)?;
            if let Some(mtu) = link.mtu {
                write!(f, " mtu {mtu}")?;
            }
            writeln!(f, " {}", link.rest)?;
            if let Some(link) = &link.link {
                writeln!(f, "    link/{link}")?;
            }
            for name in &link.alt_names {
                writeln!(f, "    altname {name}")?;
            }
            for address in &link.addresses {
                match address {
                    Ok(address) => writeln!(f, "    {}\n       {}", address.first(), address.lifetimes)?,
                    Err([first, second]) => writeln!(f, "    {first}\n       {second}")?,
                }
            }
        }
        Ok(())
    }
}

impl Links {
    /// As `ip -o addr` prints it.
    pub fn one_line(&self) -> String {
        let mut text = String::new();
        for link in &self.0 {
            for address in &link.addresses {
                let (first, second) = match address {
                    Ok(address) => (address.first(), &address.lifetimes),
                    Err([first, second]) => (first.clone(), second),
                };
                // A String takes everything that is written to it.
                let _ = writeln!(text, "{}: {}    {first}\\       {second}", link.index, link.name);
            }
        }
        text
    }

    /// The devices that it describes.
    pub(crate) fn devices(&self) -> Vec<Device> {
        self.0.iter().map(Link::device).collect()
    }
}

impl Link {
    fn device(&self) -> Device {
        let link = self.link.as_deref().unwrap_or_default();
        let mut parts = link.split_whitespace();
        let kind = match parts.next() {
            Some("loopback") => DeviceKind::Loopback,
            None if self.name == DeviceName::LO => DeviceKind::Loopback,
            Some("ether") | None => DeviceKind::Ethernet,
            Some("ipip") => self.tunnel(),
            Some(_) => DeviceKind::Unknown,
        };
        let mac = parts.next().and_then(|mac| mac.parse().ok()).unwrap_or(Mac([0; 6]));
        let mtu = self.mtu.map_or(1500, |mtu| u16::try_from(mtu).unwrap_or(u16::MAX));
        let own = self.addresses.iter().flatten().map(|address| address.address);
        // Without flags (`ip -o addr`) a device that has addresses is taken to be up.
        let up = self.flags.as_ref().is_none_or(|flags| flags.iter().any(|flag| flag == "UP"));
        Device { kind, addresses: own.collect(), up, ..Device::ethernet(self.name, mac, mtu) }
    }

    /// `link/ipip LOCAL brd REMOTE`, or `peer REMOTE` where the outer packets have one destination.
    fn tunnel(&self) -> DeviceKind {
        let words = self.link.as_deref().unwrap_or_default().split_whitespace();
        let mut ends = words.filter_map(|word| word.parse().ok());
        let mut end = || ends.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let (local, remote) = (end(), end());
        // The module's own device is bound to nothing (`ip_tunnel_init_net`).
        if self.name == DeviceName::TUNL0 && local.is_unspecified() && remote.is_unspecified() {
            DeviceKind::Ipip
        } else {
            DeviceKind::Tunnel { local, remote }
        }
    }

    /// Its addresses of IPv4.
    pub fn ipv4(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.addresses.iter().flatten().map(|line| line.address.addr())
    }
}
