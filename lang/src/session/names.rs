//! Names of what is in the world, as far as a sentence takes them at a place.

use netscene_core::netfilter::TableName;

use super::complete::{Candidate, CandidateKind as Kind, behind, name};
use super::sight::Sight;
use super::steps::HOOKS;
use super::{Breakpoint, Session};
use crate::Word;
use crate::sentences::{Beginning, LOOKING};
use crate::token::Token;

/// What is in the world of a session, by name.
pub(super) struct Names<'a> {
    pub(super) session: &'a Session,
    pub(super) sight: &'a Sight,
}

/// A name as it is written: those of the namespace `default` without it.
fn short(full: &str) -> String {
    full.strip_prefix("default/").unwrap_or(full).to_owned()
}

impl Names<'_> {
    /// The names that may stand at the end of a text.
    pub(super) fn at(&self, beginning: &Beginning<'_>) -> Vec<Candidate> {
        let Some(head) = beginning.head else { return Vec::new() };
        let sentence = beginning.tokens.iter().rposition(|(_, token, _)| matches!(token, Token::Eol | Token::Open));
        let sentence = &beginning.tokens[sentence.map_or(0, |at| at + 1)..];
        let last = sentence.last().map(|(_, token, _)| token);
        let after = match last {
            Some(Token::Word(word)) => Some(*word),
            _ => None,
        };
        let said = |word: Word| sentence.iter().any(|(_, token, _)| *token == Token::Word(word));
        match (head, after) {
            // A new name is the user's to choose.
            (_, Some(Word::As)) | (Word::Load | Word::For | Word::Test | Word::Rhai, _) => Vec::new(),
            (Word::Expect, Some(Word::Expect)) | (Word::Close | Word::Reset, _) => self.flows(),
            (Word::Trace, Some(Word::Trace)) => [self.flows(), self.places()].concat(),
            (Word::Expect, Some(Word::By)) => self.chains(None),
            (Word::Expect, Some(Word::Out)) => self.devices(),
            (Word::Expect, Some(Word::Visits)) => self.places(),
            (Word::Expect, _) if said(Word::Visits) && !said(Word::At) => {
                let place = sentence.iter().skip_while(|(_, token, _)| *token != Token::Word(Word::Visits)).nth(1);
                self.chains(place.and_then(|(_, token, _)| name(token)))
            }
            (Word::Show, _) if said(Word::Iptables) && after != Some(Word::On) => {
                let place = sentence.iter().skip_while(|(_, token, _)| *token != Token::Word(Word::On)).nth(1);
                self.chains(place.and_then(|(_, token, _)| name(token)))
            }
            (Word::Fail | Word::Restore, Some(Word::Pod)) => self.of(Kind::Pod),
            (Word::Fail | Word::Restore, _) => [self.of(Kind::Node), self.devices()].concat(),
            (Word::Delete | Word::Set | Word::Patch | Word::Scale, Some(word)) => match word {
                Word::Pod => self.of(Kind::Pod),
                Word::Deployment | Word::DaemonSet | Word::StatefulSet => self.of(Kind::Deployment),
                Word::Service => self.of(Kind::Service),
                Word::Ingress => self.of(Kind::Ingress),
                Word::NetworkPolicy => self.of(Kind::NetworkPolicy),
                Word::ConfigMap => self.of(Kind::ConfigMap),
                Word::Node => self.of(Kind::Node),
                Word::Host => self.of(Kind::Host),
                Word::Router => self.of(Kind::Router),
                Word::Pool => self.of(Kind::Pool),
                Word::IpAddressPool => self.of(Kind::IpAddressPool),
                Word::L2Advertisement => self.of(Kind::L2Advertisement),
                Word::Namespace => self.of(Kind::Namespace),
                _ => Vec::new(),
            },
            (Word::Choose, Some(Word::Choose)) | (Word::Path | Word::DefaultBackend, _) => self.of(Kind::Service),
            (Word::Choose, _) if last == Some(&Token::Arrow) => self.of(Kind::Pod),
            (Word::Namespace, Some(Word::Namespace)) => self.of(Kind::Namespace),
            (Word::Replicas | Word::Pod | Word::Endpoints, Some(Word::On)) => self.of(Kind::Node),
            (Word::Replicas, _) if said(Word::On) => self.of(Kind::Node),
            (Word::Write, _) if sentence.len() == 2 => self.containers(),
            (Word::Send, Some(Word::Send)) => [self.places(), self.flows()].concat(),
            (Word::Show | Word::On, Some(Word::On)) => self.places(),
            (
                Word::Send
                | Word::Open
                | Word::Ping
                | Word::Get
                | Word::Resolve
                | Word::Write
                | Word::Explore
                | Word::Choose
                | Word::Expect
                | Word::Trace,
                _,
            ) => [self.places(), self.of(Kind::Service), self.of(Kind::Deployment)].concat(),
            _ => Vec::new(),
        }
    }

    /// The names of one kind.
    pub(super) fn of(&self, kind: Kind) -> Vec<Candidate> {
        let state = self.session.world().state();
        let full = |namespace: &str, name: &str| short(&format!("{namespace}/{name}"));
        let names: Vec<(String, String)> = match kind {
            Kind::Pod => {
                let about = |node: &str| if node.is_empty() { String::new() } else { format!("pod on {node}") };
                state.pods().map(|pod| (short(&pod.key), about(&pod.node))).collect()
            }
            Kind::Deployment => {
                let all = state.deployments().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), one.kind().to_owned())).collect()
            }
            Kind::Service => {
                let all = state.services().map(|one| &one.object);
                let about = |address: String| format!("service {address}").trim_end().to_owned();
                let address = |at: Option<std::net::Ipv4Addr>| at.map(|at| at.to_string()).unwrap_or_default();
                all.map(|one| (full(&one.namespace, &one.name), about(address(one.cluster_ip)))).collect()
            }
            Kind::Ingress => {
                let all = state.ingresses().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), "ingress".to_owned())).collect()
            }
            Kind::NetworkPolicy => {
                let all = state.network_policies().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), "networkPolicy".to_owned())).collect()
            }
            Kind::ConfigMap => {
                let all = state.config_maps().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), "configMap".to_owned())).collect()
            }
            Kind::Node => {
                let about = |name: &String| {
                    let address = state.node(name).map(|node| node.object.address.to_string());
                    (name.clone(), format!("node {}", address.unwrap_or_default()).trim_end().to_owned())
                };
                self.sight.nodes().iter().map(about).collect()
            }
            Kind::Host => {
                state.hosts().map(|host| (host.object.name.clone(), format!("host {}", host.object.address))).collect()
            }
            Kind::Router => state.routers().map(|one| (one.object.name.clone(), "router".to_owned())).collect(),
            Kind::IpAddressPool => {
                let all = state.ip_address_pools().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), "ipAddressPool".to_owned())).collect()
            }
            Kind::L2Advertisement => {
                let all = state.l2_advertisements().map(|one| &one.object);
                all.map(|one| (full(&one.namespace, &one.name), "l2Advertisement".to_owned())).collect()
            }
            Kind::Pool => state.pools().map(|pool| (pool.object.name.clone(), "pool".to_owned())).collect(),
            Kind::Namespace => state.namespaces().map(|name| (name.to_owned(), "namespace".to_owned())).collect(),
            _ => Vec::new(),
        };
        names.into_iter().map(|(text, help)| Candidate::new(text, kind, help)).collect()
    }

    /// Where something runs: pods, nodes, routers and hosts.
    pub(super) fn places(&self) -> Vec<Candidate> {
        [Kind::Pod, Kind::Node, Kind::Router, Kind::Host].map(|kind| self.of(kind)).concat()
    }

    pub(super) fn flows(&self) -> Vec<Candidate> {
        let world = self.session.world();
        let named = world.flow_names().filter(|name| !name.is_empty());
        let about = |name: &str| {
            let flow = world.flow(name).map(|flow| netscene_core::view::trace::summary(flow));
            flow.and_then(|text| Some(text.lines().next()?.split_once(": ")?.1.to_owned())).unwrap_or_default()
        };
        named.map(|name| Candidate::new(name, Kind::Flow, about(name))).collect()
    }

    /// The chains of a place; of the first node, where the place is not known.
    pub(super) fn chains(&self, place: Option<&str>) -> Vec<Candidate> {
        let machines = self.sight.machines();
        let place = place.filter(|place| machines.iter().any(|one| one == place));
        let Some(place) = place.or_else(|| machines.first().map(String::as_str)) else { return Vec::new() };
        let chains = self.sight.chains(place).into_iter();
        chains.map(|(table, chain)| Candidate::new(format!("{table}/{chain}"), Kind::Chain, "")).collect()
    }

    fn devices(&self) -> Vec<Candidate> {
        let all = self.sight.machines().iter().flat_map(|machine| {
            let names = self.sight.devices(machine).into_iter();
            names.map(move |name| Candidate::new(name, Kind::Device, format!("on {machine}")))
        });
        all.collect()
    }

    fn containers(&self) -> Vec<Candidate> {
        let pods = self.session.world().state().pods();
        let all = pods.flat_map(|pod| pod.containers.iter().map(move |one| (one.name.clone(), pod.key.clone())));
        all.map(|(name, pod)| Candidate::new(name, Kind::Container, format!("in {}", short(&pod)))).collect()
    }

    pub(super) fn labels(&self) -> Vec<Candidate> {
        let pods = self.session.world().state().pods();
        let labels =
            pods.flat_map(|pod| pod.labels.iter().map(move |(key, value)| (format!("{key}={value}"), pod.key.clone())));
        labels.map(|(label, pod)| Candidate::new(label, Kind::Label, format!("of {}", short(&pod)))).collect()
    }

    /// What a URL may begin with.
    pub(super) fn urls(&self) -> Vec<Candidate> {
        let url = |one: Candidate| {
            // A name outside of `default` is SERVICE.NAMESPACE to the resolver.
            let host = one.text.split_once('/').map_or(one.text.clone(), |(space, name)| format!("{name}.{space}"));
            Candidate::new(format!("http://{host}/"), Kind::Url, one.help)
        };
        self.of(Kind::Service).into_iter().map(url).collect()
    }

    /// What may follow in a command line that is typed at a place.
    pub(super) fn command(&self, place: &str, line: &str) -> Vec<Candidate> {
        let plain = |texts: &[&str]| texts.iter().map(|text| Candidate::new(*text, Kind::Command, "")).collect();
        let tables =
            || TableName::ALL.into_iter().map(|table| Candidate::new(table.to_string(), Kind::Table, "")).collect();
        let words: Vec<_> = line.split_whitespace().collect();
        let table = words.iter().position(|word| *word == "-t").and_then(|at| words.get(at + 1)).copied();
        let chains = || {
            let all = self.sight.chains(place).into_iter().filter(|(of, _)| of == table.unwrap_or("filter"));
            all.map(|(of, chain)| Candidate::new(chain, Kind::Chain, of)).collect()
        };
        match words.last().copied().unwrap_or_default() {
            "-t" => tables(),
            "-i" | "-o" => {
                let devices = self.sight.devices(place).into_iter();
                devices.map(|device| Candidate::new(device, Kind::Device, format!("on {place}"))).collect()
            }
            "-A" | "-I" | "-D" | "-R" | "-F" | "-L" | "-S" | "-Z" | "-X" | "-j" | "-nvL" | "-vnL" => chains(),
            "ip" => plain(&["addr", "route"]),
            "route" if words.first() == Some(&"ip") => plain(&["get"]),
            "cat" => plain(&["bird.cfg", "/etc/resolv.conf"]),
            "ipset" => plain(&["save"]),
            _ => Vec::new(),
        }
    }
}

impl Session {
    /// Names of the world for whoever has commands of their own, beginning with `written`: where something runs.
    pub fn places(&self, written: &str) -> Vec<Candidate> {
        let sight = self.sight();
        named(written, Names { session: self, sight: &sight }.places())
    }

    /// The same for breakpoints: places, hooks, and chains with their tables.
    pub fn breakpoints(&self, written: &str) -> Vec<Candidate> {
        let sight = self.sight();
        let names = Names { session: self, sight: &sight };
        let hooks = HOOKS.iter().map(|hook| Candidate::new(hook.to_string(), Kind::Hook, "")).collect();
        named(written, [names.places(), hooks, names.chains(None)].concat())
    }

    /// The same for flows that were sent.
    pub fn flows(&self, written: &str) -> Vec<Candidate> {
        let sight = self.sight();
        named(written, Names { session: self, sight: &sight }.flows())
    }

    /// What may follow in a command line that somebody types on a machine: `cursor` is its end.
    pub fn complete_typed(&self, place: &str, line: &str) -> super::Completion {
        let from = behind(line, char::is_whitespace);
        let sight = self.sight();
        let names = Names { session: self, sight: &sight };
        let words: Vec<_> = line[..from].split_whitespace().collect();
        let candidates = match words.first().copied() {
            None => {
                let known = ["iptables", "ping", "curl", "dig", "kubectl"].into_iter().chain(LOOKING);
                known.map(|text| Candidate::new(text, Kind::Command, "")).collect()
            }
            Some("ping" | "dig" | "nslookup") => [names.of(Kind::Service), names.places()].concat(),
            Some("curl" | "wget") => names.urls(),
            Some(_) => names.command(place, &line[..from]),
        };
        let candidates = candidates.into_iter().filter(|one| one.text.starts_with(&line[from..])).collect();
        super::Completion { from, candidates }
    }

    /// A breakpoint, if the world has what it names.
    pub fn breakpoint(&self, text: &str) -> Result<Breakpoint, String> {
        let found: Breakpoint = text.parse()?;
        let sight = self.sight();
        let names = Names { session: self, sight: &sight };
        let chains =
            || names.sight.machines().iter().flat_map(|machine| names.chains(Some(machine))).map(|one| one.text);
        let places = || names.places().into_iter().flat_map(|one| [format!("default/{}", one.text), one.text]);
        for (name, known) in found.names() {
            let known: Vec<String> = match known {
                Kind::Chain => chains().collect(),
                _ => places().collect(),
            };
            if !known.contains(&name) {
                let near = crate::did_you_mean(&name, known.iter().map(String::as_str));
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("there is no `{name}` to stop at{hint}"));
            }
        }
        Ok(found)
    }
}

/// Those of them that begin as written.
fn named(written: &str, all: Vec<Candidate>) -> Vec<Candidate> {
    all.into_iter().filter(|one| one.text.starts_with(written)).collect()
}
