//! netscene-core: the engine of netscene, a packet-level model of a Kubernetes network.
//!
//! It reads no file, prints nothing, asks no clock and throws no dice but seeded ones: the same operations give the same
//! bytes on every machine. To find the code for a fact, follow the packet:
//!
//! | Read | for |
//! |---|---|
//! | [`packet`] | what travels: IPv4 with TCP, UDP, ICMP or IP-in-IP inside; device names; Ethernet addresses |
//! | [`netfilter`] | tables, chains, rules, matches, targets, ipsets; walking them; `iptables` text in and out |
//! | [`conntrack`] | connections: tuples, state machines, time-outs, NAT bindings and the choice of ports |
//! | [`net`] | a network namespace: devices, routes, ARP, `tunl0`, sockets, and the journey of a packet through it |
//! | [`kube`] | declared objects, selectors, Calico's IPAM, endpoints, validation |
//! | [`agents`] | kube-proxy, Felix, BIRD, MetalLB, CoreDNS, ingress-nginx: from objects to rules, routes, answers |
//! | [`apps`] | what runs in pods and on hosts: servers, clients, the resolver, the proxy |
//! | [`dump`] | what the tools of a real node printed, and packets walked through the node it describes |
//! | [`world`] | operations, the network they make, events, judgement |
//! | [`trace`] | what an observer is told, and what expectations are judged by |
//! | [`view`] | what `iptables -L`, `conntrack -L`, `route -n`, `kubectl` and the kernel's log would print |
//!
//! Arrows go down only: `view, world -> agents, apps -> kube, net -> trace -> netfilter, conntrack -> packet`. Two rules
//! keep the house quiet. **A packet never meets a Service**: `packet`, `netfilter`, `conntrack` and `net` know nothing of
//! Kubernetes. **An agent never meets a packet**: it is a function of what is declared.
//!
//! # A packet through a cluster
//!
//! ```
//! use netscene_core::kube::{Container, Deployment, Labels, Node, Object, Pod, Serve, Service};
//! use netscene_core::kube::TransportProtocol::Tcp;
//! use netscene_core::world::{Op, Operation, Outcome, Source, Target, TargetHost, World};
//!
//! let labels = Labels::from_iter([("app".to_owned(), "web".to_owned())]);
//! let nginx = Container::serving("nginx", 80, Serve::Tcp);
//! let objects = [
//!     Object::Node(Node::new("worker1", [10, 0, 0, 1])),
//!     Object::Pod(Pod::new("default", "client")),
//!     Object::Deployment(Deployment::new("default", "web", 2, labels.clone(), vec![nginx])),
//!     Object::Service(Service::new("default", "web", labels, 80)),
//! ];
//! let mut world = World::new(0);
//! for object in objects {
//!     world.apply(&Operation { op: Op::Declare { object }, origin: None })?;
//! }
//! let from = Source { name: "client".into(), port: None };
//! let to = Target { host: TargetHost::Name("service/web".into()), port: Some(80) };
//! let send = Op::Send { from, to, protocol: Tcp, name: "hello".into() };
//! let Outcome::Flow(flow) = world.apply(&Operation { op: send, origin: None })? else { unreachable!() };
//!
//! // The first packet: from the client's pod, through its node, into one of the two web pods.
//! let places: Vec<&str> = flow.packets[0].hops.iter().map(|hop| &*hop.place).collect();
//! assert_eq!(places[..2], ["default/client", "worker1"]);
//! assert!(places[2].starts_with("default/web-"));
//! // On the node, kube-proxy's rules have picked the pod.
//! assert!(flow.packets[0].hops[1].chains().contains(&"nat/KUBE-SERVICES".to_owned()));
//! # Ok::<(), netscene_core::world::OpError>(())
//! ```

mod fraction;
mod origin;
mod random;
mod suggest;
mod time;

pub mod agents;
pub mod apps;
pub mod conntrack;
pub mod dump;
pub mod kube;
pub mod map;
pub mod net;
pub mod netfilter;
pub mod packet;
pub mod trace;
pub mod view;
pub mod world;

pub use fraction::{Fraction, NoFraction};
pub use origin::Origin;
pub use random::{Crossroads, Random, Turn};
pub use suggest::did_you_mean;
pub use time::Time;
