//! Operations: the only way to change a world, or to ask it something whose answer a scenario prints.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fault, Side};
use crate::Origin;
use crate::agents::coredns::QueryType;
use crate::apps::Crafted;
use crate::kube::{Object, ObjectKind, TransportProtocol};
use crate::netfilter::TableName;
use crate::trace::{Depth, Expectation};

/// The version of the form in which operations are written to a file.
pub const VERSION: u32 = 2;

/// An operation, and where it was said.
///
/// ```
/// use std::time::Duration;
/// use netscene_core::world::{Op, Operation};
/// let wait = Operation { op: Op::Wait { duration: Duration::from_secs(14) }, origin: None };
/// let text = serde_json::to_string(&wait)?;
/// assert_eq!(serde_json::from_str::<Operation>(&text)?, wait);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What to do.
    #[serde(flatten)]
    pub op: Op,
    /// The place in the scenario that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Op {
    /// Declare an object.
    Declare {
        /// The object.
        object: Object,
    },
    /// Put a node into the network that is as its dump describes it.
    Load {
        /// What it is called.
        node: String,
        /// What its tools have printed.
        dump: crate::dump::Dump,
    },
    /// Run an `iptables` command on a node, a host, a pod: add, insert, delete or replace a rule, make or flush a chain.
    Iptables {
        /// The node, or another place.
        node: String,
        /// What follows the word `iptables`.
        arguments: String,
    },
    /// Look at a node, a pod or a host with a command that people type there: what it prints.
    Shell {
        /// The place.
        on: String,
        /// The command line, as [`view::shell`](crate::view::shell) understands it.
        command: String,
    },
    /// Leave a rule out of what agents write on a node: it is deleted where it stands, and whenever it is written again.
    Omit {
        /// The node.
        node: String,
        /// The table.
        table: TableName,
        /// The chain.
        chain: String,
        /// What follows `-A CHAIN` in `iptables-save`.
        rule: String,
    },
    /// Pin a random choice.
    Choose(Choice),
    /// Open a TCP connection or send a UDP datagram.
    Send {
        /// Who sends.
        from: Source,
        /// To whom.
        to: Target,
        /// By which protocol.
        protocol: TransportProtocol,
        /// The name for what happens.
        name: String,
    },
    /// Send one TCP segment that belongs to no connection of the sender's.
    Segment {
        /// Who sends.
        from: Source,
        /// To whom.
        to: Target,
        /// Its control bits, by name, such as `ACK`.
        flags: Vec<String>,
        /// The name for what happens.
        name: String,
    },
    /// Open a TCP connection and keep it: [`Say`](Self::Say), [`Close`](Self::Close) and [`Reset`](Self::Reset) are about
    /// it.
    Open {
        /// Who opens it.
        from: Source,
        /// To whom.
        to: Target,
        /// The name of the connection, and for what happens.
        name: String,
    },
    /// Send bytes on an open connection.
    Say {
        /// The connection's name.
        connection: String,
        /// Which side does.
        #[serde(default)]
        by: Side,
        /// The bytes.
        text: String,
        /// The name for what happens.
        #[serde(default)]
        name: String,
    },
    /// Close one side of a connection: FIN.
    Close {
        /// The connection's name.
        connection: String,
        /// Which side does.
        #[serde(default)]
        by: Side,
        /// The name for what happens.
        #[serde(default)]
        name: String,
    },
    /// Reset a connection: RST.
    Reset {
        /// The connection's name.
        connection: String,
        /// Which side does.
        #[serde(default)]
        by: Side,
        /// The name for what happens.
        #[serde(default)]
        name: String,
    },
    /// Make a table of connections forget: `conntrack -D` and `conntrack -F`. It prints what the command prints.
    Conntrack {
        /// The node, pod or host.
        on: String,
        /// What follows the word `conntrack`.
        arguments: String,
    },
    /// Print a line.
    Log {
        /// The line.
        text: String,
    },
    /// Send one packet that is made to measure.
    Craft {
        /// Who sends.
        from: Source,
        /// To whom; a port only where the protocol has ports.
        to: Target,
        /// The packet.
        packet: Crafted,
        /// The name for what happens.
        name: String,
    },
    /// Send the same several times, one after the other, under one name. It is delivered if all are.
    Burst {
        /// How often.
        times: u32,
        /// What: one of the operations that send something.
        each: Box<Op>,
    },
    /// Send an ICMP echo request.
    Ping {
        /// Who sends.
        from: Source,
        /// To whom; a port is not needed.
        to: Target,
        /// The name for what happens.
        name: String,
    },
    /// Fetch a page.
    Get {
        /// Who asks.
        from: Source,
        /// `http://host[:port]/path`, or https.
        url: String,
        /// The address of the URL's host, where no resolver is to be asked (`curl --resolve`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Ipv4Addr>,
        /// As a browser does it: go where it is sent, and fetch the scripts, styles and images of the page.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        assets: bool,
        /// The name for what happens.
        name: String,
    },
    /// Resolve a name.
    Resolve {
        /// Who asks.
        from: Source,
        /// The name.
        host: String,
        /// The type of its records that is asked for; its addresses when not given.
        #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
        kind: Option<QueryType>,
        /// The name for what happens.
        name: String,
    },
    /// Walk every way that chance may send something, each in a copy of the world, which stays as it is. The ways are kept
    /// under the name of what would be sent.
    Explore {
        /// What would be sent: a send, segment, ping, get or resolve.
        what: Box<Op>,
    },
    /// Make or replace a file, as a container of a pod sees it.
    Write {
        /// The pod, or a host.
        place: String,
        /// The container.
        container: String,
        /// The path.
        path: String,
        /// What is in it.
        text: String,
    },
    /// Let time pass.
    Wait {
        /// How much.
        duration: Duration,
    },
    /// Delete an object.
    Delete {
        /// Its kind.
        kind: ObjectKind,
        /// Its name, `namespace/name`.
        name: String,
    },
    /// Change fields of a declared object.
    Patch {
        /// The object, of which those fields count that are named, and its name.
        object: Object,
        /// The fields, by the words that a scenario has for them.
        fields: Vec<String>,
        /// Whether maps and lists get what is given added (Kubernetes' strategic merge patch) or become it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        merge: bool,
    },
    /// Give a deployment another number of pods.
    Scale {
        /// The deployment, `namespace/name`.
        deployment: String,
        /// How many.
        replicas: u32,
    },
    /// Break something.
    Fail {
        /// What.
        what: Fault,
    },
    /// Mend what was broken.
    Restore {
        /// What.
        what: Fault,
    },
    /// Print something.
    Show(Show),
    /// Print what `kubectl get` and `kubectl describe` print of what is declared.
    Kubectl {
        /// What follows the word `kubectl`.
        arguments: String,
    },
    /// Print what `calicoctl get` prints of it.
    Calicoctl {
        /// What follows the word `calicoctl`.
        arguments: String,
    },
    /// Print every hop of a flow that has happened, or the ways that were explored.
    Trace {
        /// The name of the flow or the ways.
        name: String,
        /// How deep. When not given, a flow is told by its rules, and ways are only listed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        depth: Option<Depth>,
    },
    /// Compare what happened with what should have.
    Expect(Expectation),
}

/// Who sends: a pod (`namespace/name`, a deployment's, or a bare name in `default`), a node or a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The source port; one of the ephemeral ones when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// Whom something is sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// An address, or a name as for [`Source`].
    pub host: TargetHost,
    /// The port, where the protocol has ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// An address or a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetHost {
    /// An address.
    Address(Ipv4Addr),
    /// A pod, node, host, or a service: then its cluster IP.
    Name(String),
}

/// A random choice to pin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "camelCase")]
pub enum Choice {
    /// The choice among a service's endpoints, for every connection from now on: kube-proxy's, ingress-nginx' among its
    /// upstreams, and CoreDNS' of the address that comes first where the service is headless.
    Endpoint {
        /// The service, `namespace/name`.
        service: String,
        /// The pod, `namespace/name`, or an endpoint's address.
        endpoint: String,
        /// Who is to choose so: a node's kube-proxy, or a pod or deployment of ingress-nginx or CoreDNS; everybody when not
        /// given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
    },
    /// Chance decides again among a service's endpoints.
    AnyEndpoint {
        /// The service, `namespace/name`.
        service: String,
        /// Where it was pinned; everywhere when not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
    },
    /// The source port of the next connection that a process opens by itself.
    Port {
        /// Where the process runs: a pod, node or host.
        place: String,
        /// TCP or UDP.
        protocol: TransportProtocol,
        /// The port.
        port: u16,
    },
}

/// Something to print.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "show", rename_all = "camelCase")]
pub enum Show {
    /// `route -n`.
    Routes {
        /// The node, pod or host.
        on: String,
    },
    /// `conntrack -L`.
    Conntrack {
        /// The node.
        on: String,
        /// `-p`.
        protocol: Option<TransportProtocol>,
        /// `--dport` of the original direction.
        destination_port: Option<u16>,
    },
    /// `iptables -t TABLE -L [CHAIN] -nv`.
    Iptables {
        /// The node.
        on: String,
        /// The table.
        table: TableName,
        /// The chain; all when not given.
        chain: Option<String>,
    },
    /// What MetalLB's speakers have logged.
    MetallbLog,
    /// What programs have written: the access log of web servers.
    Logs {
        /// The pod or host.
        on: String,
    },
    /// What LOG rules wrote into the kernel's log.
    Log {
        /// The node.
        on: String,
    },
}
