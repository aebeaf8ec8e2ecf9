//! What islands are given: the objects of the table in [`api`](crate::api), as Rhai's types.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use netscene_core::packet::{Body, protocol};
use netscene_core::trace::{self, DropReason, End, FlowOutcome, Step};
use rhai::{Array, Dynamic, Engine};

use super::world;
use crate::lower::IslandValue;
use crate::script::MOST_ITEMS;

/// A flow.
#[derive(Clone)]
pub(super) struct Flow(pub(super) Arc<trace::Flow>);

/// A packet of a flow, by its number.
#[derive(Clone)]
struct Packet(Arc<trace::Flow>, usize);

/// A stay of a packet in one namespace: a run of hops of a packet of a flow.
///
/// The engine keeps a hop for the packet and one for the packet it travels in, so that a node at either end of a tunnel
/// has two. Who asks for the path of a packet wants the node once, with the devices of the packet itself.
#[derive(Clone)]
struct Hop(Arc<trace::Flow>, usize, Range<usize>);

#[derive(Clone)]
struct Asset(trace::Asset);

#[derive(Clone)]
struct Way(Arc<trace::Ways>, usize);

#[derive(Clone)]
struct Decision(trace::Decision);

#[derive(Clone)]
struct Endpoint(world::Endpoint);

#[derive(Clone)]
pub(super) struct Service(Rc<world::Service>);

#[derive(Clone)]
pub(super) struct Pod(pub(super) world::Pod);

#[derive(Clone)]
pub(super) struct Node(pub(super) world::Node);

pub(super) fn service(service: world::Service) -> Service {
    Service(Rc::new(service))
}

/// The ways as a list.
pub(super) fn ways(ways: &Arc<trace::Ways>) -> Dynamic {
    (0..ways.ways.len()).map(|at| Dynamic::from(Way(ways.clone(), at))).collect::<Array>().into()
}

/// The ways that a list is made of, if it is one of ways.
pub(super) fn explored(value: &Dynamic) -> Option<Arc<trace::Ways>> {
    value.as_array_ref().ok()?.first()?.clone().try_cast::<Way>().map(|way| way.0)
}

impl Way {
    fn get(&self) -> Option<&trace::Way> {
        self.0.ways.get(self.1)
    }
}

impl Flow {
    /// The first packet by which the client asked: a page is asked for after its name has been.
    fn request(&self) -> Packet {
        let first = self.0.requests().next().map(|packet| packet.id);
        let place = self.0.packets.iter().position(|packet| Some(packet.id) == first);
        Packet(self.0.clone(), place.unwrap_or_default())
    }
}

impl Packet {
    fn get(&self) -> Option<&trace::PacketTrace> {
        self.0.packets.get(self.1)
    }

    /// The packet as it was sent.
    fn first(&self) -> Option<&netscene_core::packet::Packet> {
        Some(&self.get()?.hops.first()?.before)
    }

    fn hops(&self) -> Array {
        let Some(packet) = self.get() else { return Array::new() };
        let mut start = 0;
        let stays = packet.hops.chunk_by(|one, next| one.place == next.place).map(|stay| {
            let range = start..start + stay.len();
            start = range.end;
            Dynamic::from(Hop(self.0.clone(), self.1, range))
        });
        stays.collect()
    }
}

impl Hop {
    fn all(&self) -> &[trace::Hop] {
        self.0.packets.get(self.1).and_then(|packet| packet.hops.get(self.2.clone())).unwrap_or_default()
    }

    /// The hops of the packet itself, where there is one; else those of what it travels in.
    fn own(&self) -> impl DoubleEndedIterator<Item = &trace::Hop> {
        let inside = |hop: &&trace::Hop| !matches!(hop.before.body, Body::Ipip(_));
        let any = self.all().iter().any(|hop| inside(&hop));
        self.all().iter().filter(move |hop| !any || inside(hop))
    }

    fn first(&self) -> Option<&trace::Hop> {
        self.own().next()
    }

    fn last(&self) -> Option<&trace::Hop> {
        self.own().next_back()
    }

    /// Why it was dropped.
    fn dropped(&self) -> Option<&DropReason> {
        self.all().iter().find_map(|hop| match &hop.end {
            End::Dropped(reason) => Some(reason),
            _ => None,
        })
    }
}

/// A value that may be missing: nothing is Rhai's `()`.
fn maybe<T: Into<Dynamic>>(value: Option<T>) -> Dynamic {
    value.map_or(Dynamic::UNIT, Into::into)
}

fn text(value: &impl ToString) -> Dynamic {
    value.to_string().into()
}

/// Registers every property.
pub(super) fn register(engine: &mut Engine) {
    register_flow(engine);
    engine
        .register_type_with_name::<Packet>("packet")
        .register_get("hops", |packet: &mut Packet| packet.hops())
        .register_get("source", |packet: &mut Packet| maybe(packet.first().map(|first| first.ends().0)))
        .register_get("destination", |packet: &mut Packet| maybe(packet.first().map(|first| first.ends().1)))
        .register_get("protocol", |packet: &mut Packet| {
            maybe(packet.first().map(|first| protocol_name(first.protocol())))
        });
    register_hop(engine);
    engine
        .register_type_with_name::<Way>("way")
        .register_get("probability", |way: &mut Way| maybe(way.get().map(|way| text(&way.probability))))
        .register_get("flow", |way: &mut Way| maybe(way.get().map(|way| Dynamic::from(Flow(way.flow.clone())))))
        .register_get("decisions", |way: &mut Way| -> Array {
            let decisions = way.get().into_iter().flat_map(|way| &way.decisions);
            decisions.map(|decision| Dynamic::from(Decision(decision.clone()))).collect()
        });
    engine
        .register_type_with_name::<Decision>("decision")
        .register_get("place", |decision: &mut Decision| decision.0.place.to_string())
        .register_get("about", |decision: &mut Decision| decision.0.about.clone())
        .register_get("taken", |decision: &mut Decision| decision.0.taken.clone());
    engine
        .register_type_with_name::<Asset>("asset")
        .register_get("url", |asset: &mut Asset| asset.0.url.clone())
        .register_get("status", |asset: &mut Asset| maybe(asset.0.status.map(i64::from)))
        .register_get("type", |asset: &mut Asset| asset.0.content_type.clone())
        .register_get("body", |asset: &mut Asset| asset.0.body.clone())
        .register_get("ok", |asset: &mut Asset| asset.0.is_whole());
    engine
        .register_type_with_name::<Endpoint>("endpoint")
        .register_get("name", |endpoint: &mut Endpoint| endpoint.0.name.clone())
        .register_get("node", |endpoint: &mut Endpoint| endpoint.0.node.clone())
        .register_get("address", |endpoint: &mut Endpoint| endpoint.0.address.to_string())
        .register_get("port", |endpoint: &mut Endpoint| i64::from(endpoint.0.port));
    engine
        .register_type_with_name::<Service>("service")
        .register_get("name", |service: &mut Service| service.0.name.clone())
        .register_get("clusterIP", |service: &mut Service| maybe(service.0.cluster_ip.as_ref().map(text)))
        .register_get("loadBalancerIP", |service: &mut Service| maybe(service.0.load_balancer_ip.as_ref().map(text)))
        .register_get("endpoints", |service: &mut Service| -> Array {
            service.0.endpoints.iter().map(|endpoint| Dynamic::from(Endpoint(endpoint.clone()))).collect()
        });
    engine
        .register_type_with_name::<Pod>("pod")
        .register_get("name", |pod: &mut Pod| pod.0.name.clone())
        .register_get("node", |pod: &mut Pod| pod.0.node.clone())
        .register_get("address", |pod: &mut Pod| pod.0.address.to_string());
    engine
        .register_type_with_name::<Node>("node")
        .register_get("name", |node: &mut Node| node.0.name.clone())
        .register_get("address", |node: &mut Node| node.0.address.to_string());
}

fn register_flow(engine: &mut Engine) {
    engine
        .register_type_with_name::<Flow>("flow")
        .register_get("name", |flow: &mut Flow| flow.0.name.clone())
        .register_get("from", |flow: &mut Flow| flow.0.from.to_string())
        .register_get("outcome", |flow: &mut Flow| match flow.0.outcome {
            FlowOutcome::Delivered { .. } => "delivered",
            FlowOutcome::Rejected { .. } => "rejected",
            FlowOutcome::Dropped { .. } => "dropped",
            FlowOutcome::Unsent { .. } => "unsent",
            FlowOutcome::Timeout { .. } => "timeout",
        })
        .register_get("delivered", |flow: &mut Flow| matches!(flow.0.outcome, FlowOutcome::Delivered { .. }))
        .register_get("to", |flow: &mut Flow| match &flow.0.outcome {
            FlowOutcome::Delivered { to } => text(to),
            _ => Dynamic::UNIT,
        })
        .register_get("status", |flow: &mut Flow| maybe(flow.0.http.as_ref().map(|http| i64::from(http.status))))
        .register_get("body", |flow: &mut Flow| {
            let page = flow.0.http.as_ref().map(|http| &http.body);
            maybe(page.or(flow.0.received.as_ref()).cloned())
        })
        .register_get("location", |flow: &mut Flow| maybe(flow.0.http.as_ref().and_then(|http| http.location.clone())))
        .register_get("assets", |flow: &mut Flow| -> Array {
            let assets = flow.0.http.iter().flat_map(|http| &http.assets);
            assets.map(|asset| Dynamic::from(Asset(asset.clone()))).collect()
        })
        .register_get("answer", |flow: &mut Flow| -> Array {
            flow.0.dns.iter().flat_map(|dns| &dns.addresses).map(text).collect()
        })
        .register_get("records", |flow: &mut Flow| -> Array {
            flow.0.dns.iter().flat_map(|dns| &dns.records).map(text).collect()
        })
        .register_get("code", |flow: &mut Flow| maybe(flow.0.dns.as_ref().map(|dns| dns.code)))
        .register_get("server", |flow: &mut Flow| {
            let http = flow.0.http.as_ref().map(|http| http.server);
            maybe(http.or(flow.0.dns.as_ref().map(|dns| dns.server)).as_ref().map(text))
        })
        .register_get("hops", |flow: &mut Flow| flow.request().hops())
        .register_get("packets", |flow: &mut Flow| -> Array {
            (0..flow.0.packets.len()).map(|packet| Dynamic::from(Packet(flow.0.clone(), packet))).collect()
        })
        .register_get("took", |flow: &mut Flow| -> i64 {
            let last = flow.0.packets.iter().flat_map(|packet| &packet.hops).map(|hop| hop.time).max();
            last.map_or(0, |last| i64::try_from((last - flow.0.started).as_millis()).unwrap_or(i64::MAX))
        })
        .register_get("each", |flow: &mut Flow| -> Array {
            flow.0.each.iter().map(|one| Dynamic::from(Flow(one.clone()))).collect()
        });
}

fn register_hop(engine: &mut Engine) {
    let device =
        |device: Option<netscene_core::packet::DeviceName>| device.map(|name| name.to_string()).unwrap_or_default();
    engine
        .register_type_with_name::<Hop>("hop")
        .register_get("node", |hop: &mut Hop| maybe(hop.first().map(|hop| text(&hop.place))))
        .register_get("in_device", move |hop: &mut Hop| maybe(hop.first().map(|hop| device(hop.in_device))))
        .register_get("out", move |hop: &mut Hop| maybe(hop.last().map(|hop| device(hop.out_device))))
        .register_get("time", |hop: &mut Hop| maybe(hop.all().first().map(|hop| text(&hop.time))))
        .register_get("source", |hop: &mut Hop| maybe(hop.first().map(|hop| hop.before.ends().0)))
        .register_get("destination", |hop: &mut Hop| maybe(hop.first().map(|hop| hop.before.ends().1)))
        .register_get("chains", |hop: &mut Hop| chains(hop.all()))
        .register_get("dropped", |hop: &mut Hop| hop.dropped().is_some())
        .register_get("reason", |hop: &mut Hop| hop.dropped().map(ToString::to_string).unwrap_or_default());
}

/// `table/chain` for each chain that something happened in, in order.
fn chains(hops: &[trace::Hop]) -> Array {
    let met = hops.iter().flat_map(|hop| &hop.steps).filter_map(|step| match step {
        Step::Rule(hit) => Some(format!("{}/{}", hit.table, hit.chain)),
        Step::ChainEnd { table, chain, .. } => Some(format!("{table}/{chain}")),
        _ => None,
    });
    let mut chains: Vec<String> = met.collect();
    chains.dedup();
    chains.into_iter().map(Dynamic::from).collect()
}

fn protocol_name(number: u8) -> String {
    protocol::name(number).map_or_else(|| number.to_string(), str::to_owned)
}

/// What a command can make of the value of an island.
pub(super) fn for_command(value: &Dynamic) -> IslandValue {
    if let Some(Endpoint(endpoint)) = value.clone().try_cast() {
        let world::Endpoint { name, address, port, .. } = endpoint;
        IslandValue::Endpoint { name, address, port }
    } else if let Some(Pod(pod)) = value.clone().try_cast() {
        IslandValue::Text(pod.name)
    } else if let Some(Node(node)) = value.clone().try_cast() {
        IslandValue::Text(node.name)
    } else if let Some(Service(service)) = value.clone().try_cast() {
        IslandValue::Text(format!("service/{}", service.name))
    } else if let Ok(text) = value.as_immutable_string_ref() {
        IslandValue::Text(text.to_string())
    } else if let Ok(number) = value.as_int() {
        IslandValue::Number(number)
    } else {
        IslandValue::Other(show(value))
    }
}

/// What kind of thing a value is.
pub(crate) fn kind(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "()" => "nothing",
        "i64" => "a number",
        "f64" => "a fraction",
        "bool" => "true or false",
        "string" | "char" => "text",
        "array" => "a list",
        "map" => "a map",
        "range" | "range=" => "a range",
        name if name.contains("Range") => "a range with steps",
        name if name.ends_with("::Flow") => "a flow",
        name if name.ends_with("::Packet") => "a packet",
        name if name.ends_with("::Hop") => "a hop",
        name if name.ends_with("::Way") => "a way",
        name if name.ends_with("::Decision") => "a decision",
        name if name.contains("Range") => "a range",
        name if name.ends_with("::Endpoint") => "an endpoint",
        name if name.ends_with("::Asset") => "an asset",
        name if name.ends_with("::Service") => "a service",
        name if name.ends_with("::Pod") => "a pod",
        name if name.ends_with("::Node") => "a node",
        _ => "a function",
    }
}

/// Why a value has no items to go through.
pub(crate) enum NoItems {
    /// It is neither a list nor a range.
    NoList,
    /// It is a range of more than a list may have.
    TooMany,
}

/// The elements of a list, or the numbers of a range such as `0..5`.
pub(crate) fn items(value: Dynamic) -> Result<Vec<Dynamic>, NoItems> {
    let numbers = if let Some(range) = value.clone().try_cast::<Range<i64>>() {
        range.start..range.end
    } else if let Some(range) = value.clone().try_cast::<std::ops::RangeInclusive<i64>>() {
        *range.start()..range.end().saturating_add(1)
    } else {
        return value.into_array().map_err(|_| NoItems::NoList);
    };
    let count = usize::try_from(numbers.end.saturating_sub(numbers.start)).unwrap_or_default();
    if count > MOST_ITEMS {
        return Err(NoItems::TooMany);
    }
    Ok(numbers.map(Dynamic::from).collect())
}

/// The longest list that is shown whole.
const SHOWN: usize = 8;

/// A value, for people.
pub(super) fn show(value: &Dynamic) -> String {
    if let Ok(text) = value.as_immutable_string_ref() {
        return format!("\"{}\"", *text);
    }
    if let Ok(items) = value.as_array_ref() {
        let shown: Vec<_> = items.iter().take(SHOWN).map(show).collect();
        let more =
            items.len().checked_sub(SHOWN + 1).map(|more| format!(", and {} more", more + 1)).unwrap_or_default();
        return format!("[{}{more}]", shown.join(", "));
    }
    if let Some(hop) = value.clone().try_cast::<Hop>() {
        return hop.first().map_or_else(String::new, |hop| format!("the hop at {}", hop.place));
    }
    match for_simple(value) {
        Some(text) => text,
        None => kind(value).to_owned(),
    }
}

/// A value in a text: without the quotes that would show it to be one.
pub(crate) fn for_text(value: &Dynamic) -> Option<String> {
    match value.as_immutable_string_ref() {
        Ok(text) => Some(text.to_string()),
        Err(_) => for_simple(value),
    }
}

fn for_simple(value: &Dynamic) -> Option<String> {
    if value.is::<Endpoint>() || value.is::<Pod>() || value.is::<Node>() || value.is::<Service>() {
        return Some(match for_command(value) {
            IslandValue::Endpoint { name, address, port } if name.is_empty() => format!("{address}:{port}"),
            IslandValue::Endpoint { name, .. } | IslandValue::Text(name) => name,
            _ => return None,
        });
    }
    (value.is_int() || value.is_bool() || value.is_char() || value.is_float()).then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use netscene_core::Time;
    use netscene_core::packet::{DeviceName, Packet as Datagram, Udp};
    use netscene_core::trace::{FlowKind, Hop as TraceHop, PacketId, PacketTrace};
    use rhai::Scope;

    use super::*;
    use crate::api::{LIBRARY, PROPERTIES, Type};
    use crate::script;

    fn flow() -> Arc<trace::Flow> {
        let datagram = Datagram::new(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, Udp::new(1, 2, Vec::new()));
        let hop = TraceHop {
            time: Time::ZERO,
            place: "worker1".into(),
            in_device: None,
            out_device: None,
            before: datagram.clone(),
            after: datagram,
            steps: Vec::new(),
            end: End::Dropped(DropReason::NoRoute),
            why: None,
        };
        Arc::new(trace::Flow {
            name: "hello".into(),
            kind: FlowKind::Ping(Ipv4Addr::LOCALHOST),
            from: "worker1".into(),
            started: Time::ZERO,
            outcome: FlowOutcome::Timeout { at: "worker1".into() },
            packets: vec![PacketTrace { id: PacketId(0), hops: vec![hop] }],
            http: None,
            dns: None,

            received: None,
            each: Vec::new(),
        })
    }

    fn sample(of: Type) -> Dynamic {
        let address = Ipv4Addr::LOCALHOST;
        let name = "default/a".to_owned();
        let endpoint = world::Endpoint { name: name.clone(), node: "a".into(), address, port: 80 };
        match of {
            Type::Flow => Dynamic::from(Flow(flow())),
            Type::Packet => Dynamic::from(Packet(flow(), 0)),
            Type::Hop => Dynamic::from(Hop(flow(), 0, 0..1)),
            Type::Asset => Dynamic::from(Asset(trace::Asset {
                url: "http://a/b.js".into(),
                status: Some(200),
                content_type: "text/css".into(),
                body: name,
            })),
            Type::Way => {
                let decision = trace::Decision { place: "a".into(), about: "b".into(), taken: "c".into() };
                let way =
                    trace::Way { probability: netscene_core::Fraction::ONE, decisions: vec![decision], flow: flow() };
                let kind = FlowKind::Ping(address);
                ways(&Arc::new(trace::Ways { name, kind, from: "a".into(), ways: vec![way] }))
                    .into_array()
                    .unwrap()
                    .remove(0)
            }
            Type::Decision => {
                Dynamic::from(Decision(trace::Decision { place: "a".into(), about: "b".into(), taken: "c".into() }))
            }
            Type::Endpoint => Dynamic::from(Endpoint(endpoint)),
            Type::Service => Dynamic::from(service(world::Service {
                name,
                cluster_ip: None,
                load_balancer_ip: None,
                endpoints: vec![endpoint],
            })),
            Type::Pod => Dynamic::from(Pod(world::Pod { name, node: "a".into(), address })),
            Type::Node => Dynamic::from(Node(world::Node { name, address })),
            Type::List => Dynamic::from(vec![Dynamic::from(1_i64)] as Array),
            Type::Text => "text".into(),
            Type::Number => Dynamic::from(7_i64),
            other => panic!("no sample of {other:?}"),
        }
    }

    #[test]
    fn a_node_at_the_end_of_a_tunnel_is_one_hop() {
        let mut flow = (*flow()).clone();
        let inner = TraceHop { out_device: Some(DeviceName::TUNL0), ..flow.packets[0].hops[0].clone() };
        let mut outer = TraceHop { out_device: Some(DeviceName::ETH0), ..inner.clone() };
        outer.before.body = Body::Ipip(Box::new(inner.before.clone()));
        flow.packets[0].hops = vec![inner, outer];
        let mut engine = script::engine();
        register(&mut engine);
        let mut scope = Scope::new();
        scope.push_constant_dynamic("x", Dynamic::from(Flow(Arc::new(flow))));
        let text = "x.hops.len() == 1 && x.hops[0].out == \"tunl0\" && x.hops[0].dropped";
        assert!(engine.eval_expression_with_scope::<bool>(&mut scope, text).unwrap());
    }

    #[test]
    fn every_property_of_the_table_is_there_and_of_its_type() {
        let mut engine = script::engine();
        register(&mut engine);
        for property in PROPERTIES {
            let mut scope = Scope::new();
            scope.push_constant_dynamic("x", sample(property.of));
            let text = format!("x.{}", property.name);
            let value: Dynamic = engine.eval_expression_with_scope(&mut scope, &text).unwrap();
            let fits = match property.gives {
                Type::Number => value.is_int(),
                Type::Truth => value.is_bool(),
                Type::Text => value.is_string(),
                Type::Flow => value.is::<Flow>(),
                Type::List
                | Type::Texts
                | Type::Packets
                | Type::Hops
                | Type::Endpoints
                | Type::Assets
                | Type::Decisions => value.is_array() || value.is::<rhai::Blob>(),
                _ => false,
            };
            // Nothing stands for what is missing.
            assert!(fits || value.is_unit(), "{:?}.{} is {value:?}", property.of, property.name);
        }
    }

    #[test]
    fn every_function_of_the_library_is_rhais() {
        let engine = script::engine();
        for (name, _) in LIBRARY {
            let known = |arguments: &str| {
                ["[1, 2]", "\"text\"", "7", "#{a: 1}", "7.5"].iter().any(|base| {
                    let texts = [
                        format!("{{ let x = {base}; x.{name}({arguments}) }}"),
                        format!("{name}({base}, {arguments})"),
                    ];
                    texts.iter().any(|text| {
                        !matches!(
                            engine.eval::<Dynamic>(text).map_err(|error| *error),
                            Err(rhai::EvalAltResult::ErrorFunctionNotFound(..) | rhai::EvalAltResult::ErrorParsing(..))
                        )
                    })
                })
            };
            let tried = [
                "",
                "1",
                "\"a\"",
                "|a| true",
                "|a, b| a",
                "1, 1",
                "1, 1, 1",
                "1, 1, [3]",
                "[1]",
                "#{b: 2}",
                "'a'",
                "3, \"a\"",
                "\"a\", \"b\"",
                "|a| a, 1",
                "[1], |a, b| a",
                "\"b\", 1",
            ];
            assert!(tried.iter().any(|arguments| known(arguments)), "Rhai has no `{name}`");
        }
    }
}
