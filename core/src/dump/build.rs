//! From the files of a dump to a namespace.

use super::author::Authors;
use super::routing::TableNames;
use super::{Dump, DumpError, DumpFile, DumpKind, sockets};
use crate::kube::Object;
use crate::net::tcp::ProcessId;
use crate::net::text::{NodeTexts, TextError, Unheeded};
use crate::net::{DeviceKind, Ipvs, Namespace};
use crate::netfilter::Backend;
use crate::netfilter::text::{RestoreInput, RestoreLine, restore};
use crate::packet::DeviceName;
use crate::{Origin, Time};

/// A node as its dump describes it.
#[derive(Clone, Debug)]
pub struct DumpedNode {
    /// Its network.
    pub namespace: Namespace,
    /// What had to be assumed because the dump does not say it, a sentence each.
    pub assumed: Vec<String>,
    /// What the dump says and the model does not heed, a sentence each.
    pub unheeded: Vec<String>,
    /// Why no answer can be trusted, whatever the walk says.
    pub doubts: Vec<String>,
    /// Neighbours that did not answer when the dump was taken, with the place of the line.
    pub(super) silent: Vec<(DeviceName, std::net::Ipv4Addr, String)>,
    /// Devices without a carrier, behind which nobody is, with the place of the line.
    pub(super) alone: Vec<(DeviceName, String)>,
}

/// Whoever it is that listens, where nobody knows.
pub(super) const ANYBODY: ProcessId = ProcessId(u32::MAX);

impl Dump {
    /// The node that the dump describes. Objects of manifests only tell what its rules are called.
    pub fn node(&self, name: &str, objects: &[(Object, Option<Origin>)]) -> Result<DumpedNode, DumpError> {
        let mut notes = Notes::default();
        let kernel = self.kernel();
        let text = |kind| self.of_kind(kind).map(|file| file.text.as_str()).collect::<Vec<_>>().join("\n");
        let connections = text(DumpKind::Connections);
        // `ip addr` and `ip -4 addr` tell of the same devices.
        let mut told = self.of_kind(DumpKind::Addresses);
        let addresses = told.next().map(|file| file.text.clone()).unwrap_or_default();
        notes.unheeded.extend(told.map(|file| format!("{}: another file tells of the devices already", file.name)));
        // What the tool says beside its list is a line of its own.
        let spoken = |line: &str| line.starts_with("conntrack v");
        let connections: String =
            connections.lines().map(|line| if spoken(line) { "\n".to_owned() } else { format!("{line}\n") }).collect();
        let texts = NodeTexts { addresses: &addresses, connections: &connections, kernel, ..NodeTexts::default() };
        let (mut namespace, unheeded) = texts.build(name, Time::ZERO).map_err(|error| self.blame(error.as_ref()))?;
        notes.unheeded.extend(unheeded.into_iter().map(|Unheeded(what)| what));
        notes.unheeded.extend(self.devices(&mut namespace));
        notes.alone = self.without_carrier();
        namespace.ipvs = self.ipvs();
        let mut names = TableNames::default();
        if addresses.is_empty() {
            self.devices_of_routes(&mut namespace, &mut notes);
        }
        self.routes(&mut namespace, &mut names, &mut notes)?;
        self.rules(&mut namespace, &mut names, &mut notes)?;
        self.neighbours(&mut namespace, &mut notes)?;
        self.sysctls(&mut namespace, &mut notes)?;
        for file in self.of_kind(DumpKind::Sets) {
            let error = |error: crate::netfilter::ipset::IpSetError| DumpError {
                file: file.name.clone(),
                line: error.line,
                problem: error.error.problem,
                hint: error.error.hint,
            };
            namespace.sets.restore(&file.text).map_err(error)?;
        }
        self.iptables(&mut namespace, objects, &mut notes)?;
        namespace.tracking = namespace.rules.need_tracking() || !connections.trim().is_empty();
        let knows_listeners = self.files.iter().any(|file| file.kind() == Some(DumpKind::Sockets));
        for file in self.of_kind(DumpKind::Sockets) {
            sockets::fill(file, &mut namespace.sockets)?;
        }
        if !knows_listeners {
            namespace.sockets.name_process(ANYBODY, "a process of the node, if one listens");
            namespace.sockets.give_every_port(ANYBODY);
        }
        self.say_what_is_missing(&namespace, &mut notes);
        let Notes { assumed, unheeded, doubts, silent, alone } = notes;
        Ok(DumpedNode { namespace, assumed, unheeded, doubts, silent, alone })
    }

    /// The kernel's version by `uname`: 5.4 of `5.4.0-42-generic`.
    fn kernel(&self) -> (u16, u16) {
        let numbers = |file: &DumpFile| {
            let mut words = file.text.split_whitespace();
            let version = words.find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))?;
            let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().ok());
            Some((parts.next()??, parts.next()??))
        };
        self.of_kind(DumpKind::Kernel).find_map(numbers).unwrap_or((0, 0))
    }

    /// Which file a text's error is about: texts of one kind stand in one file, or are counted through.
    fn blame(&self, error: &(dyn std::error::Error + 'static)) -> DumpError {
        let Some(TextError { tool, line, cause }) = error.downcast_ref::<TextError>() else {
            let problem = error.to_string();
            return DumpError { file: "the dump".to_owned(), line: 0, problem, hint: None };
        };
        let kind = match *tool {
            "ip addr" => DumpKind::Addresses,
            _ => DumpKind::Connections,
        };
        let mut line = *line;
        for file in self.of_kind(kind) {
            let lines = file.text.lines().count().max(1);
            if line <= lines {
                let problem = format!("{tool} prints no such line: {cause}");
                return DumpError { file: file.name.clone(), line, problem, hint: None };
            }
            line -= lines;
        }
        DumpError { file: (*tool).to_owned(), line, problem: cause.clone(), hint: None }
    }

    /// What `ip -d link` and the flags of `ip addr` say of devices that look like others.
    fn devices(&self, namespace: &mut Namespace) -> Vec<String> {
        let mut unheeded = Vec::new();
        for file in self.of_kind(DumpKind::Addresses) {
            for (at, line) in file.text.lines().enumerate() {
                let mut words = line.split_whitespace();
                let (Some(_), Some(name), Some(flags)) = (words.next(), words.next(), words.next()) else { continue };
                // A bond and a VRF are called MASTER; the model takes a master for a bridge.
                if line.starts_with(char::is_whitespace)
                    || !flags.trim_matches(['<', '>']).split(',').any(|one| one == "MASTER")
                {
                    continue;
                }
                if let Some(place) = device(name).and_then(|name| namespace.device_index(name)) {
                    let ports: Vec<_> = namespace.devices.iter().map(|one| one.master).collect();
                    namespace.devices.change(place, |one| one.kind = DeviceKind::Ethernet);
                    let name = namespace.devices[place].name;
                    for (port, master) in ports.into_iter().enumerate() {
                        if master == Some(name) {
                            namespace.devices.change(port, |one| one.master = None);
                        }
                    }
                    unheeded.push(format!(
                        "{name} is a bond or a VRF ({}:{}): packets come in and go out by it, not by its members",
                        file.name,
                        at + 1
                    ));
                }
            }
        }
        for file in self.of_kind(DumpKind::Links) {
            let mut current = None;
            for (at, line) in file.text.lines().enumerate() {
                if !line.starts_with(char::is_whitespace) {
                    current =
                        line.split_whitespace().nth(1).and_then(device).and_then(|name| namespace.device_index(name));
                    continue;
                }
                let (Some(place), Some(word)) = (current, line.split_whitespace().next()) else { continue };
                let place_of_line = format!("{}:{}", file.name, at + 1);
                match word {
                    "bridge" if line.contains("forward_delay") => {
                        namespace.devices.change(place, |one| one.kind = DeviceKind::Bridge);
                    }
                    "bridge_slave" => {
                        let hairpin = line.contains("hairpin on");
                        namespace.devices.change(place, |one| one.hairpin = hairpin);
                    }
                    "vxlan" | "wireguard" | "gre" | "geneve" | "ipvlan" | "sit" => {
                        let name = namespace.devices[place].name;
                        unheeded.push(format!(
                            "{name} is of type {word} ({place_of_line}): what it makes of a packet is not followed"
                        ));
                    }
                    _ => {}
                }
            }
        }
        unheeded
    }

    /// The devices of which `ip addr` says NO-CARRIER.
    fn without_carrier(&self) -> Vec<(DeviceName, String)> {
        let mut found = Vec::new();
        for file in self.of_kind(DumpKind::Addresses) {
            for (at, line) in file.text.lines().enumerate().filter(|(_, line)| !line.starts_with(char::is_whitespace)) {
                let mut words = line.split_whitespace().skip(1);
                if let (Some(name), Some(flags)) = (words.next().and_then(device), words.next())
                    && flags.trim_matches(['<', '>']).split(',').any(|flag| flag == "NO-CARRIER")
                {
                    found.push((name, format!("{}:{}", file.name, at + 1)));
                }
            }
        }
        found
    }

    /// Whether kube-proxy runs with `--proxy-mode=ipvs`: then a dummy device has the addresses of the services
    /// (`DefaultDummyDevice` of its `ipvs/proxier.go`).
    fn ipvs(&self) -> Option<Ipvs> {
        const DUMMY: &str = "kube-ipvs0";
        let names = |line: &str| line.split_whitespace().any(|word| word.trim_end_matches(':') == DUMMY);
        let told = self.of_kind(DumpKind::Addresses).chain(self.of_kind(DumpKind::Routes));
        told.into_iter().find_map(|file| {
            let at = file.text.lines().position(names)?;
            Some(Ipvs { device: DUMMY.parse().ok()?, place: format!("{}:{}", file.name, at + 1).into() })
        })
    }

    fn iptables(
        &self,
        namespace: &mut Namespace,
        objects: &[(Object, Option<Origin>)],
        notes: &mut Notes,
    ) -> Result<(), DumpError> {
        let says = |file: &&DumpFile| file.text.lines().any(|line| line.contains("-A ") || line.contains(" DROP ["));
        let files: Vec<_> = self.of_kind(DumpKind::Iptables).filter(says).collect();
        let other = |file: &&&DumpFile| file.backend() != files[0].backend();
        if let Some(other) = files.iter().find(other) {
            notes.doubts.push(format!(
                "{} and {} both hold rules: a kernel walks those of both back ends, the model one after the other's fashion",
                files[0].name, other.name
            ));
        }
        namespace.rules.backend = files.first().map_or(Backend::Nft, |file| file.backend());
        let lines: Vec<_> = files.iter().flat_map(|file| file.text.lines()).collect();
        let authors = Authors::new(&lines, objects);
        for file in &files {
            let mut input = RestoreInput::default();
            for (at, text) in file.text.lines().enumerate() {
                let text = text.trim_end();
                if text.contains("iptables-legacy tables present") && self.of_kind(DumpKind::Iptables).count() == 1 {
                    let place = format!("{}:{}", file.name, at + 1);
                    notes.doubts.push(format!(
                        "there are rules of iptables-legacy, too ({place}), and the dump does not have them"
                    ));
                }
                let by = (text.starts_with('-') || text.starts_with('[')).then(|| {
                    let read = Origin {
                        file: file.name.as_str().into(),
                        line: at as u32 + 1,
                        start: 0,
                        end: text.len() as u32,
                    };
                    authors.of(text, read).into()
                });
                input.lines.push(RestoreLine { text: text.to_owned(), provenance: by, once: false });
            }
            restore(&mut namespace.rules, &input).map_err(|error| DumpError {
                file: file.name.clone(),
                line: error.line,
                problem: error.error.problem,
                hint: error.error.hint,
            })?;
        }
        // Tables that iptables-nft does not know are nftables' own.
        for file in self.of_kind(DumpKind::NftTables) {
            for (at, line) in file.text.lines().enumerate() {
                let words: Vec<_> = line.split_whitespace().collect();
                let ["table", family, name, ..] = words.as_slice() else { continue };
                let of_iptables = *family == "ip" && ["raw", "mangle", "nat", "filter", "security"].contains(name);
                if matches!(*family, "ip" | "inet" | "netdev" | "bridge") && !of_iptables {
                    let place = format!("{}:{}", file.name, at + 1);
                    notes.doubts.push(format!("the model does not walk nftables' own table {family} {name} ({place})"));
                }
            }
        }
        Ok(())
    }

    fn say_what_is_missing(&self, namespace: &Namespace, notes: &mut Notes) {
        let names_set = || {
            let sets = namespace.rules.table(crate::netfilter::TableName::Filter).chains();
            sets.flat_map(|(_, chain)| chain.rules())
                .any(|rule| rule.matches.iter().any(|one| matches!(one, crate::netfilter::Match::Set(_))))
        };
        for (kind, command) in DumpKind::COMMANDS {
            // An empty file says that there is nothing; no file says nothing.
            if self.files.iter().any(|file| file.kind() == Some(kind)) {
                continue;
            }
            let instead = match kind {
                DumpKind::Iptables => "there are no rules",
                DumpKind::Sets if names_set() => "what is in a set is not known",
                DumpKind::Neighbours => "every neighbour answers",
                DumpKind::Connections => "no connection is open",
                DumpKind::Sockets => "a process listens on every port",
                _ => continue,
            };
            notes.assumed.push(format!("no `{command}`: {instead}"));
        }
        for file in self.of_kind(DumpKind::NotCollected) {
            notes
                .assumed
                .extend(file.text.lines().filter(|line| !line.is_empty()).map(|line| format!("not collected: {line}")));
        }
        if let Some(file) = self.of_kind(DumpKind::Ipv6).next() {
            notes.unheeded.push(format!("{}: the model does not speak IPv6", file.name));
        }
        for file in self.files.iter().filter(|file| file.kind().is_none() && !file.is_empty()) {
            notes.unheeded.push(format!("{}: neither its name nor its beginning tells what printed it", file.name));
        }
    }
}

/// What there is to say of a dump.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) assumed: Vec<String>,
    pub(super) unheeded: Vec<String>,
    pub(super) doubts: Vec<String>,
    pub(super) silent: Vec<(DeviceName, std::net::Ipv4Addr, String)>,
    pub(super) alone: Vec<(DeviceName, String)>,
}

/// `eth0@if2:` is eth0.
pub(super) fn device(word: &str) -> Option<DeviceName> {
    word.trim_end_matches(':').split('@').next()?.parse().ok()
}

pub(super) fn wrong(file: &DumpFile, line: usize, error: &TextError) -> DumpError {
    DumpError {
        file: file.name.clone(),
        line,
        problem: format!("{} prints no such line: {}", error.tool, error.cause),
        hint: None,
    }
}
