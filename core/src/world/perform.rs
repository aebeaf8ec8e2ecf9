//! Doing what an operation says.

use std::net::SocketAddrV4;
use std::sync::Arc;

use super::connections::Act;
use super::network::Process;
use super::{Op, OpError, Operation, Outcome, Show, Source, World};
use crate::apps::{Answer, App, Client, Task, Url};
use crate::conntrack::Jiffies;
use crate::kube::{Strategy, TransportProtocol, Version};
use crate::netfilter::text;
use crate::packet::TcpFlags;
use crate::trace::{End, Flow, FlowKind, FlowOutcome, NoObserver, Recorder, Step};
use crate::view;

impl World {
    /// Does what an operation says. A refused operation changes nothing; one that passes a bound while packets travel
    /// leaves them where they are.
    pub fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        let outcome = self.perform(operation);
        // At once, so that every copy that is made from now on shares it.
        self.freshen();
        outcome
    }

    pub(super) fn perform(&mut self, operation: &Operation) -> Result<Outcome, OpError> {
        match &operation.op {
            Op::Declare { object } => {
                self.network.check(object)?;
                super::sysctls::check(object)?;
                self.state.set_time(self.time);
                self.state.declare(object.clone(), operation.origin.as_ref())?;
                self.generation += 1;
                Ok(Outcome::Done)
            }
            Op::Load { node, dump } => self.load(node, dump).map(|()| Outcome::Done),
            Op::Iptables { node, arguments } => self.iptables(node, arguments),
            Op::Shell { on, command } => self.shell(on, command).map(Outcome::Text),
            Op::Omit { node, table, chain, rule } => {
                self.omit(node, *table, chain, rule)?;
                Ok(Outcome::Done)
            }
            Op::Choose(choice) => self.choose(choice),
            Op::Send { from, to, protocol, name } => {
                let to = self.socket(to)?;
                let (task, kind) = match protocol {
                    TransportProtocol::Tcp => (Task::Connect(to), FlowKind::Tcp(to)),
                    TransportProtocol::Udp => (Task::Datagram(to), FlowKind::Udp(to)),
                    TransportProtocol::Sctp => return Err(super::choose::no_sctp()),
                };
                self.flow_of(from, task, kind, name)
            }
            Op::Segment { from, to, flags, name } => {
                let (to, flags) = (self.socket(to)?, tcp_flags(flags)?);
                self.flow_of(from, Task::Segment(to, flags), FlowKind::Tcp(to), name)
            }
            Op::Open { from, to, name } => self.open(from, to, name),
            Op::Say { connection, by, text, name } => self.on_connection(connection, *by, Act::Say(text), name),
            Op::Close { connection, by, name } => self.on_connection(connection, *by, Act::Close, name),
            Op::Reset { connection, by, name } => self.on_connection(connection, *by, Act::Reset, name),
            Op::Conntrack { on, arguments } => self.conntrack(on, arguments).map(Outcome::Text),
            Op::Log { text } => Ok(Outcome::Text(format!("{text}\n"))),
            Op::Craft { from, to, packet, name } => self.craft(from, to, packet, name),
            Op::Burst { times, each } => self.burst(*times, each, operation.origin.as_ref()),
            Op::Ping { from, to, name } => {
                let to = self.address(&to.host)?;
                self.flow_of(from, Task::Ping(to), FlowKind::Ping(to), name)
            }
            Op::Get { from, url: text, at, assets, name } => {
                let task = Task::Get { url: url(text)?, at: *at, assets: *assets };
                self.flow_of(from, task, FlowKind::Get(text.clone()), name)
            }
            Op::Resolve { from, host, kind, name } => {
                let asked = kind.map_or_else(|| host.clone(), |kind| format!("{host} type {kind}"));
                self.flow_of(from, Task::Resolve(host.clone(), *kind), FlowKind::Resolve(asked), name)
            }
            Op::Explore { what } => self.explore(what),
            Op::Write { place, container, path, text } => self.write(place, container, path, text),
            Op::Wait { duration } => {
                self.grow();
                self.run_until(self.time + *duration, &mut NoObserver)?;
                Ok(Outcome::Done)
            }
            Op::Kubectl { arguments } => self.kubectl(arguments).map(Outcome::Text),
            Op::Calicoctl { arguments } => self.calicoctl(arguments).map(Outcome::Text),
            Op::Delete { kind, name } => {
                self.state.delete(*kind, name)?;
                self.generation += 1;
                Ok(Outcome::Done)
            }
            Op::Patch { object, fields, merge } => {
                super::sysctls::check(object)?;
                let strategy = if *merge { Strategy::Merge } else { Strategy::Replace };
                self.state.set_time(self.time);
                self.state.change(object, fields, strategy)?;
                self.generation += 1;
                Ok(Outcome::Done)
            }
            Op::Scale { deployment, replicas } => {
                self.state.scale(deployment, *replicas)?;
                self.generation += 1;
                Ok(Outcome::Done)
            }
            Op::Fail { what } => self.fail(what).map(|()| Outcome::Done),
            Op::Restore { what } => self.restore(what).map(|()| Outcome::Done),
            Op::Show(show) => self.show(show).map(Outcome::Text),
            Op::Trace { name, depth } => {
                if let Some(ways) = self.ways(name) {
                    return Ok(Outcome::Text(view::ways::trace(ways, *depth)));
                }
                let flow = self.flow(name).ok_or_else(|| no_flow(name))?;
                Ok(Outcome::Text(view::trace::trace(flow, depth.unwrap_or_default())))
            }
            Op::Expect(expectation) => self.judge(expectation).map(Outcome::Judged),
        }
    }

    fn iptables(&mut self, node: &str, arguments: &str) -> Result<Outcome, OpError> {
        let place = self.namespace_named(node)?;
        self.program(place)?;
        // A machine that has rules tracks connections, as the kernel does once they ask for it.
        self.network.get_mut(place).tracking = true;
        text::apply(&mut self.network.get_mut(place).rules, arguments)
            .map_err(|error| OpError::new(error.problem, error.hint))?;
        Ok(Outcome::Done)
    }

    fn write(&mut self, place: &str, container: &str, path: &str, text: &str) -> Result<Outcome, OpError> {
        self.grow();
        let owner = self.owner_named(place)?;
        let known: Vec<_> = self.network.containers(&owner).map(str::to_owned).collect();
        if !known.iter().any(|name| name == container) {
            let problem = format!("{place} has no container {container}");
            let meant = crate::did_you_mean(container, known.iter().map(String::as_str));
            let hint = meant
                .map_or_else(|| format!("it has: {}", known.join(", ")), |meant| format!("did you mean `{meant}`?"));
            return Err(OpError::new(problem, Some(hint)));
        }
        if !path.starts_with('/') {
            let problem = format!("`{path}` is no whole path");
            return Err(OpError::new(problem, Some(format!("write `/{path}`"))));
        }
        self.network.files_mut(&owner).write(container, path, text);
        Ok(Outcome::Done)
    }

    fn show(&mut self, show: &Show) -> Result<String, OpError> {
        let place = match show {
            Show::MetallbLog => {
                return Ok(self.metallb_log().iter().map(|record| view::metallb::line(record) + "\n").collect());
            }
            Show::Routes { on } | Show::Logs { on } => self.namespace_named(on)?,
            Show::Conntrack { on, .. } | Show::Iptables { on, .. } | Show::Log { on } => self.node_named(on)?,
        };
        self.program(place)?;
        let namespace = self.network.get(place);
        let now = Jiffies::from(self.time);
        Ok(match show {
            Show::Routes { .. } => view::route::route_n(&namespace.fib),
            Show::Conntrack { protocol, destination_port, .. } => {
                let entries = namespace.conntrack.entries(now).filter(|entry| {
                    protocol.is_none_or(|protocol| protocol.number() == entry.original.protocol)
                        && destination_port.is_none_or(|port| entry.original.destination_port() == Some(port))
                });
                view::conntrack::list(entries, now, view::conntrack::VERSION)
            }
            Show::Iptables { table, chain, .. } => {
                let rules = namespace.rules.table(*table);
                if let Some(chain) = chain
                    && rules.chain_id(chain).is_none()
                {
                    return Err(OpError::new(
                        format!("table {table} on {} has no chain {chain}", namespace.name),
                        None,
                    ));
                }
                let style = if self.state.cluster().iptables < Version::new(1, 8, 9) {
                    view::iptables::ListStyle::V1_6_1
                } else {
                    view::iptables::ListStyle::V1_8_9
                };
                view::iptables::list(rules, chain.as_deref(), style)
            }
            Show::MetallbLog => String::new(),
            Show::Logs { on } => self.network.logs(&self.owner_named(on)?),
            Show::Log { .. } => namespace.log.iter().map(|record| view::log::line(record) + "\n").collect(),
        })
    }

    fn kubectl(&self, arguments: &str) -> Result<String, OpError> {
        let command = view::kubectl::Command::parse(arguments).map_err(|error| not_understood("kubectl", error))?;
        view::kubectl::print(&self.state, self.time, &command)
    }

    fn calicoctl(&self, arguments: &str) -> Result<String, OpError> {
        let command = view::calicoctl::Command::parse(arguments).map_err(|error| not_understood("calicoctl", error))?;
        view::calicoctl::print(&self.state, &command)
    }

    /// Starts a client, lets the world run until it has its answer, and tells what happened.
    pub(super) fn flow_of(
        &mut self,
        from: &Source,
        task: Task,
        kind: FlowKind,
        name: &str,
    ) -> Result<Outcome, OpError> {
        let flow = self.flow_made(from, task, kind, name)?;
        Ok(self.keep(flow))
    }

    /// The same, and nobody keeps it under its name.
    pub(super) fn flow_made(&mut self, from: &Source, task: Task, kind: FlowKind, name: &str) -> Result<Flow, OpError> {
        let place = self.source(from)?;
        self.check_up(place)?;
        self.program(place)?;
        let app = App::Client(Box::new(Client::new(task, from.port)));
        let owner = self.owner_named(&from.name).unwrap_or_else(|_| self.network.get(place).name.clone());
        let process = self.network.start(Process { namespace: place, owner, app });
        self.network.get_mut(place).sockets.name_process(process, "the client");
        let started = self.time;
        let mut recorder = Recorder::default();
        let run = self.run_for(process, &mut recorder);
        self.network.get_mut(place).sockets.release(process);
        let answer = match &self.network.processes[process.0 as usize].app {
            App::Client(client) => client.answer.clone(),
            _ => None,
        };
        run?;
        let mut flow = Flow {
            name: name.to_owned(),
            kind,
            from: self.network.get(place).name.clone(),
            started,
            outcome: FlowOutcome::Timeout { at: self.network.get(place).name.clone() },
            packets: recorder.into_packets(),
            http: None,
            dns: None,
            received: None,
            each: Vec::new(),
        };
        self.name_neighbours(&mut flow);
        self.explain(&mut flow);
        match answer {
            Some(Answer::Impossible(problem)) => {
                return Err(OpError::new(format!("{}: {problem}", flow.from), None));
            }
            Some(Answer::Unsent(error)) => {
                flow.outcome = FlowOutcome::Unsent { at: flow.from.clone(), error };
                return Ok(flow);
            }
            Some(Answer::Closed(server)) => {
                let by = flow.delivered_to().cloned().unwrap_or_else(|| server.to_string().into());
                flow.outcome = FlowOutcome::Rejected { by, with: "an empty reply".into() };
                return Ok(flow);
            }
            Some(Answer::Page(page)) => flow.http = Some(page),
            Some(Answer::Name(result)) => flow.dns = Some(result),
            Some(Answer::Refused { by, with }) => {
                let place = flow.packets.iter().find(|packet| packet.id == by).and_then(|one| one.hops.first());
                let by = place.map_or_else(|| flow.from.clone(), |hop| hop.place.clone());
                let with = match &with.body {
                    crate::packet::Body::Icmp(icmp) => format!("icmp {icmp}"),
                    _ => "tcp reset".into(),
                };
                flow.outcome = FlowOutcome::Rejected { by, with };
                return Ok(flow);
            }
            Some(Answer::TimedOut) | None => {
                flow.outcome = lost(&flow);
                return Ok(flow);
            }
            Some(Answer::Reached | Answer::Sent) => {}
        }
        flow.outcome = match flow.delivered_to() {
            Some(to) => FlowOutcome::Delivered { to: to.clone() },
            None => lost(&flow),
        };
        Ok(flow)
    }

    pub(super) fn keep(&mut self, flow: Flow) -> Outcome {
        self.overhear_flow(&flow);
        let flow = Arc::new(flow);
        self.captured.push(flow.clone());
        self.ways.shift_remove(&flow.name);
        self.flows.insert(flow.name.clone(), flow.clone());
        Outcome::Flow(flow)
    }

    /// Fills in who it was that answered ARP: the wire knows only Ethernet addresses.
    pub(super) fn name_neighbours(&self, flow: &mut Flow) {
        for hop in flow.packets.iter_mut().flat_map(|packet| &mut packet.hops) {
            let Some(place) = self.network.place(&hop.place) else { continue };
            for step in &mut hop.steps {
                if let Step::Arp { answer: Some(mac), by, device, .. } = step
                    && let Some(device) = self.network.get(place).device_index(*device)
                {
                    *by = self.network.neighbour(place, device, *mac).map(|owner| owner.name.clone());
                }
            }
        }
    }
}

/// What became of a flow that nobody answered: the last drop of what the client sent, else the last drop of anything, else
/// the last place.
pub(super) fn lost(flow: &Flow) -> FlowOutcome {
    let ends = || flow.packets.iter().filter_map(|packet| packet.hops.last());
    let drop = |hop: &crate::trace::Hop| match &hop.end {
        End::Dropped(reason) => Some(FlowOutcome::Dropped { at: hop.place.clone(), reason: reason.clone() }),
        _ => None,
    };
    let own = flow.requests().rev().filter_map(|packet| packet.hops.last()).find_map(drop);
    let dropped = own.or_else(|| ends().rev().find_map(drop));
    dropped.unwrap_or_else(|| FlowOutcome::Timeout {
        at: ends().next_back().map_or_else(|| flow.from.clone(), |hop| hop.place.clone()),
    })
}

fn not_understood(tool: &str, error: view::CommandError) -> OpError {
    OpError::new(format!("{tool}: {}", error.problem), Some(error.hint))
}

pub(super) fn no_flow(name: &str) -> OpError {
    OpError::new(
        format!("nothing has happened under the name `{name}`"),
        Some("names are given by `as`, as in `send a -> b:80 tcp as hello`".into()),
    )
}

/// The URL of a page.
fn url(text: &str) -> Result<Url, OpError> {
    let hint = || Some("write http://host/path or http://host:port/path".into());
    Url::parse(text).map_err(|problem| OpError::new(problem, hint()))
}

impl Flow {
    /// The packets by which the client asked, first and repeated: those that it sent itself by the protocol of what was
    /// asked for.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &crate::trace::PacketTrace> {
        let wanted = match &self.kind {
            FlowKind::Tcp(_) | FlowKind::Get(_) => crate::packet::protocol::TCP,
            FlowKind::Udp(_) | FlowKind::Resolve(_) => crate::packet::protocol::UDP,
            FlowKind::Ping(_) => crate::packet::protocol::ICMP,
            FlowKind::Packet(_, number) => *number,
        };
        self.packets.iter().filter(move |packet| {
            packet.hops.first().is_some_and(|hop| hop.place == self.from && hop.before.protocol() == wanted)
        })
    }

    /// Where the first of the client's packets that arrived was delivered.
    pub fn delivered_to(&self) -> Option<&crate::trace::Place> {
        self.requests().find_map(|packet| {
            packet.hops.last().filter(|hop| matches!(hop.end, End::Delivered { .. })).map(|hop| &hop.place)
        })
    }

    /// The address and port that the request went to.
    pub fn target(&self) -> Option<SocketAddrV4> {
        self.requests().next()?.hops.first().map(|hop| hop.before.destination_socket())
    }
}

/// Control bits by their names.
pub(super) fn tcp_flags(names: &[String]) -> Result<TcpFlags, OpError> {
    names.iter().try_fold(TcpFlags::default(), |flags, name| {
        let found = TcpFlags::NAMED.iter().find(|(_, known)| known == name);
        found.map(|(flag, _)| flags.with(*flag)).ok_or_else(|| {
            OpError::new(
                format!("TCP has no flag `{name}`"),
                Some("the flags are: SYN, ACK, FIN, RST, PSH and URG".to_owned()),
            )
        })
    })
}
