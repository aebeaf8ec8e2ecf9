//! Connections that a scenario opens and then drives itself: what each side says on them, and how they end.

use std::net::SocketAddrV4;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{OpError, Outcome, Source, Target, World};
use crate::Time;
use crate::apps::{App, Task};
use crate::map::IndexMap;
use crate::net::Namespace;
use crate::net::tcp::{ConnectionId, ProcessId};
use crate::packet::{Body, TcpFlags};
use crate::trace::{End, Flow, FlowKind, FlowOutcome, Hop, Place, Recorder};

/// How long is waited for an acknowledgement; the kernel goes on after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// One of the two sides of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The one that opened it.
    #[default]
    Client,
    /// The one that accepted it.
    Server,
}

impl Side {
    /// The side as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// What one side of a connection does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    /// It sends this.
    Say(&'a str),
    /// It has sent all it will: FIN.
    Close,
    /// It wants to hear no more of it: RST.
    Reset,
}

/// The connections that a scenario has opened, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(IndexMap<String, [EndOf; 2]>);

/// One end.
#[derive(Clone, Debug)]
struct EndOf {
    place: usize,
    process: ProcessId,
    id: ConnectionId,
    /// The other end, as this one knows it.
    remote: SocketAddrV4,
    /// What this side has done that ends its part, in a word.
    over: Option<&'static str>,
}

impl World {
    /// Opens a connection and keeps it under a name.
    pub(super) fn open(&mut self, from: &Source, to: &Target, name: &str) -> Result<Outcome, OpError> {
        let to = self.socket(to)?;
        let outcome = self.flow_of(from, Task::Open(to), FlowKind::Tcp(to), name)?;
        self.connections.0.shift_remove(name);
        if let Outcome::Flow(flow) = &outcome
            && matches!(flow.outcome, FlowOutcome::Delivered { .. })
            && let Some(ends) = self.ends(flow)
        {
            self.connections.0.insert(name.to_owned(), ends);
        }
        Ok(outcome)
    }

    /// Where both ends of a connection are that a flow has opened.
    fn ends(&self, flow: &Flow) -> Option<[EndOf; 2]> {
        let delivered = |hop: &&Hop| matches!(hop.end, End::Delivered { .. });
        let syn = flow.requests().find(|packet| packet.hops.last().as_ref().is_some_and(delivered))?;
        let (first, last) = (syn.hops.first()?, syn.hops.last()?);
        let end = |place: &Place, local: SocketAddrV4, remote: SocketAddrV4| {
            let place = self.network.place(place)?;
            let sockets = &self.network.get(place).sockets;
            let id = sockets.between(local, remote)?;
            Some(EndOf { place, process: sockets.process_of(id)?, id, remote, over: None })
        };
        Some([
            end(&first.place, first.before.source_socket(), first.before.destination_socket())?,
            end(&last.place, last.after.destination_socket(), last.after.source_socket())?,
        ])
    }

    /// One side of a connection does something; what becomes of it.
    pub(super) fn on_connection(
        &mut self,
        connection: &str,
        side: Side,
        act: Act<'_>,
        name: &str,
    ) -> Result<Outcome, OpError> {
        let Some(ends) = self.connections.0.get(connection) else {
            return Err(OpError::new(
                format!("there is no open connection `{connection}`"),
                Some(format!("`open` makes one, where the other side answers: open a -> b:80 as {connection}")),
            ));
        };
        let EndOf { place, process, id, remote, over } = ends[side as usize].clone();
        let far = self.network.get(ends[1 - side as usize].place).name.clone();
        let own = self.network.get(place).name.clone();
        if let Some(over) = over {
            return Err(OpError::new(
                format!("the {} of `{connection}` has {over} it", side.as_str()),
                Some("nothing more is said on it from there".into()),
            ));
        }
        if self.network.get(place).sockets.remote(id).is_none() {
            let error = self.why_over(process).to_owned();
            let unsent = FlowOutcome::Unsent { at: own.clone(), error };
            return Ok(self.keep(flow(name, own, remote, self.time, unsent)));
        }
        self.check_up(place)?;
        self.program(place)?;
        let started = self.time;
        let mut recorder = Recorder::default();
        self.inside(place, &mut recorder, |namespace, cx| match act {
            Act::Say(text) => namespace.write(id, Bytes::copy_from_slice(text.as_bytes()), cx),
            Act::Close => namespace.close(id, cx),
            Act::Reset => namespace.abort(id, cx),
        });
        let over = match act {
            Act::Say(_) => None,
            Act::Close => Some("closed"),
            Act::Reset => Some("reset"),
        };
        if let Some(ends) = self.connections.0.get_mut(connection) {
            ends[side as usize].over = over;
        }
        let settled = |namespace: &Namespace| namespace.sockets.is_acknowledged(id) != Some(false);
        self.run_until_settled(place, started + PATIENCE, settled, &mut recorder)?;
        let mut flow = flow(name, own.clone(), remote, started, FlowOutcome::Timeout { at: own.clone() });
        flow.packets = recorder.into_packets();
        self.name_neighbours(&mut flow);
        let acknowledged = self.network.get(place).sockets.is_acknowledged(id);
        flow.outcome = match reset_of(&flow) {
            Some(by) => FlowOutcome::Rejected { by, with: "tcp reset".into() },
            None if matches!(act, Act::Reset) => match flow.delivered_to() {
                Some(to) => FlowOutcome::Delivered { to: to.clone() },
                None => super::perform::lost(&flow),
            },
            None if acknowledged == Some(false) => super::perform::lost(&flow),
            None => FlowOutcome::Delivered { to: far },
        };
        flow.received = self.received(process);
        Ok(self.keep(flow))
    }

    /// What has come back to the client meanwhile. What servers are told, they keep.
    fn received(&mut self, process: ProcessId) -> Option<String> {
        match &mut self.network.processes.get_mut(process.0 as usize)?.app {
            App::Client(client) => Some(String::from_utf8_lossy(&client.take_received()).into_owned()),
            _ => None,
        }
    }

    /// What the C library says of a connection that is over without its process having ended it.
    fn why_over(&self, process: ProcessId) -> &'static str {
        let app = self.network.processes.get(process.0 as usize).map(|process| &process.app);
        let broken = if let Some(App::Client(client)) = app { client.broken } else { None };
        broken.unwrap_or("connection reset by peer")
    }
}

fn flow(name: &str, from: Place, to: SocketAddrV4, started: Time, outcome: FlowOutcome) -> Flow {
    Flow {
        name: name.to_owned(),
        kind: FlowKind::Tcp(to),
        from,
        started,
        outcome,
        packets: Vec::new(),
        http: None,
        dns: None,
        received: None,
        each: Vec::new(),
    }
}

/// Who has answered with a reset.
fn reset_of(flow: &Flow) -> Option<Place> {
    let reset = |hop: &Hop| {
        let rst = matches!(&hop.after.body, Body::Tcp(tcp) if tcp.flags.has(TcpFlags::RST));
        rst && hop.place == flow.from && matches!(hop.end, End::Delivered { .. })
    };
    let packet = flow.packets.iter().find(|packet| packet.hops.last().is_some_and(reset))?;
    packet.hops.first().map(|hop| hop.place.clone())
}
