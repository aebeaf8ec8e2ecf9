//! From a command, as it is written, to the operation it is.
//!
//! The same code lowers twice: when a file is checked, with nothing known of the islands, to find what is wrong with the
//! rest; and when it runs, with their values.

mod connections;
mod expect;
mod faults;
mod packet;

use std::net::Ipv4Addr;

use netscene_core::agents::coredns::QueryType;
use netscene_core::kube::{ROUTER, TransportProtocol};
use netscene_core::netfilter::TableName;
use netscene_core::trace::SocketPattern;
use netscene_core::view;
use netscene_core::view::shell::{Conntrack, Listing};
use netscene_core::world::{Choice, Op, Show, Source, Target, TargetHost};

use crate::ast::{Island, Operand, StatementKind, Text, Value, What};
use crate::check::symbols::{Found, Kind, Symbols};
use crate::check::values;
use crate::limits::LONGEST_WAIT;
use crate::suggest::question;
use crate::{Code, Diagnostic, Span};

/// The value of an island, as far as commands can use it.
#[derive(Clone, Debug)]
pub(crate) enum IslandValue {
    /// Text: read as if it stood in the file.
    Text(String),
    /// A number.
    Number(i64),
    /// An endpoint of a service: its pod where a name is wanted, its address and port elsewhere.
    Endpoint {
        /// The pod; empty where it is none.
        name: String,
        address: Ipv4Addr,
        port: u16,
    },
    /// Something else, by what it is called.
    Other(String),
}

type Result<T> = std::result::Result<T, Diagnostic>;

/// Gives the value of an island; `None` while nothing runs.
pub(crate) type Evaluate<'a> = dyn FnMut(&Island) -> Result<Option<IslandValue>> + 'a;

/// Who may send.
const SENDERS: &[Kind] = &[Kind::Pod, Kind::Deployment, Kind::Node, Kind::Host];
/// Who chooses among endpoints: kube-proxy on a node; ingress-nginx and CoreDNS in their pods.
const CHOOSERS: &[Kind] = &[Kind::Node, Kind::Pod, Kind::Deployment];
/// What may be sent to. Of several things that one bare name may mean, the first counts, as in `World`: a service, as it
/// would for a pod that asks DNS.
const TARGETS: &[Kind] = &[Kind::Service, Kind::Pod, Kind::Node, Kind::Host, Kind::Deployment];

/// Lowers commands.
pub(crate) struct Lowering<'a> {
    pub(crate) symbols: &'a Symbols,
    pub(crate) evaluate: &'a mut Evaluate<'a>,
}

/// What an operand turns out to be.
enum Meant {
    Name(String, Option<u16>),
    Address(Ipv4Addr, Option<u16>),
    Endpoint {
        name: String,
        address: Ipv4Addr,
        port: u16,
    },
    /// Not known before it runs.
    Later,
}

impl Lowering<'_> {
    /// The operations that a command is; none for a sentence that is no command, or that is not lowered here.
    pub(crate) fn command(&mut self, kind: &StatementKind) -> Result<Vec<Op>> {
        let op = match kind {
            StatementKind::Choose { service, endpoint, on } => {
                Op::Choose(self.choice(service, endpoint.as_ref(), on.as_ref())?)
            }
            StatementKind::Explore(sent) => {
                // Each of these is one operation.
                let Some(what) = self.command(sent)?.pop() else { return Ok(Vec::new()) };
                Op::Explore { what: Box::new(what) }
            }
            StatementKind::ChoosePort { port, place } => {
                let (port, protocol) = values::port_protocol(port)?;
                Op::Choose(Choice::Port { place: self.name(place, SENDERS)?, protocol, port })
            }
            StatementKind::Send { from, to, protocol, name } => {
                let (from, target) = (self.source(from)?, self.target(to)?);
                let protocol = values::protocol(&protocol.text, protocol.span)?;
                if target.port.is_none() && !matches!(to.what, What::Island(_)) {
                    let diagnostic = Diagnostic::error(Code::Missing, "there is no port to send to");
                    return Err(diagnostic.at(to.span, "expected a `:PORT` behind it"));
                }
                Op::Send { from, to: target, protocol, name: name.text.clone() }
            }
            StatementKind::Segment { from, to, protocol, flags, name } => {
                self.segment((from, to), protocol, flags, name)?
            }
            StatementKind::Open { from, to, name } => self.open(from, to, name)?,
            StatementKind::Say { connection, text, by, name } => {
                self.say(connection, text, by.as_ref(), name.as_ref())?
            }
            StatementKind::End { word, connection, by, name } => {
                connections::end(*word, connection, by.as_ref(), name.as_ref())?
            }
            StatementKind::Craft { from, to, protocol, options, name } => {
                self.craft((from, to), protocol.as_ref(), options, name)?
            }
            StatementKind::Ping { from, to, name } => {
                if let Some(port) = to.port.as_ref().or(from.port.as_ref()) {
                    let diagnostic = Diagnostic::error(Code::BadValue, "ICMP has no ports");
                    return Err(diagnostic.at(port.span, "leave the port out"));
                }
                Op::Ping { from: self.source(from)?, to: self.target(to)?, name: name.text.clone() }
            }
            StatementKind::Get { from, url, at, assets, name } => Op::Get {
                from: self.source(from)?,
                url: self.url(url)?,
                at: at.as_ref().map(|at| self.address(at)).transpose()?,
                assets: *assets,
                name: name.text.clone(),
            },
            StatementKind::Write { place, container, path, text } => Op::Write {
                place: self.name(place, SENDERS)?,
                container: container.text.clone(),
                path: path.text.clone(),
                text: text.text.clone(),
            },
            StatementKind::Resolve { from, host, kind, name } => {
                let kind = kind.as_ref().map(|kind| values::choice("type of record", kind, &QueryType::NAMED));
                let kind = kind.transpose()?;
                let host = self.host(host, kind)?;
                Op::Resolve { from: self.source(from)?, host, kind, name: name.text.clone() }
            }
            StatementKind::Wait(duration) => Op::Wait { duration: self.wait(duration)? },
            StatementKind::Fail(fault) => Op::Fail { what: self.fault(fault)? },
            StatementKind::Restore(fault) => Op::Restore { what: self.fault(fault)? },
            StatementKind::Delete { kind, what } => Op::Delete { kind: *kind, name: self.deleted(*kind, what)? },
            StatementKind::Scale { deployment, replicas } => Op::Scale {
                deployment: self.name(deployment, &[Kind::Deployment])?,
                replicas: self.parsed("number of pods", replicas, 0)?,
            },
            StatementKind::Trace { flow, depth } => Op::Trace { name: flow.text.clone(), depth: *depth },
            StatementKind::TraceGet { from, url } => {
                let get = Op::Get {
                    from: self.source(from)?,
                    url: self.url(url)?,
                    at: None,
                    assets: false,
                    name: String::new(),
                };
                return Ok(vec![get, Op::Trace { name: String::new(), depth: None }]);
            }
            StatementKind::ShowRoutes(on) => Op::Show(Show::Routes { on: self.place(on)? }),
            StatementKind::ShowConntrack { node, protocol, port } => Op::Show(Show::Conntrack {
                on: self.node(node)?,
                protocol: protocol.as_ref().map(|text| values::protocol(&text.text, text.span)).transpose()?,
                destination_port: port.as_ref().map(|port| self.port(port)).transpose()?,
            }),
            StatementKind::ShowIptables { node, chain } => {
                let (table, chain) = table_and_chain(chain)?;
                Op::Show(Show::Iptables { on: self.node(node)?, table, chain })
            }
            StatementKind::ShowTool(command) => tool(command)?,
            StatementKind::ShowMetallbLog => Op::Show(Show::MetallbLog),
            StatementKind::ShowLogs(on) => Op::Show(Show::Logs { on: self.place(on)? }),
            StatementKind::ShowLog(on) => Op::Show(Show::Log { on: self.node(on)? }),
            StatementKind::Expect { .. } => Op::Expect(self.expectation(kind)?),
            _ => return Ok(Vec::new()),
        };
        Ok(vec![op])
    }

    /// What a command is that is typed at a place; of `iptables` the text is what follows the name.
    pub(crate) fn typed(&mut self, place: &Operand, command: &Text, iptables: bool) -> Result<Op> {
        if iptables && !Listing::is_asked_for(&command.text) {
            return Ok(Op::Iptables { node: self.place(place)?, arguments: command.text.clone() });
        }
        if let Some(arguments) = command.text.strip_prefix("conntrack").filter(|_| Conntrack::changes(&command.text)) {
            let op = Op::Conntrack { on: self.place(place)?, arguments: arguments.to_owned() };
            return Conntrack::parse(arguments).map(|_| op).map_err(|error| {
                let start = command.span.start as usize + "conntrack".len();
                let span = Span::new(command.span.file, start + error.at.start, start + error.at.end);
                Diagnostic::error(Code::BadValue, error.problem).at(span, error.hint)
            });
        }
        let line = if iptables { format!("iptables {}", command.text) } else { command.text.clone() };
        let op = Op::Shell { on: self.place(place)?, command: line.clone() };
        view::shell::Command::parse(&line).map(|_| op).map_err(|error| {
            // The span of `iptables …` begins at the name, and so does the line.
            let start = command.span.start as usize;
            let span = Span::new(command.span.file, start + error.at.start, start + error.at.end);
            Diagnostic::error(Code::BadValue, error.problem).at(span, error.hint)
        })
    }

    fn choice(&mut self, service: &Operand, endpoint: Option<&Operand>, on: Option<&Operand>) -> Result<Choice> {
        let service = self.name(service, &[Kind::Service])?;
        let endpoint = endpoint.map(|endpoint| self.endpoint(endpoint)).transpose()?;
        let on = on.map(|on| self.name(on, CHOOSERS)).transpose()?;
        Ok(match endpoint {
            Some(endpoint) => Choice::Endpoint { service, endpoint, on },
            None => Choice::AnyEndpoint { service, on },
        })
    }

    fn meant(&mut self, operand: &Operand) -> Result<Meant> {
        let port = operand.port.as_ref().map(|port| values::port(&port.text, port.span)).transpose()?;
        match &operand.what {
            What::Name(name) => Ok(Meant::Name(name.clone(), port)),
            What::Address(address) => Ok(Meant::Address(values::address(address, operand.span)?, port)),
            What::Island(island) => match (self.evaluate)(island)? {
                None => Ok(Meant::Later),
                Some(IslandValue::Endpoint { address, .. }) if port.is_some() => Ok(Meant::Address(address, port)),
                Some(IslandValue::Endpoint { name, address, port }) => Ok(Meant::Endpoint { name, address, port }),
                Some(IslandValue::Text(text)) => {
                    let (host, own) = match text.rsplit_once(':') {
                        Some((host, own)) => (host, Some(values::port(own, island.span)?)),
                        None => (text.as_str(), None),
                    };
                    let port = port.or(own);
                    Ok(host.parse().map_or_else(|_| Meant::Name(host.to_owned(), port), |at| Meant::Address(at, port)))
                }
                Some(other) => Err(unfit(island.span, &other, "a name or an address")),
            },
        }
    }

    /// A name of one of `kinds`, without what it says of its kind.
    fn name(&mut self, operand: &Operand, kinds: &[Kind]) -> Result<String> {
        match self.meant(operand)? {
            Meant::Name(_, Some(_)) => Err(no_port(operand)),
            Meant::Name(name, None) => Ok(self.symbols.resolve(&name, operand.span, kinds)?.name),
            Meant::Endpoint { name, .. } if !name.is_empty() && kinds.contains(&Kind::Pod) => Ok(name),
            Meant::Later => Ok(String::new()),
            Meant::Address(..) | Meant::Endpoint { .. } => Err(wrong(operand, "a name")),
        }
    }

    pub(crate) fn node(&mut self, operand: &Operand) -> Result<String> {
        self.name(operand, &[Kind::Node])
    }

    /// Any namespace of the network that has a name; the gateway is one that nobody declares.
    pub(crate) fn place(&mut self, operand: &Operand) -> Result<String> {
        match &operand.what {
            What::Name(name) if name == ROUTER && operand.port.is_none() => Ok(name.clone()),
            What::Name(name) if operand.port.is_none() => {
                Ok(with_kind(name, self.symbols.resolve(name, operand.span, SENDERS)?))
            }
            _ => self.name(operand, SENDERS),
        }
    }

    pub(crate) fn service(&mut self, operand: &Operand) -> Result<String> {
        self.name(operand, &[Kind::Service])
    }

    fn endpoint(&mut self, operand: &Operand) -> Result<String> {
        match self.meant(operand)? {
            Meant::Address(address, None) => Ok(address.to_string()),
            Meant::Endpoint { name, address, .. } if name.is_empty() => Ok(address.to_string()),
            Meant::Endpoint { name, .. } => Ok(name),
            Meant::Name(name, None) => Ok(self.symbols.resolve(&name, operand.span, &[Kind::Pod])?.name),
            Meant::Later => Ok(String::new()),
            Meant::Address(..) | Meant::Name(..) => Err(no_port(operand)),
        }
    }

    fn source(&mut self, operand: &Operand) -> Result<Source> {
        match self.meant(operand)? {
            Meant::Name(name, port) if name == ROUTER => Ok(Source { name, port }),
            Meant::Name(name, port) => {
                Ok(Source { name: with_kind(&name, self.symbols.resolve(&name, operand.span, SENDERS)?), port })
            }
            Meant::Endpoint { name, .. } if !name.is_empty() => Ok(Source { name, port: None }),
            Meant::Later => Ok(Source { name: String::new(), port: None }),
            Meant::Address(..) | Meant::Endpoint { .. } => Err(wrong(operand, "the name of who sends")),
        }
    }

    fn target(&mut self, operand: &Operand) -> Result<Target> {
        let (host, port) = match self.meant(operand)? {
            Meant::Name(name, port) => {
                let found = self.symbols.resolve(&name, operand.span, TARGETS)?;
                (TargetHost::Name(with_kind(&name, found)), port)
            }
            Meant::Address(address, port) => (TargetHost::Address(address), port),
            Meant::Endpoint { address, port, .. } => (TargetHost::Address(address), Some(port)),
            Meant::Later => (TargetHost::Address(Ipv4Addr::UNSPECIFIED), None),
        };
        Ok(Target { host, port })
    }

    /// A host's name as it is handed to a resolver; of an address, the name that its own name stands under.
    fn host(&mut self, operand: &Operand, kind: Option<QueryType>) -> Result<String> {
        match self.meant(operand)? {
            Meant::Address(address, None) if kind == Some(QueryType::Ptr) => {
                let [a, b, c, d] = address.octets();
                Ok(format!("{d}.{c}.{b}.{a}.in-addr.arpa."))
            }
            Meant::Name(name, None) => Ok(name),
            Meant::Later => Ok(String::new()),
            Meant::Name(..) => Err(no_port(operand)),
            Meant::Address(..) | Meant::Endpoint { .. } => Err(wrong(operand, "a name to resolve")),
        }
    }

    pub(crate) fn socket(&mut self, operand: &Operand) -> Result<SocketPattern> {
        match self.meant(operand)? {
            Meant::Address(address, port) => Ok(SocketPattern { address, port }),
            Meant::Endpoint { address, port, .. } => Ok(SocketPattern { address, port: Some(port) }),
            Meant::Later => Ok(SocketPattern { address: Ipv4Addr::UNSPECIFIED, port: None }),
            Meant::Name(..) => Err(wrong(operand, "an address")),
        }
    }

    pub(crate) fn address(&mut self, operand: &Operand) -> Result<Ipv4Addr> {
        if operand.port.is_some() {
            return Err(no_port(operand));
        }
        Ok(self.socket(operand)?.address)
    }

    /// A value as text; `None` while its island has no value.
    fn text(&mut self, value: &Value) -> Result<Option<Text>> {
        match value {
            Value::Text(text) => Ok(Some(text.clone())),
            Value::Island(island) => match (self.evaluate)(island)? {
                None => Ok(None),
                Some(IslandValue::Text(text)) => Ok(Some(Text { span: island.span, text })),
                Some(IslandValue::Number(number)) => Ok(Some(Text { span: island.span, text: number.to_string() })),
                Some(other) => Err(unfit(island.span, &other, "text or a number")),
            },
        }
    }

    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        what: &str,
        value: &Value,
        meanwhile: T,
    ) -> Result<T> {
        self.text(value)?.map_or(Ok(meanwhile), |text| values::parsed(what, &text))
    }

    fn port(&mut self, value: &Value) -> Result<u16> {
        self.text(value)?.map_or(Ok(1), |text| values::port(&text.text, text.span))
    }

    fn duration(&mut self, value: &Value) -> Result<std::time::Duration> {
        self.text(value)?.map_or(Ok(std::time::Duration::ZERO), |text| values::duration(&text.text, text.span))
    }

    /// How long to wait: each second of it may be full of events.
    fn wait(&mut self, value: &Value) -> Result<std::time::Duration> {
        let duration = self.duration(value)?;
        if duration > LONGEST_WAIT {
            let span = match value {
                Value::Text(text) => text.span,
                Value::Island(island) => island.span,
            };
            let diagnostic = Diagnostic::error(Code::TooMuch, "nobody waits that long");
            let label = format!("one `wait` is at most {}h, a year", LONGEST_WAIT.as_secs() / 3600);
            return Err(diagnostic.at(span, label));
        }
        Ok(duration)
    }

    fn url(&mut self, value: &Value) -> Result<String> {
        let Some(text) = self.text(value)? else { return Ok(String::new()) };
        let bad = |label: &str| {
            Err(Diagnostic::error(Code::BadValue, format!("`{}` is no URL to fetch", text.text)).at(text.span, label))
        };
        let rest = text.text.strip_prefix("http://").or_else(|| text.text.strip_prefix("https://"));
        let Some(rest) = rest else { return bad("expected http://HOST[:PORT]/PATH") };
        let host = rest.split('/').next().unwrap_or_default();
        match host.split_once(':') {
            _ if host.is_empty() => bad("there is no host in it"),
            Some((_, port)) => values::port(port, text.span).map(|_| text.text.clone()),
            None => Ok(text.text.clone()),
        }
    }
}

/// The name that was found, with its kind where that was written, because things of several kinds may have the same name.
fn with_kind(written: &str, found: Found) -> String {
    let kind = format!("{}/", found.kind);
    // A namespace may be called as a kind is.
    if written.starts_with(kind.as_str()) && written != found.name { kind + found.name.as_str() } else { found.name }
}

/// The command line of a tool that looks at the cluster.
fn tool(command: &Text) -> Result<Op> {
    let (tool, arguments) = command.text.split_once(char::is_whitespace).unwrap_or((&command.text, ""));
    let arguments = arguments.to_owned();
    let (read, op) = match tool {
        "calicoctl" => (view::calicoctl::Command::parse(&arguments).map(drop), Op::Calicoctl { arguments }),
        _ => (view::kubectl::Command::parse(&arguments).map(drop), Op::Kubectl { arguments }),
    };
    read.map(|()| op).map_err(|error| {
        let start = command.span.start as usize + tool.len() + usize::from(command.text.len() > tool.len());
        let (start, end) = (start + error.at.start, start + error.at.end);
        Diagnostic::error(Code::BadValue, format!("{tool}: {}", error.problem))
            .at(Span::new(command.span.file, start, end), error.hint)
    })
}

/// `nat` or `nat/KUBE-SERVICES`.
fn table_and_chain(text: &Text) -> Result<(TableName, Option<String>)> {
    let (table, chain) = match text.text.split_once('/') {
        Some((table, chain)) => (table, Some(chain.to_owned())),
        None => (text.text.as_str(), None),
    };
    let found = TableName::from_name(table).ok_or_else(|| {
        let names = TableName::ALL.map(TableName::as_str);
        let label = question(table, names).unwrap_or_else(|| "expected raw, mangle, nat or filter".to_owned());
        Diagnostic::error(Code::BadValue, format!("there is no table `{table}`")).at(text.span, label)
    })?;
    Ok((found, chain))
}

/// A chain in an expectation: the table, where it is given, is one of the four.
pub(crate) fn chain(text: &Text) -> Result<String> {
    if text.text.contains('/') {
        table_and_chain(text)?;
    }
    Ok(text.text.clone())
}

fn no_port(operand: &Operand) -> Diagnostic {
    let span = operand.port.as_ref().map_or(operand.span, |port| port.span);
    Diagnostic::error(Code::BadValue, "there is no port here").at(span, "leave the port out")
}

fn wrong(operand: &Operand, expected: &str) -> Diagnostic {
    let code = if matches!(operand.what, What::Island(_)) { Code::BadIsland } else { Code::BadValue };
    Diagnostic::error(code, format!("expected {expected}")).at(operand.span, format!("this is not {expected}"))
}

fn unfit(span: Span, value: &IslandValue, expected: &str) -> Diagnostic {
    let is = match value {
        IslandValue::Text(text) => format!("the text \"{text}\""),
        IslandValue::Number(number) => format!("the number {number}"),
        IslandValue::Endpoint { .. } => "an endpoint".to_owned(),
        IslandValue::Other(what) => what.clone(),
    };
    Diagnostic::error(Code::BadIsland, format!("expected {expected}")).at(span, format!("this is {is}"))
}

/// `tcp`, `udp` or `icmp`.
pub(crate) fn tracked_protocol(text: &Text) -> Result<String> {
    let choices = [("tcp", TransportProtocol::Tcp.lower()), ("udp", TransportProtocol::Udp.lower()), ("icmp", "icmp")];
    values::choice("protocol that is tracked", text, &choices).map(str::to_owned)
}
