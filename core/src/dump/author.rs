//! Who wrote a rule of a dump, and for which object: told by its comment, by its chain, and by manifests where they are
//! there.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::Origin;
use crate::agents::kube_proxy::chain_of;
use crate::kube::{Object, interface_name};
use crate::netfilter::Provenance;

/// An object that rules are about.
#[derive(Clone, Debug, Default)]
struct Named {
    object: Arc<str>,
    field: Arc<str>,
    /// Where a manifest has it.
    origin: Option<Origin>,
}

/// What is known of the chains of a dump.
#[derive(Default)]
pub(super) struct Authors {
    /// By the part of a chain's name that says whose it is.
    by_name: FxHashMap<String, Named>,
    /// By what kube-proxy calls a service port in comments.
    by_comment: FxHashMap<String, Named>,
}

impl Authors {
    /// What manifests say of the names of chains, and what the rules themselves say in their comments.
    pub(super) fn new(lines: &[&str], manifests: &[(Object, Option<Origin>)]) -> Self {
        let mut authors = Self::default();
        for (object, origin) in manifests {
            authors.meet(object, origin.as_ref());
        }
        for line in lines {
            let Some(service) = comment(line).and_then(service_port) else { continue };
            let named = authors.by_comment.get(service).cloned().unwrap_or_else(|| Named::service(service));
            // The chain that the rule stands in, and the one it leads to, are that service's, if they are any one's.
            for key in [chain(line), target(line)].into_iter().flatten().filter_map(key) {
                authors.by_name.entry(key.to_owned()).or_insert_with(|| named.clone());
            }
        }
        authors
    }

    fn meet(&mut self, object: &Object, origin: Option<&Origin>) {
        let named = |object: String, field: String| {
            let (object, field) = (object.into(), field.into());
            Named { object, field, origin: origin.cloned() }
        };
        match object {
            Object::Service(service) => {
                let whole = format!("service {}/{}", service.namespace, service.name);
                for port in &service.ports {
                    let called = port.name.clone().unwrap_or_else(|| port.port.to_string());
                    let named = named(whole.clone(), format!("port {called}"));
                    let chain = chain_of(service, port);
                    if let Some(key) = key(&chain) {
                        self.by_name.insert(key.to_owned(), named.clone());
                    }
                    let suffix = port.name.as_ref().map_or_else(String::new, |name| format!(":{name}"));
                    self.by_comment.insert(format!("{}/{}{suffix}", service.namespace, service.name), named);
                }
            }
            Object::Pod(pod) => {
                let device = pod.interface_name.unwrap_or_else(|| interface_name(&pod.namespace, &pod.name));
                let whole = format!("pod {}/{}", pod.namespace, pod.name);
                self.by_name.insert(device.to_string(), named(whole, String::new()));
            }
            Object::Namespace { name, .. } => {
                self.by_name.insert(format!("kns.{name}"), named(format!("profile kns.{name}"), String::new()));
            }
            _ => {}
        }
    }

    /// Who wrote a line, which stands at `read`.
    pub(super) fn of(&self, line: &str, read: Origin) -> Provenance {
        let (chain, target) = (chain(line).unwrap_or_default(), target(line).unwrap_or_default());
        let comment = comment(line).unwrap_or_default();
        let agent = agent(chain, target, comment);
        let named = match agent {
            "kube-proxy" => service_port(comment)
                .map(|service| self.by_comment.get(service).cloned().unwrap_or_else(|| Named::service(service)))
                .or_else(|| [chain, target].into_iter().filter_map(key).find_map(|key| self.by_name.get(key).cloned())),
            "felix" => [chain, target].into_iter().find_map(|name| self.felix(name)),
            _ => None,
        };
        let Named { object, field, origin } = named.unwrap_or_default();
        Provenance { agent: agent.into(), object, field, origin, read: Some(read) }
    }

    /// `cali-tw-DEVICE`, `cali-fw-DEVICE` and their kin are of one workload; `cali-pri-PROFILE` of a profile.
    fn felix(&self, chain: &str) -> Option<Named> {
        let (kind, id) = chain.strip_prefix("cali-")?.split_once('-')?;
        let found = || self.by_name.get(id).cloned();
        let called = |what: &str| Named { object: format!("{what} {id}").into(), ..Named::default() };
        match kind {
            "tw" | "fw" | "sm" if id.starts_with("cali") => Some(found().unwrap_or_else(|| called("workload on"))),
            "th" | "fh" | "thfw" | "fhfw" => Some(called("host endpoint")),
            "pri" | "pro" => Some(found().unwrap_or_else(|| called("profile"))),
            "pi" | "po" => Some(found().unwrap_or_else(|| called("policy"))),
            _ => None,
        }
    }
}

impl Named {
    /// Of a service port as kube-proxy's comments call it: `default/web:http`.
    fn service(text: &str) -> Self {
        let (service, port) = text.split_once(':').unwrap_or((text, ""));
        let field = if port.is_empty() { String::new() } else { format!("port {port}") };
        Self { object: format!("service {service}").into(), field: field.into(), origin: None }
    }
}

/// The part of a chain's name that is one object's own: the hash of kube-proxy's.
fn key(chain: &str) -> Option<&str> {
    let (kind, hash) = chain.strip_prefix("KUBE-")?.split_once('-')?;
    matches!(kind, "SVC" | "SVL" | "EXT" | "XLB" | "FW" | "SEP").then_some(hash)
}

/// The program that writes such chains.
fn agent(chain: &str, target: &str, comment: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 14] = [
        ("KUBE-FIREWALL", "kubelet"),
        ("KUBE-KUBELET", "kubelet"),
        ("KUBE-IPTABLES-HINT", "kubelet"),
        ("KUBE-NWPLCY", "kube-router"),
        ("KUBE-POD-FW", "kube-router"),
        ("KUBE-ROUTER", "kube-router"),
        ("KUBE-", "kube-proxy"),
        ("cali-", "felix"),
        ("CILIUM_", "cilium"),
        ("FLANNEL-", "flannel"),
        ("CNI-", "CNI portmap"),
        ("WEAVE", "weave"),
        ("ANTREA-", "antrea"),
        ("DOCKER", "docker"),
    ];
    if comment.starts_with("cali:") {
        return "felix";
    }
    let found = |name: &str| PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, agent)| *agent);
    found(chain).or_else(|| found(target)).unwrap_or("iptables-save")
}

/// The chain of a line `-A CHAIN …`, counters before it or not.
fn chain(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('['));
    matches!(words.next()?, "-A" | "-I").then(|| words.next())?
}

/// What follows the last `-j` or `-g`.
fn target(line: &str) -> Option<&str> {
    let at = line.rfind(" -j ").into_iter().chain(line.rfind(" -g ")).max()?;
    line[at + 4..].split_whitespace().next()
}

/// The text of the first comment.
fn comment(line: &str) -> Option<&str> {
    let rest = line.split_once("--comment ")?.1;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split_whitespace().next(),
    }
}

/// `namespace/name` or `namespace/name:port`, where a comment of kube-proxy's names one.
fn service_port(comment: &str) -> Option<&str> {
    let letters = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
    };
    comment.split_whitespace().find(|word| {
        let (whole, port) = word.split_once(':').unwrap_or((word, ""));
        whole.split_once('/').is_some_and(|(namespace, name)| letters(namespace) && letters(name))
            && (port.is_empty() || letters(port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(lines: &[&str], at: usize) -> String {
        let read = Origin { file: "save".into(), line: at as u32 + 1, start: 0, end: 0 };
        Authors::new(lines, &[]).of(lines[at], read).to_string()
    }

    #[test]
    fn a_rule_without_a_comment_is_told_by_its_chain() {
        let lines = [
            "-A KUBE-SERVICES -d 10.96.0.7/32 -p tcp -m comment --comment \"shop/web:http cluster IP\" -m tcp --dport 80 -j \
             KUBE-SVC-ABCDEFGHIJKLMNOP",
            "-A KUBE-SVC-ABCDEFGHIJKLMNOP -j KUBE-SEP-QRSTUVWXYZ234567",
            "[4:240] -A cali-tw-cali21ac0ad37cb -m comment --comment \"cali:VHMMiU7tJGIEsvcD\" -j DROP",
            "-A INPUT -j DROP",
            "-A KUBE-FIREWALL -j DROP",
        ];
        assert_eq!(by(&lines, 0), "kube-proxy: service shop/web, port http (save:1)");
        assert_eq!(by(&lines, 1), "kube-proxy: service shop/web, port http (save:2)");
        assert_eq!(by(&lines, 2), "felix: workload on cali21ac0ad37cb (save:3)");
        assert_eq!(by(&lines, 3), "iptables-save (save:4)");
        assert_eq!(by(&lines, 4), "kubelet (save:5)");
    }

    #[test]
    fn comments_name_service_ports() {
        for (comment, expected) in [
            ("default/web:http cluster IP", Some("default/web:http")),
            ("default/web -> 10.244.0.1:80", Some("default/web")),
            ("masquerade traffic for default/web:http external destinations", Some("default/web:http")),
            ("kubernetes service nodeports; NOTE: this must be the last rule in this chain", None),
            ("10.0.0.0/8 is ours", Some("10.0.0.0/8")),
        ] {
            assert_eq!(service_port(comment), expected);
        }
    }
}
