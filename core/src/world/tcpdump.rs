//! `tcpdump` at a place: what has passed a device, and the questions that tcpdump asks itself to print names.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{OpError, Source, World};
use crate::Time;
use crate::agents::coredns::{self, Asker};
use crate::apps::Task;
use crate::map::{IndexMap, IndexSet};
use crate::trace::FlowKind;
use crate::view;
use crate::view::shell::Capture;
use crate::view::tcpdump::{Printer, Seen};

impl World {
    /// The packets of every flow that have passed a device, and those of BGP. Without `-n`, tcpdump asks for the name of
    /// every address that it prints (`addrtoname.c`, `ipaddr_string`), once for each; what it sends is seen on the device,
    /// too. With `timeout` in front it begins now, and time passes.
    pub(super) fn tcpdump(&mut self, place: usize, capture: Capture) -> Result<String, OpError> {
        let Capture { device, .. } = capture;
        let namespace = self.network.get(place);
        if namespace.device_index(device).is_none() {
            let problem = format!("tcpdump: {device}: No such device exists on {}", namespace.name);
            let names: Vec<_> = namespace.devices.iter().map(|device| device.name.to_string()).collect();
            return Err(OpError::new(problem, Some(format!("it has: {}", names.join(", ")))));
        }
        let begun = self.time;
        let since = match capture.timeout {
            None => Time::ZERO,
            Some(duration) => {
                // What is seen last is what happened last before the end.
                self.run_while(begun + duration, |world| {
                    capture.count.is_none_or(|count| world.seen(place, capture, begun).len() < count)
                })?;
                begun
            }
        };
        let mut names = IndexMap::default();
        loop {
            let mut text = if capture.verbose {
                "tcpdump: ".to_owned()
            } else {
                "tcpdump: verbose output suppressed, use -v or -vv for full protocol decode\n".to_owned()
            };
            text.extend([
                "listening on ",
                device.as_str(),
                ", link-type EN10MB (Ethernet), capture size 262144 bytes\n",
            ]);
            let nameless = self.lines(place, capture, since, &names, &mut text);
            if nameless.is_empty() {
                return Ok(text);
            }
            for address in nameless {
                let name = self.name_of(place, address)?;
                names.insert(address, name);
            }
        }
    }

    /// The packets that a capture shows, in the order in which they passed.
    fn seen(&self, place: usize, capture: Capture, since: Time) -> Vec<Seen<'_>> {
        let packets = self.captured.iter().flat_map(|flow| &flow.packets);
        let Capture { device, port, protocol, host, count, .. } = capture;
        let namespace = self.network.get(place);
        let mut seen = view::tcpdump::captured(packets, &namespace.name, device);
        let device = namespace.device_index(device);
        let beside = self.aside.passed().filter(|one| one.place == place && Some(one.device) == device);
        seen.extend(beside.map(|one| Seen {
            time: one.time,
            packet: &one.packet,
            offloaded: namespace.is_local(one.packet.source),
        }));
        seen.retain(|Seen { time, packet, .. }| {
            *time >= since
                && port.is_none_or(|port| packet.ports().is_some_and(|(from, to)| from == port || to == port))
                && protocol.is_none_or(|protocol| packet.protocol() == protocol)
                && host.is_none_or(|host| packet.source == host || packet.destination == host)
        });
        seen.sort_by_key(|one| one.time);
        seen.truncate(count.unwrap_or(usize::MAX));
        seen
    }

    /// Writes the lines, and tells of which addresses nobody has asked for the name.
    fn lines(
        &self,
        place: usize,
        capture: Capture,
        since: Time,
        names: &IndexMap<Ipv4Addr, Option<String>>,
        text: &mut String,
    ) -> IndexSet<Ipv4Addr> {
        let nameless = RefCell::new(IndexSet::default());
        let name_of = |address: Ipv4Addr| {
            let name = names.get(&address);
            if name.is_none() {
                nameless.borrow_mut().insert(address);
            }
            name.cloned().flatten()
        };
        let name_of: Option<&dyn Fn(Ipv4Addr) -> Option<String>> = if capture.numeric { None } else { Some(&name_of) };
        let mut printer = Printer::new(name_of, capture.verbose);
        for seen in self.seen(place, capture, since) {
            *text += &printer.text(seen);
            text.push('\n');
        }
        nameless.into_inner()
    }

    /// The name of an address at a place: a pod's own stands in its `/etc/hosts`, where kubelet has written it; for the
    /// others it asks, if it knows a name server. Machines print their own address as a number.
    fn name_of(&mut self, place: usize, address: Ipv4Addr) -> Result<Option<String>, OpError> {
        let namespace = self.network.get(place);
        let (name, own) = (namespace.name.clone(), namespace.is_local(address));
        if address.is_loopback() {
            return Ok(Some("localhost".to_owned()));
        }
        if own {
            return Ok(name.split_once('/').map(|(_namespace, pod)| pod.to_owned()));
        }
        let asker = self.state.pod(&name).map_or(Asker::Machine, Asker::Pod);
        if coredns::resolv_conf(&self.state, asker).nameservers.is_empty() {
            return Ok(None);
        }
        let source = Source { name: name.to_string(), port: None };
        let flow = self.flow_made(&source, Task::Reverse(address), FlowKind::Resolve(address.to_string()), "")?;
        self.overhear_flow(&flow);
        let answer = flow.dns.as_ref().and_then(|dns| dns.records.iter().find_map(|one| one.strip_prefix("PTR ")));
        let answer = answer.map(|name| name.trim_end_matches('.').to_owned());
        self.captured.push(Arc::new(flow));
        Ok(answer)
    }
}
