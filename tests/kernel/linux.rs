//! The kernel's node: network namespaces of the calling thread's own, joined by veths, with real rules in them.
//!
//! The namespaces have no names. They live as long as the thread and the handles of it that this holds, and so nothing is
//! left of them, however a test ends.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;

use netscene_core::netfilter::{Backend, TableName};
use netscene_core::packet::{Mac, Packet};
use nix::errno::Errno;
use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity, setns, unshare};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrLike, bind, recv, send,
    sendto, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

use crate::Result;
use crate::case::{Case, TABLES};
use crate::compare::Network;
use crate::event::Observed;
use crate::log::KernelLog;
use crate::netlink::{ask, attribute, netfilter_socket, request};
use crate::nflog::NfLog;
use crate::nftrace::NfTrace;
use crate::step::Step;
use crate::topology::{BRIDGE, CLIENT, LINKS, Link, NODE, ROUTES, SYSCTLS, device_names};
use crate::wire;

/// Matches whose memory is shared by name.
const REMEMBERING: [&str; 2] = ["-m recent", "-m hashlimit"];

enum Trace {
    Legacy(NfLog),
    Nft(NfTrace),
}

/// The node, and the far ends of its wires.
pub(crate) struct Linux {
    /// The far ends' sockets, in the order of `LINKS`.
    wires: Vec<OwnedFd>,
    /// What the node's processes send by.
    raw: OwnedFd,
    trace: Trace,
    /// What the kernel is asked by to forget connections.
    netfilter: OwnedFd,
    /// Answers to questions for Ethernet addresses that the pods have got.
    answers: Vec<String>,
    /// Cases run so far.
    pub(crate) runs: u64,
    /// What reads the kernel's log, if a case wants that.
    pub(crate) log: Option<KernelLog>,
    /// The namespace of the far ends has to outlive this.
    _outside: File,
}

impl Linux {
    /// Puts the calling thread into a new namespace, which becomes the node.
    pub(crate) fn new(backend: Backend) -> Result<Self> {
        stay_on_one_processor()?;
        unshare(CloneFlags::CLONE_NEWNET)?;
        let outside = File::open("/proc/thread-self/ns/net")?;
        sysctl("net/ipv6/conf/default/disable_ipv6", "1")?;
        unshare(CloneFlags::CLONE_NEWNET)?;
        let node = File::open("/proc/thread-self/ns/net")?;
        for (name, value) in SYSCTLS {
            sysctl(name, value)?;
        }
        let path = format!("/proc/{}/fd/{}", std::process::id(), outside.as_raw_fd());
        run("ip", &["-batch", "-"], &plan(&path))?;
        for link in LINKS.iter().filter(|link| link.address.is_none()) {
            sysctl(&format!("net/ipv4/conf/{}/proxy_arp", link.device), "1")?;
            sysctl(&format!("net/ipv4/neigh/{}/proxy_delay", link.device), "0")?;
        }
        setns(&outside, CloneFlags::CLONE_NEWNET)?;
        let up = LINKS.each_ref().map(|link| format!("link set {} up\n", link.far));
        run("ip", &["-batch", "-"], &up.concat())?;
        let wires = LINKS.iter().map(|link| far_end(link.far)).collect::<Result<_>>()?;
        setns(&node, CloneFlags::CLONE_NEWNET)?;
        let raw = raw_socket()?;
        let trace = match backend {
            Backend::Legacy => Trace::Legacy(NfLog::new(device_names())?),
            Backend::Nft => Trace::Nft(NfTrace::new()?),
        };
        let mut linux = Self {
            wires,
            raw,
            trace,
            netfilter: netfilter_socket()?,
            answers: Vec::new(),
            log: None,
            runs: 0,
            _outside: outside,
        };
        // `NFNL_MSG_ACCT_NEW`: what `-m nfacct` counts under has to be there (linux/netfilter/nfnetlink_acct.h).
        ask(&linux.netfilter, &request(7 << 8, &attribute(1, b"suite\0")))?;
        linux.load(&Case::default())?;
        linux.settle()?;
        Ok(linux)
    }

    /// Gives the node the rules of a case, and no others. Every table is there from the beginning; what the suite needs for
    /// itself stands before the case's rules or where no packet comes.
    pub(crate) fn load(&mut self, case: &Case) -> Result<()> {
        // A list of `recent` or a table of `hashlimit` lives on as long as some rule has its name.
        if REMEMBERING.iter().any(|name| case.rules().contains(name)) {
            self.load(&Case::default())?;
        }
        match &mut self.trace {
            Trace::Legacy(trace) => load_legacy(case, trace)?,
            Trace::Nft(trace) => {
                load_sets(case)?;
                run("iptables-nft-restore", &[], &with_trace(case))?;
                trace.learn(case)?;
            }
        }
        Ok(())
    }

    /// A packet comes from a pod for another one on the same bridge.
    fn bridged(&mut self, from: &str, to: &str, packet: &Packet) -> Result<Observed> {
        let at = LINKS.iter().position(|link| link.far == from).ok_or("nobody of that name")?;
        let to = LINKS.iter().find(|link| link.far == to).ok_or("nobody of that name")?;
        send_frame(&self.wires[at], LINKS[at].far_mac, to.far_mac, packet)?;
        self.observe()
    }

    fn observe(&mut self) -> Result<Observed> {
        let sent = self.settle()?;
        let events = match &mut self.trace {
            Trace::Legacy(trace) => trace.take()?,
            Trace::Nft(trace) => trace.take()?,
        };
        Ok(Observed { events, sent, ..Observed::default() })
    }

    fn hand_over(&self, from: &str, packet: &Packet) -> Result<()> {
        match LINKS.iter().position(|link| link.far == from) {
            Some(at) => send_frame(&self.wires[at], LINKS[at].far_mac, LINKS[at].node_mac, packet),
            None => send_by_process(&self.raw, packet),
        }
    }

    /// Which of the two packet filters the rules are in. One namespace has one of them: both would be walked.
    pub(crate) const fn backend(&self) -> Backend {
        match self.trace {
            Trace::Legacy(_) => Backend::Legacy,
            Trace::Nft(_) => Backend::Nft,
        }
    }

    /// Somebody at the far end of a wire asks who has an address: the answer, as the suite writes it.
    fn ask(&mut self, from: &str, sender: Ipv4Addr, target: Ipv4Addr) -> Result<Vec<String>> {
        let at = LINKS.iter().position(|link| link.far == from).ok_or("nobody of that name")?;
        send(self.wires[at].as_raw_fd(), &arp_request(LINKS[at].far_mac, sender, target), MsgFlags::empty())?;
        self.settle()?;
        Ok(std::mem::take(&mut self.answers))
    }

    /// Does what a command of a case says.
    fn command(&mut self, text: &str) -> Result<()> {
        let (tool, rest) = text.split_once(' ').unwrap_or((text, ""));
        let iptables = |tool: &str| run("sh", &["-c", &format!("{tool} {rest}")], "").map(drop);
        match (tool, rest.split_once(' ')) {
            ("sysctl", Some((name, value))) => sysctl(&name.replace('.', "/"), value)?,
            ("route", _) => drop(run("ip", &["-batch", "-"], &format!("route add {rest}\n"))?),
            ("unroute", _) => drop(run("ip", &["-batch", "-"], &format!("route del {rest}\n"))?),
            ("rule", _) => {
                let (priority, rest) = rest.split_once(':').ok_or("a rule needs a priority")?;
                drop(run("ip", &["-batch", "-"], &format!("rule add priority {priority} {rest}\n"))?);
            }
            ("ipset", _) => drop(run("ipset", &["restore"], &format!("{rest}\n"))?),
            ("bridge", _) => {
                let mut lines =
                    format!("link add br0 address {BRIDGE} type bridge mcast_snooping 0\nlink set br0 mtu 1440\n");
                for port in rest.split_whitespace() {
                    lines += &["link set ", port, " master br0\n"].concat();
                }
                drop(run("ip", &["-batch", "-"], &(lines + "link set br0 up\n"))?);
                sysctl("net/bridge/bridge-nf-call-iptables", "1")?;
                match &mut self.trace {
                    Trace::Legacy(trace) => trace.meet(device_names()),
                    Trace::Nft(trace) => trace.meet(device_names()),
                }
            }
            ("iptables", _) => match &mut self.trace {
                Trace::Legacy(trace) => {
                    iptables("iptables-legacy -w 30")?;
                    trace.count(&run("iptables-legacy-save", &[], "")?);
                }
                Trace::Nft(trace) => {
                    iptables("iptables-nft")?;
                    trace.find_places()?;
                }
            },
            _ => return Err(format!("`{text}` is no command of a case").into()),
        }
        Ok(())
    }

    /// Waits until the node has done everything it had to do, and gives what came out of it meanwhile.
    ///
    /// What goes over a veth waits in a queue of the sender's processor, and this thread stays on one. So when the answer to
    /// an ARP request is there, everything that was sent before it has been dealt with.
    fn settle(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let question = arp_request(LINKS[0].far_mac, CLIENT, NODE);
        send(self.wires[0].as_raw_fd(), &question, MsgFlags::empty())?;
        let mut sent = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let length = recv(self.wires[0].as_raw_fd(), &mut buffer, MsgFlags::empty())
                .map_err(|error| format!("the node does not answer ARP: {error}"))?;
            match &buffer[..length] {
                [_, _, _, _, _, _, _, _, _, _, _, _, 8, 6, arp @ ..] if arp.get(7) == Some(&2) => break,
                [_, _, _, _, _, _, _, _, _, _, _, _, 8, 0, packet @ ..] => sent.push((LINKS[0].far, packet.to_vec())),
                _ => {}
            }
        }
        for (link, socket) in LINKS.iter().zip(&self.wires).skip(1) {
            loop {
                match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                    Ok(_) if buffer[12..14] == [8, 6] && buffer[21] == 2 => {
                        let mac = Mac(buffer[22..28].try_into()?);
                        let address = Ipv4Addr::from_octets(buffer[28..32].try_into()?);
                        self.answers.push(format!("arp to {}: {address} is at {mac}", link.far));
                    }
                    Ok(length) if buffer[12..14] == [8, 0] => sent.push((link.far, buffer[14..length].to_vec())),
                    Ok(_) => {}
                    Err(Errno::EAGAIN) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(sent)
    }
}

impl Network for Linux {
    fn perform(&mut self, from: &str, packets: Vec<Packet>, _: Duration) -> Result<Observed> {
        packets.iter().try_for_each(|packet| self.hand_over(from, packet))?;
        self.observe()
    }

    fn connections(&mut self, _: Duration) -> Result<Vec<(&'static str, String)>> {
        Ok(connections()?.into_iter().map(|line| ("", line)).collect())
    }

    fn flush(&mut self) -> Result<()> {
        forget_connections(&self.netfilter)
    }

    fn other(&mut self, step: &Step, _: Duration) -> Result<Observed> {
        let mut observed = Observed::default();
        match step {
            Step::Bridged { from, source, destination, to, what } => {
                observed = self.bridged(from, to, &what.packet(*source, *destination))?;
            }
            Step::Ask { from, sender, target } => observed.others = self.ask(from, *sender, *target)?,
            Step::Do(command) => self.command(command)?,
            Step::Log => observed.others = self.log.as_mut().ok_or("nobody reads the log")?.take(),
            Step::Send { .. } | Step::Reply(_) | Step::Wait(_) | Step::Flush => {}
        }
        Ok(observed)
    }
}

/// What the node's processes send by: the protocol for which the sender writes the IPv4 header himself (raw(7)).
pub(crate) fn raw_socket() -> Result<OwnedFd> {
    Ok(socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw)?)
}

/// A process sends a packet.
pub(crate) fn send_by_process(raw: &OwnedFd, packet: &Packet) -> Result<()> {
    let to = SockaddrIn::from(SocketAddrV4::new(packet.destination, 0));
    match sendto(raw.as_raw_fd(), &wire::bytes(packet)?, &to, MsgFlags::empty()) {
        // The sender is told of a packet that the rules drop, or that no route leads on.
        Ok(_) | Err(Errno::EPERM | Errno::EINVAL | Errno::EHOSTUNREACH | Errno::EMSGSIZE) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The far end of a wire sends a packet.
pub(crate) fn send_frame(wire: &OwnedFd, from: Mac, to: Mac, packet: &Packet) -> Result<()> {
    let frame = [&to.0[..], &from.0, &[8, 0], &wire::bytes(packet)?].concat();
    send(wire.as_raw_fd(), &frame, MsgFlags::empty())?;
    Ok(())
}

/// Forgets every connection of the socket's namespace.
pub(crate) fn forget_connections(netfilter: &OwnedFd) -> Result<()> {
    // `IPCTNL_MSG_CT_DELETE` without a tuple: all of them (linux/netfilter/nfnetlink_conntrack.h).
    ask(netfilter, &request(1 << 8 | 2, &[]))
}

/// Gives the thread's namespace the sets and rules of a case, and tells the reader of its trace.
pub(crate) fn load_legacy(case: &Case, trace: &mut NfLog) -> Result<()> {
    load_sets(case)?;
    run("iptables-legacy-restore", &["-w", "30"], &with_trace(case))?;
    trace.learn(case);
    Ok(())
}

fn load_sets(case: &Case) -> Result<()> {
    let mut sets = Vec::new();
    for line in &case.sets {
        sets.push(format!("{line} -exist\n"));
        if let Some(name) = line.strip_prefix("create ").and_then(|rest| rest.split(' ').next()) {
            sets.push(format!("flush {name}\n"));
        }
    }
    if sets.is_empty() { Ok(()) } else { run("ipset", &["restore"], &sets.concat()).map(drop) }
}

/// What `conntrack -L` prints in the thread's namespace.
pub(crate) fn connections() -> Result<Vec<String>> {
    Ok(run("conntrack", &["-L"], "")?.lines().map(str::to_owned).collect())
}

/// Keeps the thread on the processor it is on: queues of received packets are the processor's own.
pub(crate) fn stay_on_one_processor() -> Result<()> {
    let this = sched_getcpu()?;
    if sched_getaffinity(Pid::from_raw(0))?.is_set(this)? {
        let mut one = CpuSet::new();
        one.set(this)?;
        sched_setaffinity(Pid::from_raw(0), &one)?;
    }
    Ok(())
}

/// Sets a sysctl of the thread's namespace.
pub(crate) fn sysctl(name: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/{name}");
    fs::write(&path, value).map_err(|error| format!("{path}: {error}").into())
}

/// What `ip -batch` reads to make the node; the far ends go into the namespace at `outside`.
fn plan(outside: &str) -> String {
    let mut lines = vec!["link set lo up".to_owned()];
    for Link { far, device, node_mac, far_mac, address, neighbours, mtu } in &LINKS {
        lines.push(format!(
            "link add {device} address {node_mac} type veth peer name {far} address {far_mac} netns {outside}"
        ));
        lines.push(format!("link set {device} mtu {mtu}"));
        lines.extend(address.map(|address| format!("address add {address} dev {device}")));
        lines.push(format!("link set {device} up"));
        let known = neighbours.iter();
        lines.extend(known.map(|one| format!("neighbour add {one} lladdr {far_mac} dev {device} nud permanent")));
    }
    for route in &ROUTES {
        let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
        let device = route.device.map(|device| format!(" dev {device}")).unwrap_or_default();
        lines.push(format!("route add {}{}{via}{device}", route.kind, route.to));
    }
    lines.join("\n") + "\n"
}

/// A socket on a device of the thread's namespace, for whole frames.
pub(crate) fn far_end(device: &str) -> Result<OwnedFd> {
    let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    let mut interfaces = nix::ifaddrs::getifaddrs()?.filter(|one| one.interface_name == device);
    let found = interfaces.find_map(|one| one.address?.as_link_addr().copied());
    let address: LinkAddr = found.ok_or_else(|| format!("there is no device {device}"))?;
    debug_assert_eq!(address.family(), Some(AddressFamily::Packet));
    bind(fd.as_raw_fd(), &address)?;
    setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(5))?;
    Ok(fd)
}

/// A frame that asks who has an address.
pub(crate) fn arp_request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let head = [&[0xff; 6][..], &mac.0, &[8, 6], &[0, 1, 8, 0, 6, 4, 0, 1]].concat();
    [&head[..], &mac.0, &sender.octets(), &[0; 6], &target.octets()].concat()
}

/// The rules of a case with TRACE before them, in every table, and one rule in a chain of its own that nobody calls: it
/// makes the kernel track connections, as the model's node does.
fn with_trace(case: &Case) -> String {
    let mut lines = Vec::new();
    for table in TABLES {
        lines.push(format!("*{table}"));
        lines.extend(table.hooks().iter().map(|hook| format!(":{} ACCEPT [0:0]", hook.chain())));
        let (chains, rules): (Vec<_>, Vec<_>) =
            case.tables[table as usize].iter().cloned().partition(|line| line.starts_with(':'));
        lines.extend(chains);
        let own: &[&str] = match table {
            TableName::Raw => &["-A PREROUTING -j TRACE", "-A OUTPUT -j TRACE"],
            TableName::Filter if !case.tracks_as_needed => {
                &[":suite-tracks - [0:0]", "-A suite-tracks -m conntrack --ctstate NEW -j ACCEPT"]
            }
            _ => &[],
        };
        lines.extend(own.iter().map(|line| (*line).to_owned()));
        lines.extend(rules);
        lines.push("COMMIT\n".to_owned());
    }
    lines.join("\n")
}

/// Runs a command in the thread's namespace, and gives what it printed.
pub(crate) fn run(command: &str, arguments: &[&str], input: &str) -> Result<String> {
    let mut child = Command::new(command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command}: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command} {}: {said}\n{input}", arguments.join(" ")).into())
    }
}
