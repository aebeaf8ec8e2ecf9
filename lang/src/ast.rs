//! What is written in a file, as it is written: a list of [`Statement`]s, each with its place.
//!
//! Every sentence has one form here, whatever block it stands in; whether it belongs there is for the checks to say.
//! Numbers, addresses and choices are kept as text, because the checks can say more about a bad one than a grammar can.

use std::sync::Arc;

use netscene_core::kube::ObjectKind;
use netscene_core::trace::Depth;
use netscene_core::world::Operation;

use crate::{SourceFile, SourceFiles, Span, Word};

/// A file.
#[derive(Clone, Debug)]
pub struct Ast {
    /// Where it was read from.
    pub file: Arc<SourceFile>,
    /// The same with every file that it includes or applies.
    pub files: SourceFiles,
    /// Its sentences.
    pub statements: Vec<Statement>,
    /// Whether a file that it includes or applies could not be read, as a whole or in part: what that declares is not known.
    pub unread: bool,
}

/// A sentence, with its block if it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The whole of it.
    pub span: Span,
    /// What it says.
    pub kind: StatementKind,
}

/// A pair of braces and the sentences between.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// From brace to brace.
    pub span: Span,
    /// What stands between.
    pub statements: Vec<Statement>,
}

/// A piece of text and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Its place.
    pub span: Span,
    /// The text.
    pub text: String,
}

/// Rhai in a scenario: what stands between `${` and `}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Island {
    /// The place of the whole island.
    pub span: Span,
    /// The byte of the file at which the Rhai begins.
    pub base: u32,
    /// The Rhai.
    pub text: String,
}

/// A name, an address or an island, with or without a port: whatever can send, be sent to, or be talked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The whole of it.
    pub span: Span,
    /// Without the port.
    pub what: What,
    /// The port.
    pub port: Option<Text>,
}

/// The first part of an [`Operand`].
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// `name`, `namespace/name` or `kind/name`.
    Name(String),
    /// An address, as written.
    Address(String),
    /// An island.
    Island(Island),
}

/// A value of another kind, or an island in its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The value, as written.
    Text(Text),
    /// An island.
    Island(Island),
}

/// A part of a declaration that may stand in any order among the others: `at 10.0.0.1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The word and its value.
    pub span: Span,
    /// The word.
    pub word: Word,
    /// The value.
    pub value: Text,
}

/// `KEY=VALUE`.
pub type LabelPair = Text;

/// The fields of `port`.
#[derive(Clone, Debug, PartialEq)]
pub struct PortField {
    /// `80` or `53/UDP`.
    pub port: Text,
    /// After `->`.
    pub target: Option<Text>,
    /// After `as`.
    pub name: Option<Text>,
    /// After `nodePort`.
    pub node_port: Option<Text>,
}

/// A peer of a rule of a network policy, with its parts as they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peer {
    /// After `namespaceSelector`; nothing in it is `all`.
    pub namespaces: Option<Vec<Requirement>>,
    /// After `podSelector`.
    pub pods: Option<Vec<Requirement>>,
    /// After `ipBlock`, and after its `except`.
    pub block: Option<(Text, Vec<Text>)>,
}

/// What a selector of a network policy asks of a label.
#[derive(Clone, Debug, PartialEq)]
pub enum Requirement {
    /// `KEY=VALUE`
    Equals(LabelPair),
    /// `KEY In VALUE VALUE`, `KEY Exists`
    Operator {
        /// The label's key.
        key: Text,
        /// What is asked.
        operator: Text,
        /// With which values.
        values: Vec<Text>,
    },
}

/// An endpoint of a service without selector.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointField {
    /// `192.168.1.6:80`
    pub at: Operand,
    /// What is said of it.
    pub clauses: Vec<Clause>,
}

/// What a web server does for a request: `after 2s`.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerPart {
    /// The whole of it.
    pub span: Span,
    /// The word.
    pub word: Word,
    /// Behind `connect`.
    pub servers: Vec<Operand>,
    /// Behind the others, if anything.
    pub value: Option<Text>,
}

/// What is said of a packet: `size 1400`.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketOption {
    /// The whole of it.
    pub span: Span,
    /// The word.
    pub word: Word,
    /// Behind `flags`.
    pub flags: Vec<Text>,
    /// Behind the others, if anything.
    pub value: Option<Value>,
}

/// The range of a pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// `10.0.0.0/24`
    Cidr(Text),
    /// `10.0.0.1 to 10.0.0.9`
    FromTo(Text, Text),
}

/// A sentence.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "each variant is a sentence of the table in `words`, and its fields are that sentence's"
)]
#[expect(clippy::large_enum_variant, reason = "a file has few sentences, and boxes would only hide their parts")]
pub enum StatementKind {
    Cluster {
        name: Text,
        body: Block,
    },
    Pool {
        name: Text,
        range: Range,
        clauses: Vec<Clause>,
    },
    Node {
        name: Text,
        clauses: Vec<Clause>,
        body: Option<Block>,
    },
    Host {
        name: Text,
        clauses: Vec<Clause>,
        body: Option<Block>,
    },
    Router {
        name: Text,
        body: Block,
    },
    /// A device of a machine.
    Device {
        name: Text,
        address: Text,
        clauses: Vec<Clause>,
    },
    /// What is said of the device that a machine's own address is on.
    OwnDevice {
        name: Text,
        mtu: Text,
    },
    Route {
        to: Text,
        via: Text,
    },
    Namespace {
        name: Text,
        body: Block,
    },
    Workload {
        word: Word,
        name: Text,
        body: Block,
    },
    Pod {
        name: Text,
        clauses: Vec<Clause>,
        body: Option<Block>,
    },
    Service {
        name: Text,
        body: Block,
    },
    Ingress {
        name: Text,
        body: Block,
    },
    ConfigMap {
        name: Text,
        body: Block,
    },
    NetworkPolicy {
        name: Text,
        body: Block,
    },

    Zone {
        name: Text,
        body: Block,
    },
    Record {
        owner: Text,
        kind: Text,
        value: Text,
    },

    PodCidr {
        cidr: Text,
        blocks: Option<Text>,
    },
    ServiceCidr(Text),
    Overlay(Text),
    Bgp(Text),
    Version {
        word: Word,
        version: Text,
    },
    KubeProxy {
        version: Text,
        body: Option<Block>,
    },
    Mtu(Text),
    Domain(Text),
    NodePortRange(Text, Text),

    Order(Vec<Text>),
    MasqueradeBit(Text),
    DetectLocalMode {
        mode: Text,
        device: Option<Text>,
    },
    /// A field that is `true` or `false`.
    Switch {
        word: Word,
        value: Text,
    },
    /// A field that is one of a few words.
    Choice {
        word: Word,
        value: Text,
    },
    DnsConfig(Block),
    Nameservers(Vec<Text>),
    Searches(Vec<Text>),
    /// A field that is a list of networks.
    Cidrs {
        word: Word,
        cidrs: Vec<Text>,
    },

    Replicas {
        count: Text,
        on: Vec<Text>,
    },
    Labels {
        word: Word,
        pairs: Vec<LabelPair>,
    },
    ServiceAccount(Text),
    HostNetwork(Text),
    Data {
        key: Text,
        text: Text,
    },
    Container {
        name: Text,
        body: Option<Block>,
    },
    Port(PortField),
    Serve {
        app: Text,
        root: Option<Text>,
        body: Option<Block>,
    },
    Folder {
        word: Word,
        path: Text,
    },
    Volume(Text),
    VolumeMount {
        name: Text,
        path: Text,
    },
    File {
        path: Text,
        text: Option<Text>,
        assets: Vec<Text>,
    },
    Handler {
        method: Text,
        path: Text,
        answer: Vec<AnswerPart>,
    },
    Type(Text),
    ClusterIp(Text),
    LoadBalancerIp(Text),
    LoadBalancerClass(Text),
    Endpoints(Vec<EndpointField>),
    /// `endpoints NAME { }`
    EndpointsObject {
        service: Operand,
        body: Block,
    },
    Addresses(Vec<EndpointField>),
    ExternalIps(Vec<Text>),
    ExternalName(Text),
    SessionAffinity {
        kind: Text,
        timeout: Option<Text>,
    },
    HealthCheckNodePort(Text),
    IngressClassName(Text),
    Tls(Vec<Text>),
    DefaultBackend(Operand),
    Path {
        host: Option<Text>,
        path_type: Text,
        path: Text,
        service: Operand,
    },

    PodSelector(Vec<Requirement>),
    PolicyTypes(Vec<Text>),
    /// `ingress { }` or `egress { }`
    PolicyRule {
        word: Word,
        body: Block,
    },
    /// `from` or `to`
    Peer {
        word: Word,
        peer: Peer,
    },
    PortRange {
        first: Text,
        last: Text,
    },
    /// `port http`, `port dns/UDP`, and `port UDP` for all of a protocol.
    NamedPort(Text),

    On {
        node: Operand,
        body: Block,
    },
    Command(Text),
    /// Another command that is typed on a machine to look at it.
    Look(Text),
    /// Without an endpoint chance decides again.
    Choose {
        /// The service.
        service: Operand,
        /// The endpoint.
        endpoint: Option<Operand>,
        /// Who chooses so.
        on: Option<Operand>,
    },
    ChoosePort {
        port: Text,
        place: Operand,
    },
    Send {
        from: Operand,
        to: Operand,
        protocol: Text,
        name: Text,
    },
    Open {
        from: Operand,
        to: Operand,
        name: Text,
    },
    /// `send` on an open connection.
    Say {
        connection: Text,
        text: Value,
        by: Option<Text>,
        name: Option<Text>,
    },
    /// `close` and `reset`.
    End {
        word: Word,
        connection: Text,
        by: Option<Text>,
        name: Option<Text>,
    },
    Ping {
        from: Operand,
        to: Operand,
        name: Text,
    },
    /// A packet made to measure, or the same thing several times.
    Craft {
        /// Who sends.
        from: Operand,
        /// To whom.
        to: Operand,
        /// By which protocol; none for an echo.
        protocol: Option<Text>,
        /// What is said of it.
        options: Vec<PacketOption>,
        /// The name for what happens.
        name: Text,
    },
    /// `log "text"`
    Log(Text),
    Get {
        from: Operand,
        url: Value,
        at: Option<Operand>,
        assets: bool,
        name: Text,
    },
    Resolve {
        from: Operand,
        host: Operand,
        kind: Option<Text>,
        name: Text,
    },
    Write {
        place: Operand,
        container: Text,
        path: Text,
        text: Text,
    },
    Wait(Value),
    Fail(Failure),
    Restore(Failure),
    Delete {
        kind: ObjectKind,
        what: Operand,
    },
    /// `set` and `patch`.
    Patch {
        /// Which of them.
        word: Word,
        /// The kind of what changes; none where what is written is none.
        kind: Option<Word>,
        /// What changes.
        what: Operand,
        /// Its fields.
        body: Block,
    },
    Sysctl {
        name: Text,
        value: Text,
    },
    /// What a clause says, as a sentence.
    State(Clause),
    Scale {
        deployment: Operand,
        replicas: Value,
    },
    Trace {
        flow: Text,
        depth: Option<Depth>,
    },
    TraceGet {
        from: Operand,
        url: Value,
    },
    ShowRoutes(Operand),
    ShowConntrack {
        node: Operand,
        protocol: Option<Text>,
        port: Option<Value>,
    },
    ShowIptables {
        node: Operand,
        chain: Text,
    },
    ShowLogs(Operand),
    ShowLog(Operand),
    /// `show metallb log`
    ShowMetallbLog,
    /// `send … tcp flags …`
    Segment {
        /// Who sends.
        from: Operand,
        /// To whom.
        to: Operand,
        /// By which protocol: only TCP has flags.
        protocol: Text,
        /// The flags.
        flags: Vec<Text>,
        /// The name for what happens.
        name: Text,
    },
    /// `kubectl …` or `calicoctl …`
    ShowTool(Text),
    Expect {
        flow: Text,
        often: Option<Often>,
        reply: bool,
        not: bool,
        pattern: Pattern,
        share: Option<Share>,
    },
    /// `explore …`: what would be sent.
    Explore(Box<StatementKind>),
    Assert(Island),

    Test {
        name: Text,
        clauses: Vec<TestClause>,
        body: Block,
    },
    /// The table of a test.
    Cases(Block),
    /// A row of a table, as it is written.
    Row(Text),
    For {
        variable: Text,
        list: Island,
        body: Block,
    },
    /// `for` around declarations, with what stands in its braces as it is written.
    Repeat {
        variable: Text,
        list: Island,
        body: Text,
    },
    /// `if` around declarations.
    When {
        condition: Island,
        then: Text,
        otherwise: Option<Text>,
    },
    If {
        condition: Island,
        then: Block,
        otherwise: Option<Block>,
    },
    /// `include "FILE"`: what the file says, in its place.
    Include(Text),
    /// `apply "FILE"`: the objects of a manifest.
    Apply {
        /// The file.
        path: Text,
        /// What it declares, once it has been read.
        operations: Vec<Operation>,
    },
    /// `load node NAME from "FOLDER"`: a real node, by its dumps.
    Load {
        /// What the node is called.
        name: Text,
        /// The folder.
        path: Text,
        /// The files in it, once they have been read.
        dump: netscene_core::dump::Dump,
    },
    Rhai(Island),

    /// A sentence that could not be read; its block, if it has one, could.
    Faulty(Option<Block>),
}

/// What is said of a test before its braces.
#[derive(Clone, Debug, PartialEq)]
pub enum TestClause {
    /// `tags slow, dns`
    Tags(Vec<Text>),
    /// `skip "why"`
    Skip(Text),
    /// `fails "why"`
    Fails(Text),
}

/// What is expected: `core`'s patterns as they are written.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of `netscene_core::trace::Pattern`")]
#[expect(clippy::large_enum_variant, reason = "as above")]
pub enum Pattern {
    Delivered { to: Option<Operand> },
    Dropped { by: Option<Text>, at: Option<Operand> },
    Rejected { by: Option<Text> },
    Timeout { at: Option<Operand> },
    Unsent,
    Unknown,
    Out { device: Text, at: Option<Operand> },
    Mark { mark: Text, at: Option<Operand> },
    Arp { address: Operand, mac: Value },
    Visits { place: Operand, chains: Vec<Text> },
    Dnat { from: Operand, to: Operand },
    Snat { from: Operand, to: Operand },
    Tunnel { from: Operand, to: Operand },
    Status(Value),
    Answer { address: Operand, via: Option<Operand> },
    Record { record: Text, via: Option<Operand> },
    Conntrack { node: Operand, protocol: Text, original: (Operand, Operand), reply: Option<(Operand, Operand)> },
}

/// `always` or `never`.
#[derive(Clone, Debug, PartialEq)]
pub struct Often {
    /// Where it stands.
    pub span: Span,
    /// Which of them it is.
    pub always: bool,
}

/// `with probability [at least|at most] P`.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Where it stands.
    pub span: Span,
    /// Whether `P` is a bound.
    pub bound: Bound,
    /// The probability.
    pub probability: Value,
}

/// How a number is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bound {
    /// That and no other.
    #[default]
    Exactly,
    /// That or more.
    AtLeast,
    /// That or less.
    AtMost,
}

/// What is broken or mended: `core`'s faults as they are written.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "they are those of `netscene_core::world::Fault`")]
pub enum Failure {
    Node(Operand),
    /// The second is a node or a device.
    Link(Operand, Operand),
    Bgp(Operand, Operand),
    Speaker(Operand),
    KubeProxy(Operand),
    Pod(Operand),
}

impl StatementKind {
    /// Whether it stands among the declarations at the top of a file, and does nothing when its steps run.
    pub(crate) fn declares(&self) -> bool {
        matches!(
            self,
            Self::Cluster { .. }
                | Self::Pool { .. }
                | Self::Node { .. }
                | Self::Host { .. }
                | Self::Router { .. }
                | Self::Zone { .. }
                | Self::Namespace { .. }
                | Self::Apply { .. }
                | Self::Include(_)
                | Self::Load { .. }
                | Self::Rhai(_)
        )
    }

    /// The word it begins with; none for a faulty one.
    #[expect(clippy::too_many_lines, reason = "a line for each kind of sentence")]
    pub fn word(&self) -> Option<Word> {
        Some(match self {
            Self::Cluster { .. } => Word::Cluster,
            Self::Pool { .. } => Word::Pool,
            Self::Node { .. } => Word::Node,
            Self::Host { .. } => Word::Host,
            Self::Router { .. } => Word::Router,
            Self::Device { .. } | Self::OwnDevice { .. } => Word::Device,
            Self::Route { .. } => Word::Route,
            Self::Namespace { .. } => Word::Namespace,
            Self::Workload { word, .. }
            | Self::Version { word, .. }
            | Self::Labels { word, .. }
            | Self::Switch { word, .. }
            | Self::Choice { word, .. }
            | Self::Folder { word, .. }
            | Self::End { word, .. }
            | Self::Patch { word, .. }
            | Self::PolicyRule { word, .. }
            | Self::Peer { word, .. }
            | Self::Cidrs { word, .. } => *word,
            Self::Zone { .. } => Word::Zone,
            Self::Record { .. } => Word::Record,
            Self::DnsConfig(_) => Word::DnsConfig,
            Self::Nameservers(_) => Word::Nameservers,
            Self::Searches(_) => Word::Searches,
            Self::Pod { .. } => Word::Pod,
            Self::Service { .. } => Word::Service,
            Self::Ingress { .. } => Word::Ingress,
            Self::ConfigMap { .. } => Word::ConfigMap,
            Self::NetworkPolicy { .. } => Word::NetworkPolicy,
            Self::PodSelector(_) => Word::PodSelector,
            Self::PolicyTypes(_) => Word::PolicyTypes,
            Self::HostNetwork(_) => Word::HostNetwork,
            Self::Data { .. } => Word::Data,
            Self::PodCidr { .. } => Word::PodCidr,
            Self::ServiceCidr(_) => Word::ServiceCidr,
            Self::Overlay(_) => Word::Overlay,
            Self::Bgp(_) => Word::Bgp,
            Self::Mtu(_) => Word::Mtu,
            Self::Domain(_) => Word::Domain,
            Self::KubeProxy { .. } => Word::KubeProxy,
            Self::NodePortRange(..) => Word::NodePortRange,
            Self::Order(_) => Word::Order,
            Self::MasqueradeBit(_) => Word::MasqueradeBit,
            Self::DetectLocalMode { .. } => Word::DetectLocalMode,
            Self::Replicas { .. } => Word::Replicas,
            Self::ServiceAccount(_) => Word::ServiceAccount,
            Self::Container { .. } => Word::Container,
            Self::Port(_) | Self::PortRange { .. } | Self::NamedPort(_) => Word::Port,
            Self::Serve { .. } => Word::Serve,
            Self::Volume(_) => Word::Volume,
            Self::VolumeMount { .. } => Word::VolumeMount,
            Self::File { .. } => Word::File,
            Self::IngressClassName(_) => Word::IngressClassName,
            Self::Tls(_) => Word::Tls,
            Self::DefaultBackend(_) => Word::DefaultBackend,
            Self::Write { .. } => Word::Write,
            Self::Handler { .. } | Self::On { .. } | Self::Look(_) => Word::On,
            Self::Type(_) => Word::Type,
            Self::ClusterIp(_) => Word::ClusterIp,
            Self::LoadBalancerIp(_) => Word::LoadBalancerIp,
            Self::LoadBalancerClass(_) => Word::LoadBalancerClass,
            Self::Endpoints(_) | Self::EndpointsObject { .. } => Word::Endpoints,
            Self::Addresses(_) => Word::Addresses,
            Self::ExternalIps(_) => Word::ExternalIps,
            Self::ExternalName(_) => Word::ExternalName,
            Self::SessionAffinity { .. } => Word::SessionAffinity,
            Self::HealthCheckNodePort(_) => Word::HealthCheckNodePort,
            Self::Path { .. } => Word::Path,
            Self::Command(_) => Word::Iptables,
            Self::Choose { .. } | Self::ChoosePort { .. } => Word::Choose,
            Self::Craft { protocol: Some(_), .. } | Self::Send { .. } | Self::Segment { .. } | Self::Say { .. } => {
                Word::Send
            }
            Self::Open { .. } => Word::Open,
            Self::Ping { .. } | Self::Craft { protocol: None, .. } => Word::Ping,
            Self::Log(_) => Word::Log,
            Self::Get { .. } => Word::Get,
            Self::Resolve { .. } => Word::Resolve,
            Self::Wait(_) => Word::Wait,
            Self::Fail(_) => Word::Fail,
            Self::Restore(_) => Word::Restore,
            Self::Delete { .. } => Word::Delete,
            Self::Scale { .. } => Word::Scale,
            Self::Sysctl { .. } => Word::Sysctl,
            Self::State(clause) => clause.word,
            Self::Trace { .. } | Self::TraceGet { .. } => Word::Trace,
            Self::ShowRoutes(_)
            | Self::ShowConntrack { .. }
            | Self::ShowIptables { .. }
            | Self::ShowLogs(_)
            | Self::ShowLog(_)
            | Self::ShowMetallbLog
            | Self::ShowTool(_) => Word::Show,
            Self::Expect { .. } => Word::Expect,
            Self::Explore(_) => Word::Explore,
            Self::Assert(_) => Word::Assert,
            Self::Test { .. } => Word::Test,
            Self::Cases(_) | Self::Row(_) => Word::Cases,
            Self::For { .. } | Self::Repeat { .. } => Word::For,
            Self::If { .. } | Self::When { .. } => Word::If,
            Self::Rhai(_) => Word::Rhai,
            Self::Include(_) => Word::Include,
            Self::Apply { .. } => Word::Apply,
            Self::Load { .. } => Word::Load,
            Self::Faulty(_) => return None,
        })
    }

    /// The name that it gives to what it sends.
    pub(crate) fn sent(&self) -> Option<&Text> {
        match self {
            Self::Send { name, .. }
            | Self::Segment { name, .. }
            | Self::Ping { name, .. }
            | Self::Craft { name, .. }
            | Self::Get { name, .. }
            | Self::Open { name, .. }
            | Self::Resolve { name, .. } => Some(name),
            Self::Say { name, .. } | Self::End { name, .. } => name.as_ref(),
            _ => None,
        }
    }

    /// The blocks it has.
    pub fn blocks(&self) -> Vec<&Block> {
        match self {
            Self::Cluster { body, .. }
            | Self::Router { body, .. }
            | Self::Namespace { body, .. }
            | Self::Workload { body, .. }
            | Self::Service { body, .. }
            | Self::Ingress { body, .. }
            | Self::ConfigMap { body, .. }
            | Self::NetworkPolicy { body, .. }
            | Self::EndpointsObject { body, .. }
            | Self::Zone { body, .. }
            | Self::PolicyRule { body, .. }
            | Self::On { body, .. }
            | Self::Test { body, .. }
            | Self::Cases(body)
            | Self::DnsConfig(body)
            | Self::Patch { body, .. }
            | Self::For { body, .. } => vec![body],
            Self::Host { body, .. }
            | Self::Node { body, .. }
            | Self::Pod { body, .. }
            | Self::KubeProxy { body, .. }
            | Self::Container { body, .. }
            | Self::Serve { body, .. }
            | Self::Faulty(body) => body.iter().collect(),
            Self::If { then, otherwise, .. } => std::iter::once(then).chain(otherwise).collect(),
            _ => Vec::new(),
        }
    }

    /// The blocks that commands stand in, to be changed.
    pub(crate) fn blocks_mut(&mut self) -> Vec<&mut Block> {
        match self {
            Self::Test { body, .. } | Self::For { body, .. } => vec![body],
            Self::If { then, otherwise, .. } => std::iter::once(then).chain(otherwise).collect(),
            _ => Vec::new(),
        }
    }
}
