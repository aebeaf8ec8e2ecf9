//! The legacy backend's own trace: what `-j TRACE` tells by netlink (`nfnetlink_log`, group 0).

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};

use netscene_core::netfilter::{Hook, TableName};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::Result;
use crate::case::{self, Case, TABLES};
use crate::event::{Event, What};
use crate::netlink::{ask, attribute, attributes, messages, netfilter_socket, number, request};
use crate::wire;

/// `NFNL_SUBSYS_ULOG` with its message types (`linux/netfilter/nfnetlink_log.h`).
const PACKET: u16 = 4 << 8;
const CONFIG: u16 = 4 << 8 | 1;

/// A reader of the namespace's trace.
pub(crate) struct NfLog {
    socket: OwnedFd,
    /// How many rules the chains have, of those that are compared.
    counts: HashMap<(TableName, String), u32>,
    /// Tables that the model takes for absent.
    vacant: Vec<TableName>,
    /// The devices by their number.
    devices: HashMap<u32, String>,
}

impl NfLog {
    /// Binds to group 0 of the thread's namespace, whose devices have these numbers and names.
    pub(crate) fn new(devices: HashMap<u32, String>) -> Result<Self> {
        let socket = netfilter_socket()?;
        // Bind; copy whole packets; and tell of each at once instead of gathering a hundred.
        for (kind, value) in [(1, &[1_u8][..]), (2, &[0, 0, 0xff, 0xff, 2, 0]), (5, &[0, 0, 0, 1]), (4, &[0, 0, 0, 0])]
        {
            ask(&socket, &request(CONFIG, &attribute(kind, value)))?;
        }
        Ok(Self { socket, counts: HashMap::new(), vacant: Vec::new(), devices })
    }

    /// Takes note of the chains' lengths: the kernel gives the end of a chain a number too.
    pub(crate) fn learn(&mut self, case: &Case) {
        self.counts.clear();
        for table in TABLES {
            for line in &case.tables[table as usize] {
                if let Some(chain) = line.strip_prefix("-A ").and_then(|line| line.split_whitespace().next()) {
                    *self.counts.entry((table, chain.to_owned())).or_default() += 1;
                }
            }
        }
        self.vacant = TABLES.into_iter().filter(|table| case.is_vacant(*table)).collect();
    }

    /// The same from what `iptables-save` prints, after a command.
    pub(crate) fn count(&mut self, saved: &str) {
        let mut table = None;
        self.counts.clear();
        for line in saved.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = TableName::from_name(name);
            } else if let (Some(table), Some(rule)) = (table, line.strip_prefix("-A "))
                && let Some(chain) = rule.split(' ').next().filter(|_| !rule.ends_with("-j TRACE"))
            {
                *self.counts.entry((table, chain.to_owned())).or_default() += 1;
            }
        }
    }

    /// Takes note of the devices there are.
    pub(crate) fn meet(&mut self, devices: HashMap<u32, String>) {
        self.devices = devices;
    }

    /// The events since the last time.
    pub(crate) fn take(&mut self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => return Ok(packet_by_packet(events)),
                Err(error) => return Err(format!("the trace is lost: {error}").into()),
            };
            for (kind, body) in messages(&buffer[..length]).filter(|(kind, _)| *kind == PACKET) {
                debug_assert_eq!(kind, PACKET);
                events.extend(self.event(body)?);
            }
        }
    }

    fn event(&self, message: &[u8]) -> Result<Option<Event>> {
        let (mut hook, mut mark, mut packet, mut prefix) = (None, 0, None, None);
        let (mut in_device, mut out_device) = (None, None);
        for (kind, value) in attributes(message) {
            match kind {
                1 => hook = value.get(2).copied(),
                2 => mark = number(value),
                4 => in_device = self.devices.get(&number(value)).cloned(),
                5 => out_device = self.devices.get(&number(value)).cloned(),
                9 => packet = Some(wire::ends(value)?),
                10 => prefix = std::str::from_utf8(value).ok(),
                _ => {}
            }
        }
        let told = prefix.map(|text| text.trim_end_matches(['\0', ' ']).to_owned()).unwrap_or_default();
        let parts: Vec<_> = told.trim_start_matches("TRACE: ").split(':').collect();
        let [table, chain, label, place] = parts[..] else {
            return Err(format!("a trace of another form: {told}").into());
        };
        let table = TableName::from_name(table).ok_or_else(|| format!("there is no table {table}"))?;
        let hook = case::hook(hook.ok_or("a trace without its hook")?)?;
        if self.vacant.contains(&table) {
            return Ok(None);
        }
        let mut place: u32 = place.parse()?;
        // The TRACE rule itself is the first there.
        if table == TableName::Raw && matches!(hook, Hook::Prerouting | Hook::Output) && chain == hook.chain() {
            place -= 1;
        }
        // A packet that goes round by lo is traced when it comes to the TRACE rule the second time.
        if place == 0 {
            return Ok(None);
        }
        // A rule without any condition is called by the name of a chain's end.
        let rules = self.counts.get(&(table, chain.to_owned())).copied().unwrap_or_default();
        let what = match label {
            "return" if place > rules => What::Return,
            "policy" if place > rules => What::Policy,
            _ => What::Rule(place),
        };
        let packet = packet.ok_or("a trace without its packet")?;
        Ok(Some(Event { node: "", hook, table, chain: chain.to_owned(), what, mark, in_device, out_device, packet }))
    }
}

/// A redirect is sent while the packet that it is about is on its way: its events are put behind those of that packet.
fn packet_by_packet(events: Vec<Event>) -> Vec<Event> {
    let own =
        |event: &Event| event.hook == Hook::Output || event.hook == Hook::Postrouting && event.in_device.is_none();
    let (mut found, mut later): (Vec<Event>, Vec<Event>) = (Vec::new(), Vec::new());
    for event in events {
        if event.hook == Hook::Forward {
            let nested = found.iter().rposition(|one| !own(one)).map_or(0, |last| last + 1);
            later.extend(found.drain(nested..));
        }
        found.push(event);
    }
    found.extend(later);
    found
}
