//! What there is to see of a world, and how two moments differ.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use netscene_core::kube::Object;
use netscene_core::map::IndexMap;
use netscene_core::world::{Op, Operation, Outcome, World};

use super::Entry;
use crate::ast::StatementKind;

/// A copy of a world that is looked at: to look makes agents write, which nobody shall notice.
pub(super) struct Sight {
    world: RefCell<World>,
    /// What has rules, routes and connections of its own: nodes, those that were loaded, routers and hosts.
    machines: Vec<String>,
    /// How many of them are nodes.
    nodes: usize,
}

impl Sight {
    pub(super) fn of(world: &World, entries: &[Rc<Entry>]) -> Self {
        let state = world.state();
        let nodes = state.nodes().map(|node| node.object.name.clone());
        let hosts = state.hosts().map(|host| host.object.name.clone());
        let loaded = entries.iter().flat_map(|entry| &entry.statements).filter_map(|statement| match &statement.kind {
            StatementKind::Load { name, .. } => Some(name.text.clone()),
            _ => None,
        });
        let routers = state.routers().map(|router| router.object.name.clone());
        let mut machines: Vec<_> = nodes.chain(loaded).collect();
        let nodes = machines.len();
        machines.extend(routers.chain(hosts));
        Self { machines, nodes, world: RefCell::new(world.clone()) }
    }

    /// What a command prints that somebody types at a place, line by line; nothing where it is refused.
    pub(super) fn typed(&self, place: &str, command: &str) -> Vec<String> {
        let op = Op::Shell { on: place.to_owned(), command: command.to_owned() };
        match self.world.borrow_mut().apply(&Operation { op, origin: None }) {
            Ok(Outcome::Text(text)) => text.lines().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Its nodes, those that were loaded, its routers and its hosts.
    pub(super) fn machines(&self) -> &[String] {
        &self.machines
    }

    /// Its nodes, and those that were loaded.
    pub(super) fn nodes(&self) -> &[String] {
        &self.machines[..self.nodes]
    }

    /// The chains of a place, each with its table.
    pub(super) fn chains(&self, place: &str) -> Vec<(String, String)> {
        let mut table = String::new();
        let mut chains = Vec::new();
        for line in self.typed(place, "iptables-save") {
            if let Some(name) = line.strip_prefix('*') {
                name.clone_into(&mut table);
            } else if let Some(rest) = line.strip_prefix(':') {
                chains.push((table.clone(), rest.split(' ').next().unwrap_or_default().to_owned()));
            }
        }
        chains
    }

    /// The devices of a place.
    pub(super) fn devices(&self, place: &str) -> Vec<String> {
        let lines = self.typed(place, "ip addr");
        let name = |line: &String| Some(line.split(": ").nth(1)?.split('@').next()?.to_owned());
        lines.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).filter_map(name).collect()
    }

    fn rules(&self, place: &str) -> Vec<String> {
        let mut table = String::new();
        let mut rules = Vec::new();
        for line in self.typed(place, "iptables-save") {
            if let Some(name) = line.strip_prefix('*') {
                name.clone_into(&mut table);
            } else if let Some(chain) = line.strip_prefix(':') {
                // The counters of the policy are no part of the rules.
                rules.push(format!("{table} :{}", chain.split(" [").next().unwrap_or_default()));
            } else if line.starts_with("-A") {
                rules.push(format!("{table} {line}"));
            }
        }
        rules
    }

    fn routes(&self, place: &str) -> Vec<String> {
        self.typed(place, "ip route")
    }

    fn connections(&self, place: &str) -> Vec<String> {
        // How long an entry has left changes all the time: `tcp 6 431999 ESTABLISHED src=…`.
        let lines = self.typed(place, "conntrack -L");
        let without = |line: &String| {
            let mut words: Vec<_> = line.split_whitespace().collect();
            if words.len() > 2 {
                words.remove(2);
            }
            words.join(" ")
        };
        lines.iter().filter(|line| line.contains("src=")).map(without).collect()
    }

    /// Every object with its fields, as JSON has them.
    fn objects(&self) -> IndexMap<String, IndexMap<String, String>> {
        let world = self.world.borrow();
        let state = world.state();
        let mut all = IndexMap::default();
        let mut put = |kind: &str, object: Object| {
            let serde_json::Value::Object(fields) = serde_json::to_value(&object).unwrap_or_default() else { return };
            let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let field = |name: &str| fields.get(name).map(text);
            let name = field("name").unwrap_or_default();
            let name = field("namespace").map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
            let told = fields.iter().filter(|(field, _)| !matches!(field.as_str(), "kind" | "name" | "namespace"));
            let told = told.map(|(field, value)| (field.clone(), text(value))).collect();
            all.insert(format!("{kind} {name}").trim_end().to_owned(), told);
        };
        put("cluster", Object::Cluster(state.cluster().clone()));
        state.pools().for_each(|one| put("pool", Object::Pool(one.object.clone())));
        state.nodes().for_each(|one| put("node", Object::Node(one.object.clone())));
        state.hosts().for_each(|one| put("host", Object::Host(one.object.clone())));
        state.routers().for_each(|one| put("router", Object::Router(one.object.clone())));
        state.zones().for_each(|one| put("zone", Object::Zone(one.object.clone())));
        state.deployments().for_each(|one| put("deployment", Object::Deployment(one.object.clone())));
        state.services().for_each(|one| put("service", Object::Service(one.object.clone())));
        state.ingresses().for_each(|one| put("ingress", Object::Ingress(one.object.clone())));
        state.config_maps().for_each(|one| put("configMap", Object::ConfigMap(one.object.clone())));
        state.network_policies().for_each(|one| put("networkPolicy", Object::NetworkPolicy(one.object.clone())));
        state.ip_address_pools().for_each(|one| put("ipAddressPool", Object::IpAddressPool(one.object.clone())));
        state.l2_advertisements().for_each(|one| put("l2Advertisement", Object::L2Advertisement(one.object.clone())));
        for pod in state.pods() {
            let fields = [
                ("node", pod.node.to_string()),
                ("address", pod.address.to_string()),
                ("status", serde_json::to_string(&pod.status).unwrap_or_default()),
            ];
            let fields = fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
            all.insert(format!("pod {}", pod.key), fields);
        }
        all
    }

    fn flows(&self) -> Vec<String> {
        self.world.borrow().flow_names().filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// The lines that there are to see of something at a place.
type Look = fn(&Sight, &str) -> Vec<String>;

/// What is compared of each machine.
const LOOKS: [(&str, Look); 3] =
    [("iptables", Sight::rules), ("routes", Sight::routes), ("conntrack", Sight::connections)];

/// How a later sight differs from an earlier one, in sections: `+` came, `-` went, `~` changed.
pub(super) fn diff(before: &Sight, after: &Sight) -> String {
    let mut text = String::new();
    let (earlier, later) = (before.world.borrow().time(), after.world.borrow().time());
    if earlier != later {
        let _ = writeln!(text, "time\n  ~ {earlier} => {later}");
    }
    let mut lines = Vec::new();
    let (old, new) = (before.objects(), after.objects());
    for (name, fields) in &new {
        match old.get(name) {
            None => lines.push(format!("+ {name}")),
            Some(old) => {
                let changed = fields.iter().filter(|(field, value)| old.get(*field) != Some(value));
                for (field, value) in changed {
                    let before = old.get(field).map_or("nothing", String::as_str);
                    lines.push(format!("~ {name}: {field} {before} => {value}"));
                }
                let gone = old.iter().filter(|(field, _)| !fields.contains_key(*field));
                lines.extend(gone.map(|(field, value)| format!("~ {name}: {field} {value} => nothing")));
            }
        }
    }
    lines.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("- {name}")));
    section(&mut text, "objects", &lines);
    section(&mut text, "flows", &came_and_went(&before.flows(), &after.flows()));
    for machine in &after.machines {
        for (what, look) in LOOKS {
            let old = if before.machines.contains(machine) { look(before, machine) } else { Vec::new() };
            section(&mut text, &format!("{what} on {machine}"), &came_and_went(&old, &look(after, machine)));
        }
    }
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(text, "{title}");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
}

/// The lines that only one of two lists has, or that one has more often.
fn came_and_went(before: &[String], after: &[String]) -> Vec<String> {
    let mut count: IndexMap<&str, i64> = IndexMap::default();
    for line in before {
        *count.entry(line).or_default() -= 1;
    }
    for line in after {
        *count.entry(line).or_default() += 1;
    }
    let sign = |(line, count): (&str, i64)| match count {
        0 => None,
        1.. => Some(format!("+ {line}")),
        _ => Some(format!("- {line}")),
    };
    count.into_iter().filter_map(sign).collect()
}
