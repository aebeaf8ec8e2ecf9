//! What islands can see, in one table: objects, their properties, and the functions that give them.
//!
//! The checks and their suggestions read it; so can help, completion and documentation. A test holds it equal to what is
//! registered with Rhai.

pub mod examples;

/// The type of a value in an island.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Not known before it runs.
    Any,
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Truth,
    /// A map of the scenario's own: its properties are its own.
    Map,
    /// What a `send`, `get`, `ping` or `resolve` set in motion.
    Flow,
    /// A packet of a flow.
    Packet,
    /// A packet in one network namespace.
    Hop,
    /// What stands behind a service.
    Endpoint,
    /// Something that a page needs.
    Asset,
    /// A service.
    Service,
    /// A pod.
    Pod,
    /// A node.
    Node,
    /// A list of something.
    List,
    /// A list of texts.
    Texts,
    /// A list of packets.
    Packets,
    /// A list of hops.
    Hops,
    /// A list of endpoints.
    Endpoints,
    /// A list of what a page needs.
    Assets,
    /// One of the ways that something can go.
    Way,
    /// All of them.
    Ways,
    /// A list of what chance decided.
    Decisions,
    /// What chance decided.
    Decision,
}

impl Type {
    /// The types that have properties of their own.
    pub const ALL: &'static [Self] = &[
        Self::Flow,
        Self::Packet,
        Self::Hop,
        Self::Asset,
        Self::Service,
        Self::Endpoint,
        Self::Pod,
        Self::Node,
        Self::Way,
        Self::Decision,
        Self::List,
        Self::Text,
        Self::Number,
    ];

    /// What a list holds.
    #[must_use]
    pub const fn element(self) -> Self {
        match self {
            Self::Texts => Self::Text,
            Self::Packets => Self::Packet,
            Self::Hops => Self::Hop,
            Self::Endpoints => Self::Endpoint,
            Self::Assets => Self::Asset,
            Self::Ways => Self::Way,
            Self::Decisions => Self::Decision,
            _ => Self::Any,
        }
    }

    /// What it is called in a message.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Any => "value",
            Self::Text => "text",
            Self::Number => "number",
            Self::Truth => "truth",
            Self::Map => "map",
            Self::Flow => "flow",
            Self::Packet => "packet",
            Self::Hop => "hop",
            Self::Endpoint => "endpoint",
            Self::Asset => "asset",
            Self::Service => "service",
            Self::Pod => "pod",
            Self::Node => "node",
            Self::Way => "way",
            Self::Decision => "decision",
            _ => "list",
        }
    }

    const fn is_list(self) -> bool {
        matches!(
            self,
            Self::List
                | Self::Texts
                | Self::Packets
                | Self::Hops
                | Self::Endpoints
                | Self::Assets
                | Self::Ways
                | Self::Decisions
        )
    }

    /// The properties it has, in the order of the table; every property there is, where the type is not known.
    pub fn properties(self) -> impl Iterator<Item = &'static Property> {
        PROPERTIES.iter().filter(move |property| {
            self == Self::Any || property.of == self || self.is_list() && property.of == Self::List
        })
    }

    /// The type of its property `name`; `None` where it has no such property.
    pub fn property(self, name: &str) -> Option<Self> {
        if self == Self::Map {
            return Some(Self::Any);
        }
        let mut found = self.properties().filter(|property| property.name == name).map(|property| property.gives);
        let first = found.next()?;
        // Of a property that several types have, the type is known where they agree.
        Some(if found.all(|other| other == first) { first } else { Self::Any })
    }
}

/// A property of an object.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// What has it.
    pub of: Type,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub gives: Type,
    /// What it is, in a line.
    pub help: &'static str,
}

/// A function that islands can call.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub syntax: &'static str,
    /// The type of its value.
    pub gives: Type,
    /// What it is, in a line.
    pub help: &'static str,
}

macro_rules! properties {
    ($($of:ident { $($name:literal $gives:ident $help:literal;)* })*) => {
        /// Every property of every object.
        pub const PROPERTIES: &[Property] =
            &[$($(Property { of: Type::$of, name: $name, gives: Type::$gives, help: $help },)*)*];
    };
}

properties! {
    Flow {
        "name" Text "the name after `as`";
        "from" Text "where it started";
        "outcome" Text "`delivered`, `rejected`, `dropped`, `unsent` or `timeout`";
        "delivered" Truth "whether the other side answered";
        "to" Text "where the first packet was delivered; nothing where it was not";
        "status" Number "the status of the page; nothing where there is none";
        "body" Text "the page, or what came back on an open connection; nothing where there is none";
        "location" Text "where the page's server sends the client; nothing where it does not";
        "assets" Assets "what the page needs, as `get … with assets` fetched it";
        "answer" Texts "the addresses of the name that was resolved";
        "records" Texts "every record of that answer, with its type before it";
        "code" Text "the response code of DNS: NOERROR, NXDOMAIN, SERVFAIL";
        "server" Text "ADDRESS:PORT of the server that was asked";
        "hops" Hops "the path of the request's first packet, one hop for each place";
        "took" Number "how many milliseconds passed until its last packet was seen";
        "packets" Packets "every packet, by first appearance";
        "each" List "what became of it each time, where it was sent several times; else empty";
    }
    Way {
        "probability" Text "how probable it is, such as 1/3";
        "flow" Flow "what happens on it";
        "decisions" Decisions "what chance decides, in order of time";
    }
    Decision {
        "place" Text "where: a node, or a pod of ingress-nginx or CoreDNS";
        "about" Text "about what: `service NAMESPACE/NAME`, `upstream …`, `name …`, or a chain";
        "taken" Text "what was taken: a pod, an address, or a rule";
    }
    Asset {
        "url" Text "where it was looked for";
        "status" Number "its status; nothing where there was no response";
        "type" Text "its Content-Type";
        "body" Text "what it is; why there was no response where there was none";
        "ok" Truth "whether it came and can be what the page asked for: a page in the place of a script cannot";
    }
    Packet {
        "hops" Hops "its path, one hop for each place";
        "source" Text "ADDRESS or ADDRESS:PORT it was sent from";
        "destination" Text "ADDRESS or ADDRESS:PORT it was sent to";
        "protocol" Text "tcp, udp, icmp or ipencap";
    }
    Hop {
        "node" Text "the place: a node, a pod, a host or the gateway";
        "in_device" Text "the device the packet came in on; empty where a local process sent it";
        "out" Text "the device the packet left by, `tunl0` where it went into a tunnel; empty where it ended";
        "time" Text "when the packet got there, in seconds";
        "source" Text "ADDRESS or ADDRESS:PORT the packet came from, as it came";
        "destination" Text "ADDRESS or ADDRESS:PORT the packet went to, as it came";
        "chains" Texts "the TABLE/CHAINs it met, in order";
        "dropped" Truth "whether it was dropped there";
        "reason" Text "why it was dropped; empty where it was not";
    }
    Endpoint {
        "name" Text "NAMESPACE/NAME of the pod; empty where it is none";
        "node" Text "the node it is on; empty where it is on none";
        "address" Text "its address";
        "port" Number "its port";
    }
    Service {
        "name" Text "NAMESPACE/NAME";
        "clusterIP" Text "its address inside the cluster";
        "loadBalancerIP" Text "the address that MetalLB has given it; `()` where it has none";
        "endpoints" Endpoints "what stands behind it";
    }
    Pod {
        "name" Text "NAMESPACE/NAME";
        "node" Text "the node it runs on";
        "address" Text "its address";
    }
    Node {
        "name" Text "its name";
        "address" Text "its address";
    }
    List {
        "len" Number "how many there are";
        "is_empty" Truth "whether there is none";
    }
    Text {
        "len" Number "how many letters there are";
        "is_empty" Truth "whether there is none";
        "bytes" Number "its length in bytes";
    }
    Number {
        "is_odd" Truth "whether it is odd";
        "is_even" Truth "whether it is even";
        "is_zero" Truth "whether it is zero";
    }
}

/// The functions of the world.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "service", syntax: "service(\"namespace/name\")", gives: Type::Service, help: "a service" },
    Function { name: "pod", syntax: "pod(\"namespace/name\")", gives: Type::Pod, help: "a pod" },
    Function { name: "node", syntax: "node(\"name\")", gives: Type::Node, help: "a node" },
    Function {
        name: "flow",
        syntax: "flow(\"name\")",
        gives: Type::Flow,
        help: "a flow, whose name may be no name in Rhai",
    },
    Function {
        name: "ways",
        syntax: "ways(\"name\")",
        gives: Type::Ways,
        help: "the ways that were explored under a name",
    },
];

/// The functions and methods of Rhai's own packages that islands can call, and the type of their value; `None` for one
/// that gives what it is called on.
pub const LIBRARY: &[(&str, Option<Type>)] = &[
    ("len", Some(Type::Number)),
    ("is_empty", Some(Type::Truth)),
    ("contains", Some(Type::Truth)),
    ("starts_with", Some(Type::Truth)),
    ("ends_with", Some(Type::Truth)),
    ("index_of", Some(Type::Number)),
    ("some", Some(Type::Truth)),
    ("all", Some(Type::Truth)),
    ("filter", None),
    ("map", Some(Type::List)),
    ("find", Some(Type::Any)),
    ("find_map", Some(Type::Any)),
    ("reduce", Some(Type::Any)),
    ("reduce_rev", Some(Type::Any)),
    ("for_each", Some(Type::Any)),
    ("extract", None),
    ("sort", None),
    ("sort_by", None),
    ("sort_desc", None),
    ("order", None),
    ("order_by", None),
    ("order_desc", None),
    ("reverse", None),
    ("dedup", None),
    ("drain", None),
    ("retain", None),
    ("splice", None),
    ("push", Some(Type::Any)),
    ("append", Some(Type::Any)),
    ("insert", Some(Type::Any)),
    ("pop", Some(Type::Any)),
    ("shift", Some(Type::Any)),
    ("remove", Some(Type::Any)),
    ("pad", Some(Type::Any)),
    ("clear", Some(Type::Any)),
    ("truncate", Some(Type::Any)),
    ("chop", Some(Type::Any)),
    ("zip", Some(Type::List)),
    ("get", Some(Type::Any)),
    ("set", Some(Type::Any)),
    ("keys", Some(Type::Texts)),
    ("values", Some(Type::List)),
    ("mixin", Some(Type::Any)),
    ("fill_with", Some(Type::Any)),
    ("to_upper", Some(Type::Text)),
    ("to_lower", Some(Type::Text)),
    ("make_upper", Some(Type::Any)),
    ("make_lower", Some(Type::Any)),
    ("trim", Some(Type::Any)),
    ("sub_string", Some(Type::Text)),
    ("crop", Some(Type::Any)),
    ("replace", Some(Type::Any)),
    ("split", Some(Type::Texts)),
    ("split_rev", Some(Type::Texts)),
    ("to_string", Some(Type::Text)),
    ("to_debug", Some(Type::Text)),
    ("parse_int", Some(Type::Number)),
    ("parse_float", Some(Type::Any)),
    ("to_int", Some(Type::Number)),
    ("to_float", Some(Type::Any)),
    ("abs", Some(Type::Any)),
    ("sign", Some(Type::Number)),
    ("is_odd", Some(Type::Truth)),
    ("is_even", Some(Type::Truth)),
    ("is_zero", Some(Type::Truth)),
    ("min", Some(Type::Any)),
    ("max", Some(Type::Any)),
    ("floor", Some(Type::Any)),
    ("ceiling", Some(Type::Any)),
    ("round", Some(Type::Any)),
    ("sqrt", Some(Type::Any)),
    ("range", Some(Type::Any)),
    ("type_of", Some(Type::Text)),
    ("call", Some(Type::Any)),
    ("curry", Some(Type::Any)),
    ("to_hex", Some(Type::Text)),
];
