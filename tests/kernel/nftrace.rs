//! The nft backend's own trace: what a traced packet tells to the netlink group `NFNLGRP_NFTRACE`.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};

use netscene_core::netfilter::{Hook, TableName};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::Result;
use crate::case::{Case, TABLES};
use crate::event::{Event, What};
use crate::linux::run;
use crate::netlink::{attributes, listen, messages, number};
use crate::topology::device_names;
use crate::wire::{self, Ends};

/// `NFNL_SUBSYS_NFTABLES` with `NFT_MSG_TRACE`, and the group (`linux/netfilter/nf_tables.h`, `nfnetlink.h`).
const TRACE: u16 = 10 << 8 | 0x11;
const GROUP: u32 = 9;
/// `NFT_TRACETYPE_POLICY`.
const POLICY: u32 = 1;

/// A reader of the namespace's trace.
pub(crate) struct NfTrace {
    socket: OwnedFd,
    /// The place of every rule in its chain, from 1, by its handle.
    places: HashMap<(TableName, String, u64), u32>,
    /// Tables that the model takes for absent.
    vacant: Vec<TableName>,
    devices: HashMap<u32, String>,
}

/// A packet that is being told of. Addresses and devices come with the first event of a base chain only.
struct Told {
    id: u32,
    hook: Hook,
    mark: u32,
    in_device: Option<String>,
    out_device: Option<String>,
    packet: Option<Ends>,
    events: Vec<Event>,
}

/// The attributes of one message.
#[derive(Default)]
struct Message {
    table: String,
    chain: String,
    handle: Option<u64>,
    kind: u32,
    id: u32,
    headers: Vec<u8>,
    in_device: u32,
    out_device: u32,
    mark: u32,
}

impl NfTrace {
    /// Listens in the thread's namespace.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { socket: listen(GROUP)?, places: HashMap::new(), vacant: Vec::new(), devices: device_names() })
    }

    /// Takes note of the rules' handles, which the trace has in the place of numbers.
    pub(crate) fn learn(&mut self, case: &Case) -> Result<()> {
        self.vacant = TABLES.into_iter().filter(|table| case.is_vacant(*table)).collect();
        self.find_places()
    }

    /// Takes note of the devices there are.
    pub(crate) fn meet(&mut self, devices: HashMap<u32, String>) {
        self.devices = devices;
    }

    /// The same after a command.
    pub(crate) fn find_places(&mut self) -> Result<()> {
        self.places.clear();
        let (mut table, mut chain, mut place) = (None, String::new(), 0);
        for line in run("nft", &["-a", "list", "ruleset"], "")?.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["table", _, name, ..] => table = TableName::from_name(name),
                ["chain", name, ..] => (chain, place) = ((*name).to_owned(), 0),
                [.., "#", "handle", handle] => {
                    place += 1;
                    let table = table.ok_or("nft lists a rule in a table of another name")?;
                    self.places.insert((table, chain.clone(), handle.parse()?), place);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The events since the last time: packet after packet, for nft tells of an error before the rule that sent it.
    pub(crate) fn take(&mut self) -> Result<Vec<Event>> {
        let mut told: Vec<Told> = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => return Ok(told.into_iter().flat_map(|one| one.events).collect()),
                Err(error) => return Err(format!("the trace is lost: {error}").into()),
            };
            for (_, body) in messages(&buffer[..length]).filter(|(kind, _)| *kind == TRACE) {
                self.hear(&Message::read(body)?, &mut told)?;
            }
        }
    }

    fn hear(&self, message: &Message, told: &mut Vec<Told>) -> Result<()> {
        let table = TableName::from_name(&message.table).ok_or_else(|| format!("no table {}", message.table))?;
        let base = table.hooks().iter().copied().find(|hook| hook.chain() == message.chain);
        let place = message.handle.and_then(|handle| {
            let key = (table, message.chain.clone(), handle);
            self.places.get(&key).copied()
        });
        // The TRACE rule is the first of raw, and where a packet's story begins; one number may be that of many packets.
        let starts = table == TableName::Raw && base.is_some() && place == Some(1);
        if starts {
            told.push(Told::new(message));
        }
        let last = told.iter().rposition(|one| one.id == message.id);
        let told = &mut told[last.ok_or("the trace of a packet without its beginning")?];
        if !message.headers.is_empty() {
            told.packet = Some(wire::ends(&message.headers)?);
            told.in_device = self.devices.get(&message.in_device).cloned();
            told.out_device = self.devices.get(&message.out_device).cloned();
        }
        told.hook = base.unwrap_or(told.hook);
        // Told after the rule has run: the mark before it is the one after the rule before.
        let mark = std::mem::replace(&mut told.mark, message.mark);
        if starts || self.vacant.contains(&table) {
            return Ok(());
        }
        let what = match (message.kind, place) {
            (POLICY, _) => What::Policy,
            (_, Some(place)) => What::Rule(place - u32::from(table == TableName::Raw && base.is_some())),
            // The end of a base chain is told once more, as its policy.
            (_, None) if base.is_some() => return Ok(()),
            (_, None) => What::Return,
        };
        told.events.push(Event {
            node: "",
            hook: told.hook,
            table,
            chain: message.chain.clone(),
            what,
            mark,
            in_device: told.in_device.clone(),
            out_device: told.out_device.clone(),
            packet: told.packet.ok_or("the trace of a packet without its addresses")?,
        });
        Ok(())
    }
}

impl Told {
    fn new(first: &Message) -> Self {
        let hook = if first.chain == Hook::Output.chain() { Hook::Output } else { Hook::Prerouting };
        // TRACE itself changes no mark.
        let mark = first.mark;
        Self { id: first.id, hook, mark, in_device: None, out_device: None, packet: None, events: Vec::new() }
    }
}

impl Message {
    fn read(body: &[u8]) -> Result<Self> {
        let mut message = Self::default();
        for (kind, value) in attributes(body) {
            let text = || std::str::from_utf8(value).map(|text| text.trim_end_matches('\0').to_owned());
            match kind {
                1 => message.table = text()?,
                2 => message.chain = text()?,
                3 => message.handle = value.try_into().ok().map(u64::from_be_bytes),
                4 => message.kind = number(value),
                6 => message.id = number(value),
                // Behind the network header comes the transport's.
                8 | 9 => message.headers.extend(value),
                10 => message.in_device = number(value),
                12 => message.out_device = number(value),
                14 => message.mark = number(value),
                _ => {}
            }
        }
        Ok(message)
    }
}
