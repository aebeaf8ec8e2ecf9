//! The hooks: which tables a packet meets where, and what connection tracking and NAT do between them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fib::RouteKind;
use super::rules::{Flow, NoWay, Ways};
use super::skb::{BeforeTracking, Context, Skb};
use super::{Dropped, Namespace};
use crate::Time;
use crate::conntrack::{
    self, Binding, Confirmed, Direction, Jiffies, Layer4, Manip, Template, Tracked, Tracking, Tuple, Zone,
};
use crate::netfilter::ipset::IpSets;
use crate::netfilter::log::LogRecord;
use crate::netfilter::walk::{
    BridgePorts, Chance, Connection, CtView, Culprit, Ends, Environment, Rewritten, Sender, Verdict, View, walk,
};
use crate::netfilter::{
    AddressType, ChainId, CtDirection, CtState, CtStatuses, CtZone, Hook, LogTarget, MatchId, Memory, PacketType,
    Rpfilter, SetMatch, TableName, Target, ZoneSide,
};
use crate::packet::{Body, DeviceName, Icmp, Mac, Packet, TcpFlags, TcpOptions, protocol};
use crate::random::{Crossroads, Random};
use crate::trace::{DropReason, HopWatch, Observer, PacketId, Step};

/// What a packet meets at a hook, in order of priority (`linux/netfilter_ipv4.h`).
enum Stage {
    Table(TableName),
    Conntrack,
    Nat(Manip),
    Confirm,
}

const fn stages(hook: Hook) -> &'static [Stage] {
    use Stage::{Confirm, Conntrack, Nat, Table};
    use TableName::{Filter, Mangle, Raw, Security};
    match hook {
        Hook::Prerouting => &[Table(Raw), Conntrack, Table(Mangle), Nat(Manip::Destination)],
        Hook::Input => &[Table(Mangle), Table(Filter), Table(Security), Nat(Manip::Source), Confirm],
        Hook::Forward => &[Table(Mangle), Table(Filter), Table(Security)],
        Hook::Output => {
            &[Table(Raw), Conntrack, Table(Mangle), Nat(Manip::Destination), Table(Filter), Table(Security)]
        }
        Hook::Postrouting => &[Table(Mangle), Nat(Manip::Source), Confirm],
    }
}

/// The parts of a namespace that rules ask, beside the tables they stand in.
struct Around<'a> {
    now: Time,
    ways: Ways<'a>,
    sets: &'a IpSets,
    pins: &'a FxHashMap<ChainId, ChainId>,
    table: TableName,
    place: &'a Arc<str>,
    packet: PacketId,
    log: &'a mut Vec<LogRecord>,
    random: &'a mut Random,
    link: Option<(Mac, Mac)>,
    conntrack: &'a mut conntrack::Table,
    tracked: Option<Tracked>,
    memory: &'a mut Memory,
    sender: Sender,
    bridge: Option<BridgePorts>,
    before_tracking: BeforeTracking,
    rewritten: Rewritten,
}

impl Environment for Around<'_> {
    fn address_type(&self, address: Ipv4Addr, device: Option<DeviceName>) -> AddressType {
        if address.is_unspecified() || address.is_broadcast() {
            return AddressType::Broadcast;
        }
        if address.is_multicast() {
            return AddressType::Multicast;
        }
        // `__inet_dev_addr_type` looks into the local table alone: what is not there is unicast.
        let (local, broadcast) = match device {
            None => (self.ways.devices.hold(address), self.ways.devices.broadcast_to(address).is_some()),
            Some(name) => {
                let device = self.ways.devices.place(name).map(|place| &self.ways.devices[place]);
                device.map_or((false, false), |one| (one.holds(address), one.broadcasts_to(address)))
            }
        };
        if local {
            AddressType::Local
        } else if broadcast {
            AddressType::Broadcast
        } else {
            AddressType::Unicast
        }
    }

    /// `rpfilter_mt` and `rpfilter_lookup_reverse` (`ipt_rpfilter.c`).
    fn reverse_path(&self, view: &View<'_>, mark: u32, options: Rpfilter) -> Option<bool> {
        let Packet { source, destination, tos, .. } = *view.packet;
        let nowhere = |address: Ipv4Addr| address.octets()[0] == 0;
        let to_many = destination.is_multicast() || destination.is_broadcast();
        // What came by lo is not looked up, nor what a machine sends to all that has no address yet.
        if view.in_device == Some(DeviceName::LO) || nowhere(source) && to_many {
            return Some(true);
        }
        let here = if to_many || nowhere(destination) { Ipv4Addr::UNSPECIFIED } else { destination };
        let mark = if options.validmark { mark } else { 0 };
        let route = match self.ways.find(&Flow { source: here, mark, tos, ..Flow::to(source) }) {
            Ok(route) => route,
            Err(NoWay::Unknown(_)) => return None,
            Err(_) => return Some(false),
        };
        let by = match route.kind {
            RouteKind::Unicast => route.device,
            // The route to an own address leads by the device that has it.
            RouteKind::Local if options.accept_local => {
                self.ways.devices.iter().find(|device| device.holds(source)).map(|device| device.name)
            }
            _ => return Some(false),
        };
        Some(options.loose || by == view.in_device)
    }

    fn in_set(&self, set: &SetMatch, view: &View<'_>, mark: u32) -> Option<bool> {
        self.sets.matches(set, view, mark, self.now)
    }

    fn set_doubt(&self, set: &SetMatch) -> Option<String> {
        self.sets.doubt(&set.name)
    }

    fn chance(&mut self, chance: &Chance<'_>) -> bool {
        match self.pins.get(&chance.chain).filter(|_| self.table == TableName::Nat) {
            Some(pin) => matches!(chance.target, Target::Jump(to) | Target::Goto(to) if to == pin),
            None => self.random.chance(chance.probability, || Crossroads::Rule {
                place: self.place.clone(),
                packet: self.packet.0,
                table: self.table.as_str(),
                chain: chance.name.clone(),
                number: chance.number,
            }),
        }
    }

    fn nth(&mut self, which: MatchId, every: u32) -> u32 {
        self.memory.nth(which, every)
    }

    fn log(&mut self, target: &LogTarget, view: &View<'_>, mark: u32) {
        let mut packet = view.packet.clone();
        apply(self.rewritten, &mut packet);
        self.log.push(LogRecord {
            time: self.now,
            prefix: target.prefix.clone(),
            in_device: view.in_device,
            out_device: view.out_device,
            link: self.link,
            packet,
            mark,
        });
    }

    fn now(&self) -> Time {
        self.now
    }

    fn connection(&self) -> Option<Connection> {
        let tracked = self.tracked?;
        let entry = self.conntrack.get(tracked.entry)?;
        let flags = [
            (entry.status.seen_reply, CtStatuses::SEEN_REPLY),
            (entry.status.assured, CtStatuses::ASSURED),
            (entry.status.confirmed, CtStatuses::CONFIRMED),
        ];
        let set = flags.into_iter().filter(|(set, _)| *set);
        Some(Connection {
            protocol: entry.original.protocol,
            original: ends(&entry.original),
            reply: ends(&entry.reply),
            direction: match tracked.direction {
                Direction::Original => CtDirection::Original,
                Direction::Reply => CtDirection::Reply,
            },
            status: set.fold(CtStatuses::default(), |all, (_, one)| all.with(one)),
            expires: entry.expires.seconds_after(Jiffies::from(self.now)) as u32,
            mark: entry.mark,
        })
    }

    fn set_connection_mark(&mut self, mark: u32) {
        if let Some(tracked) = self.tracked {
            self.conntrack.set_mark(tracked.entry, mark);
        }
    }

    fn untrack(&mut self) {
        self.before_tracking.untracked |= self.tracked.is_none();
    }

    fn is_untracked(&self) -> bool {
        self.before_tracking.untracked
    }

    fn assign_zone(&mut self, zone: CtZone, mark: u32) -> bool {
        // `xt_ct_target`: what is tracked or exempt stays as it is.
        if self.tracked.is_none() && !self.before_tracking.untracked {
            self.before_tracking.zone = Zone {
                id: zone.number.unwrap_or(mark as u16),
                original: zone.side != ZoneSide::Reply,
                reply: zone.side != ZoneSide::Original,
            };
        }
        true
    }

    fn memory(&mut self) -> Option<&mut Memory> {
        Some(self.memory)
    }

    fn bridge(&self) -> Option<BridgePorts> {
        self.bridge
    }

    fn sender(&self) -> Sender {
        self.sender
    }

    fn packet_type(&self) -> PacketType {
        match self.link {
            Some((Mac::BROADCAST, _)) => PacketType::Broadcast,
            // The lowest bit of the first byte tells a group.
            Some((Mac([first, ..]), _)) if first & 1 == 1 => PacketType::Multicast,
            _ => PacketType::Unicast,
        }
    }

    fn device_address(&self, device: DeviceName) -> Option<Ipv4Addr> {
        let device = &self.ways.devices[self.ways.devices.place(device)?];
        device.addresses.first().map(ipnet::Ipv4Net::addr)
    }

    fn path_mtu(&self, view: &View<'_>) -> Option<u16> {
        let mtu = |name: Option<DeviceName>| {
            name.and_then(|name| self.ways.devices.place(name)).map(|place| self.ways.devices[place].mtu)
        };
        let back = self.ways.find(&Flow::to(view.packet.source)).ok();
        let back = back.and_then(|route| route.mtu.or_else(|| mtu(route.device)));
        mtu(view.out_device).into_iter().chain(back).min()
    }

    fn rewritten(&self) -> Rewritten {
        self.rewritten
    }

    fn rewrite(&mut self, fields: Rewritten) {
        self.rewritten = fields;
    }
}

/// Makes the changes that rules have asked for.
fn apply(changes: Rewritten, packet: &mut Packet) {
    packet.tos = changes.tos.unwrap_or(packet.tos);
    packet.ttl = changes.ttl.unwrap_or(packet.ttl);
    if let (Body::Tcp(segment), Some(mss)) = (&mut packet.body, changes.mss)
        && let TcpOptions::Syn { mss: announced, .. } = &mut segment.options
    {
        *announced = mss;
    }
}

/// The ends of a tuple, ICMP's numbers in the place of ports (`struct nf_conntrack_tuple`).
fn ends(tuple: &Tuple) -> Ends {
    let (source_port, destination_port) = match tuple.layer4 {
        Layer4::Ports { source, destination } => (source, destination),
        Layer4::Icmp { kind, code, id } => (id, u16::from_be_bytes([kind, code])),
        Layer4::None => (0, 0),
    };
    Ends { source: tuple.source, source_port, destination: tuple.destination, destination_port }
}

impl Namespace {
    /// Takes a packet through a hook.
    pub(super) fn hook<O: Observer>(
        &mut self,
        hook: Hook,
        skb: &mut Skb,
        out_device: Option<DeviceName>,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        for stage in stages(hook) {
            let before = (skb.packet.source, skb.packet.destination, skb.mark, skb.packet.tos);
            match stage {
                Stage::Table(table) if self.rules.table(*table).is_vacant() => {}
                Stage::Table(table) => match self.walk(*table, hook, skb, out_device, cx) {
                    Verdict::Accept => {}
                    verdict => return Err(self.refuse(*table, verdict, skb, cx)),
                },
                Stage::Conntrack => self.track(hook, skb, cx)?,
                Stage::Nat(manip) => self.nat(*manip, hook, skb, out_device, cx)?,
                Stage::Confirm => self.confirm(skb, Jiffies::from(cx.now))?,
            }
            // `ip_route_me_harder`: what a table at OUTPUT has changed needs a way before the next one sees it. The way
            // itself is taken behind the last one.
            let after = (skb.packet.source, skb.packet.destination, skb.mark, skb.packet.tos);
            if hook == Hook::Output && before != after && self.find_way_out(skb).is_err() {
                self.route_output(skb, cx)?;
            }
        }
        Ok(())
    }

    fn walk<O: Observer>(
        &mut self,
        table: TableName,
        hook: Hook,
        skb: &mut Skb,
        out_device: Option<DeviceName>,
        cx: &mut Context<'_, O>,
    ) -> Verdict {
        let in_device = match hook {
            Hook::Output => None,
            Hook::Postrouting if !self.kernel.postrouting_sees_input => None,
            _ => skb.in_device.and_then(|index| self.devices.get(index)).map(|device| device.name),
        };
        let untracked = CtView { state: CtState::Untracked, src_nat: false, dst_nat: false };
        let ct = skb
            .tracked
            .map(|tracked| self.ct_view(tracked))
            .or_else(|| skb.before_tracking.untracked.then_some(untracked));
        let view = View { packet: &skb.packet, in_device, out_device, ct };
        let mut around = Around {
            now: cx.now,
            ways: Ways { devices: &self.devices, fib: &self.fib, policy: &self.policy, conf: &self.conf },
            sets: &self.sets,
            pins: &self.pins,
            table,
            place: &self.name,
            packet: skb.id,
            log: &mut self.log,
            random: cx.random,
            link: in_device.and(skb.link),
            conntrack: &mut self.conntrack,
            tracked: skb.tracked,
            memory: &mut self.memory,
            sender: skb.sender,
            bridge: skb.bridge,
            before_tracking: skb.before_tracking,
            rewritten: Rewritten::default(),
        };
        let mut watch = HopWatch { observer: cx.observer, hop: skb.hop, seen: None };
        let verdict = walk(self.rules.table_mut(table), hook, &view, &mut skb.mark, &mut around, &mut watch);
        let Around { before_tracking, rewritten, .. } = around;
        skb.before_tracking = before_tracking;
        apply(rewritten, &mut skb.packet);
        verdict
    }

    fn ct_view(&self, tracked: Tracked) -> CtView {
        let status = self.conntrack.get(tracked.entry).map(|entry| entry.status).unwrap_or_default();
        CtView { state: tracked.state, src_nat: status.src_nat, dst_nat: status.dst_nat }
    }

    /// Ends a packet that a table did not let pass; a REJECT tells its sender.
    fn refuse<O: Observer>(
        &mut self,
        table: TableName,
        verdict: Verdict,
        skb: &mut Skb,
        cx: &mut Context<'_, O>,
    ) -> Dropped {
        match verdict {
            Verdict::Drop(culprit) => Dropped(self.by_rule(table, &culprit, false)),
            // `nf_send_unreach` and `nf_reject_ip_tcphdr_get` say nothing about what is damaged.
            Verdict::Reject(_, culprit) if skb.packet.bad_checksum => Dropped(self.by_rule(table, &culprit, false)),
            Verdict::Reject(with, culprit) => {
                if let Some(code) = with.icmp_code() {
                    self.unreachable(skb, code, 0, cx);
                } else {
                    // A reset is answered by none, and what it has ended stays as it left it.
                    let is_reset = matches!(&skb.packet.body, Body::Tcp(tcp) if tcp.flags.has(TcpFlags::RST));
                    if let Some(tracked) = skb.tracked.filter(|_| !is_reset) {
                        self.conntrack.close(tracked, Jiffies::from(cx.now));
                    }
                    // `nf_send_reset` makes it without a socket.
                    self.reset(Sender::Nobody, skb, skb.tracked.map(Tracked::answered), cx);
                }
                Dropped(self.by_rule(table, &culprit, true))
            }
            Verdict::Unknown(reason) => Dropped(DropReason::Unknown(reason)),
            Verdict::Accept | Verdict::Dnat(_) | Verdict::Snat(_) | Verdict::Masquerade { .. } => {
                Dropped(DropReason::Unknown("a NAT target outside the nat table".into()))
            }
        }
    }

    fn by_rule(&self, table: TableName, culprit: &Culprit, told: bool) -> DropReason {
        let rules = self.rules.table(table);
        let rule = || {
            let chain = rules.chain(rules.chain_id(&culprit.chain)?)?;
            let rule = chain.rules().get(culprit.number? as usize - 1)?;
            Some((crate::netfilter::text::rule_text(rule, rules), rule.provenance.clone()))
        };
        let (rule, provenance) = rule().unwrap_or_else(|| ("policy DROP".to_owned(), None));
        let rule = rule.into();
        DropReason::Rule { table, chain: culprit.chain.clone(), number: culprit.number, rule, told, provenance }
    }

    fn track<O: Observer>(&mut self, hook: Hook, skb: &mut Skb, cx: &mut Context<'_, O>) -> Result<(), Dropped> {
        // A packet that came round by lo, or an error about a tracked packet, brings its connection along.
        if !self.tracking || skb.tracked.is_some() || skb.before_tracking.untracked {
            return Ok(());
        }
        let template = Template { arriving: hook == Hook::Prerouting, zone: skb.before_tracking.zone };
        let tracking = self.conntrack.track_as(&skb.packet, template, Jiffies::from(cx.now));
        if tracking == Tracking::Full {
            return Err(Dropped(DropReason::ConntrackFull));
        }
        skb.tracked = tracking.tracked();
        let state = skb.tracked.map_or(CtState::Invalid, |tracked| tracked.state);
        cx.observer.step(skb.hop, || Step::Conntrack { state });
        Ok(())
    }

    /// `nf_nat_inet_fn`: asks the rules about the first packet of a connection, translates all of them.
    fn nat<O: Observer>(
        &mut self,
        manip: Manip,
        hook: Hook,
        skb: &mut Skb,
        out_device: Option<DeviceName>,
        cx: &mut Context<'_, O>,
    ) -> Result<(), Dropped> {
        let Some(tracked) = skb.tracked else { return Ok(()) };
        if tracked.state == CtState::Related && self.is_redirect_about_nat(skb, tracked) {
            return Err(Dropped(DropReason::RedirectOfNat));
        }
        // A reset that REJECT sends about a first packet is RELATED, and no ICMP: it asks the rules like a first packet.
        let asks = match tracked.state {
            CtState::New => true,
            CtState::Related => skb.packet.protocol() != protocol::ICMP,
            _ => false,
        };
        if asks && !self.conntrack.nat_done(tracked.entry, manip) {
            let mut masquerade = None;
            let range = match self.walk(TableName::Nat, hook, skb, out_device, cx) {
                Verdict::Accept => None,
                Verdict::Dnat(range) | Verdict::Snat(range) => Some(Binding::from(range)),
                Verdict::Masquerade { ports, random_fully } => {
                    let address = out_device.and_then(|device| self.source_for(device));
                    // `nf_nat_masquerade_ipv4` drops a packet for which it finds no address.
                    let address = address.ok_or(Dropped(DropReason::NothingToMasquerade))?;
                    masquerade = out_device;
                    let (first, last) = (Some(address), Some(address));
                    Some(Binding { first, last, ports, random_fully, persistent: false })
                }
                verdict => return Err(self.refuse(TableName::Nat, verdict, skb, cx)),
            };
            if !self.conntrack.bind(tracked.entry, manip, range, Jiffies::from(cx.now), cx.random) {
                return Err(Dropped(DropReason::Conntrack));
            }
            if let Some(device) = masquerade {
                self.conntrack.set_masquerade(tracked.entry, device);
            }
        } else if hook == Hook::Postrouting && tracked.direction == Direction::Original {
            // What was masqueraded for one device cannot leave by another (`nf_nat_oif_changed`).
            let bound = self.conntrack.get(tracked.entry).and_then(|entry| entry.masquerade);
            if bound.is_some() && bound != out_device {
                self.conntrack.kill(tracked.entry);
                return Err(Dropped(DropReason::MasqueradeMoved));
            }
        }
        let before = O::RECORDS.then(|| skb.packet.clone());
        if self.conntrack.translate(tracked, manip, &mut skb.packet)
            && let Some(before) = before
        {
            cx.observer.step(skb.hop, || match manip {
                Manip::Source => Step::Snat { from: before.source_socket(), to: skb.packet.source_socket() },
                Manip::Destination => {
                    Step::Dnat { from: before.destination_socket(), to: skb.packet.destination_socket() }
                }
            });
        }
        Ok(())
    }

    /// A redirect tells of a way that the other side of a translation knows nothing about: it is dropped, also where
    /// the translation is not yet complete (`nf_nat_icmp_reply_translation`). Without a nat table nobody looks.
    fn is_redirect_about_nat(&self, skb: &Skb, tracked: Tracked) -> bool {
        matches!(skb.packet.body, Body::Icmp(Icmp::Redirect { .. }))
            && !self.rules.table(TableName::Nat).is_vacant()
            && self.conntrack.get(tracked.entry).is_some_and(|entry| {
                let status = entry.status;
                !(status.src_nat_done && status.dst_nat_done) || status.src_nat || status.dst_nat
            })
    }

    fn confirm(&mut self, skb: &mut Skb, now: Jiffies) -> Result<(), Dropped> {
        match skb.tracked {
            // Only a packet of the original direction puts its connection into the table.
            Some(tracked) if tracked.state == CtState::New => {
                match self.conntrack.confirm(tracked, now) {
                    Confirmed::Entered => {}
                    Confirmed::Merged(other) => skb.tracked = Some(other),
                    Confirmed::Dropped => return Err(Dropped(DropReason::Conntrack)),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
