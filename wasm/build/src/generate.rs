//! Scenarios by chance, always the same ones: what native and WebAssembly are compared by, beside the examples.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::disk::Scenario;

/// Writes every scenario of the repository's examples and tests, and so many by chance, with what the native engine prints.
pub(crate) fn write(count: &str, to: &Path) -> Result {
    let count: u64 = count.parse()?;
    let mut paths = Vec::new();
    for folder in ["examples", "tests/scenarios", "lang/tests/diagnostics", "wasm/book/scenarios"] {
        below(Path::new(folder), &mut paths)?;
    }
    paths.sort();
    let mut told = Vec::new();
    for path in paths {
        told.push(Scenario::read(&path.display().to_string())?.told());
    }
    let by_chance = (0..count).map(|seed| {
        let (name, text) = (format!("generated-{seed}.scn"), Dice(seed).scenario());
        Scenario { name, text, files: std::collections::BTreeMap::new() }.told()
    });
    told.extend(by_chance);
    fs::write(to, serde_json::to_string(&told)?)?;
    Ok(())
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "scn") {
            found.push(path);
        }
    }
    Ok(())
}

/// Steele, Lea and Flood's SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.throw(choices.len() as u64)).unwrap_or(0)]
    }

    /// A cluster of one to four nodes with services, and one to six things that are done in it.
    fn scenario(&mut self) -> String {
        let mut text = String::new();
        let nodes = 1 + self.throw(4);
        if self.throw(2) == 0 {
            let (overlay, proxy) =
                (self.of(&["ipip always", "ipip crossSubnet", "ipip never"]), self.of(&["1.20", "1.36"]));
            let _ = writeln!(text, "cluster c {{\n  overlay {overlay}\n  kubeProxy iptables {proxy}\n}}");
        }
        text.push_str("pool machines 10.0.0.0/16 gateway 10.0.255.254\n");
        text.push_str("pool balancers 10.0.9.1 to 10.0.9.20 for LoadBalancer\n");
        for node in 1..=nodes {
            let _ = writeln!(text, "node worker{node} at 10.0.0.{node}");
        }
        text.push_str("host browser at 172.16.0.9\n");
        text.push_str("namespace default {\n  pod client on worker1\n");
        let services = 1 + self.throw(3);
        for service in 1..=services {
            let (replicas, port) = (self.throw(4), 80 + self.throw(3));
            let serve = self.of(&["http", "tcp"]);
            let _ =
                writeln!(text, "  deployment web{service} {{\n    replicas {replicas}\n    labels app=web{service}");
            let _ = writeln!(text, "    container c {{ port {port}; serve {serve} }}\n  }}");
            let kind = self.of(&["ClusterIP", "NodePort", "LoadBalancer"]);
            let policy = match kind {
                "ClusterIP" => "",
                _ => self.of(&["", "    externalTrafficPolicy Local\n", "    sessionAffinity ClientIP\n"]),
            };
            let _ = writeln!(text, "  service web{service} {{\n    type {kind}\n{policy}    selector app=web{service}");
            let _ = writeln!(text, "    port 80 -> {port}\n  }}");
        }
        if self.throw(4) == 0 {
            text.push_str("  networkPolicy deny { podSelector app=web1; policyTypes Ingress }\n");
        }
        text.push_str("}\n");
        for test in 0..=self.throw(3) {
            let _ = writeln!(text, "test \"{test}\" {{");
            for step in 0..=self.throw(5) {
                let sentence = self.sentence(nodes, services, step);
                let _ = writeln!(text, "  {sentence}");
            }
            text.push_str("}\n");
        }
        // A slip now and then: what is wrong has to be told in the same words too.
        if self.throw(8) == 0 {
            let from = self.of(&["selector", "service", "send", "worker1", "port 80 ->", "as ", "}"]);
            text = text.replacen(from, "selectr", 1);
        }
        text
    }

    fn sentence(&mut self, nodes: u64, services: u64, step: u64) -> String {
        let (node, service) = (1 + self.throw(nodes), 1 + self.throw(services));
        let from = self.of(&["client", "browser", "worker1"]);
        match self.throw(14) {
            0 | 1 => format!("send {from} -> service/web{service}:80 tcp as s{step}\n  trace s{step}"),
            2 => format!("send {from} -> worker{node}:80 udp as u{step}\n  trace u{step} all"),
            3 => format!("ping {from} -> worker{node} as p{step}\n  expect p{step} delivered\n  trace p{step} hops"),
            4 => format!(
                "get {from} -> ${{ \"http://\" + service(\"web{service}\").clusterIP + \"/\" }} as g{step}\n  trace g{step} rules"
            ),
            5 => format!("explore client -> service/web{service}:80 as w{step}\n  trace w{step}"),
            6 => format!("fail {}", self.of(&["node worker1", "link worker1 eth0", "kubeProxy worker1", "pod client"])),
            7 => format!(
                "show {}",
                self.of(&[
                    "routes on worker1",
                    "conntrack on worker1",
                    "iptables on worker1 nat/KUBE-SERVICES",
                    "log on worker1"
                ])
            ),
            8 => format!("wait {}", self.of(&["1s", "40s", "10m"])),
            9 => format!("scale deployment web{service} {}", self.throw(5)),
            10 => format!("show kubectl get {}", self.of(&["pods -o wide", "services", "endpoints", "nodes"])),
            11 => format!(
                "on worker{node} {{ {} }}",
                self.of(&["iptables -t nat -L KUBE-SERVICES -nv", "route -n", "conntrack -L", "iptables-save"])
            ),
            12 => format!("assert ${{ service(\"web{service}\").endpoints.len() == {} }}", self.throw(4)),
            _ => format!(
                "open client -> service/web{service}:80 as c{step}\n  send c{step} \"hello\" as said{step}\n  close c{step}"
            ),
        }
    }
}
