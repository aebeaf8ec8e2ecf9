//! What is declared in a file, by name, and how a name in a sentence finds it.

use std::fmt;

use ipnet::Ipv4Net;
use netscene_core::kube::Object;
use netscene_core::map::{IndexMap, IndexSet};
use netscene_core::world::{Op, Operation};

use crate::ast::{Ast, Statement, StatementKind, Text};
use crate::suggest::{a, list, question};
use crate::{Code, Diagnostic, SourceFiles, Span, Word};

/// What a name can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Pod,
    Deployment,
    Service,
    Node,
    Host,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Pod, Self::Deployment, Self::Service, Self::Node, Self::Host];

    fn word(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Deployment => "deployment",
            Self::Service => "service",
            Self::Node => "node",
            Self::Host => "host",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether objects of the kind live in a namespace.
    fn namespaced(self) -> bool {
        !matches!(self, Self::Node | Self::Host)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A name that has been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it stands for; the first of the kinds asked for, where it is unsure.
    pub(crate) kind: Kind,
    /// `name` of a node or host, `namespace/name` of anything else.
    pub(crate) name: String,
}

/// The names of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    names: IndexMap<(Kind, String), Span>,
    /// Deployments that make pods of their own: what those will be called is the world's to say.
    generating: IndexSet<String>,
    /// Node by node, the block of pod addresses that it says it has.
    pub(crate) pod_cidrs: IndexMap<String, (Ipv4Net, Span)>,
    /// The words of sentences that could not be read, and of what stands in their blocks. What they declare is not
    /// known, so that nothing they may declare is called unknown.
    pub(crate) loose: IndexSet<String>,
    /// Whether a file could not be read: then everything may be declared.
    unread: bool,
    /// Whether an unknown name is not compared with all known ones any more.
    terse: bool,
}

/// The most comparisons of names that there are for all of a file's faults together. It is passed by files with thousands of
/// names and more faults than are told.
pub(crate) const MOST_COMPARISONS: usize = 250_000;

impl Symbols {
    /// Gathers the names of a file; what is declared twice is reported.
    pub(crate) fn gather(ast: &Ast, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut symbols = Self { unread: ast.unread, ..Self::default() };
        let mut once = Once::default();
        for statement in &ast.statements {
            symbols.gather_one(&ast.files, statement, &mut once, diagnostics);
        }
        symbols
    }

    fn gather_one(
        &mut self,
        files: &SourceFiles,
        statement: &Statement,
        once: &mut Once,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        match &statement.kind {
            StatementKind::Cluster { name, .. } => once.say("cluster", String::new(), name, diagnostics),
            StatementKind::Pool { name, .. } => once.say("pool", name.text.clone(), name, diagnostics),
            StatementKind::Node { name, clauses, .. } => {
                once.say("machine", name.text.clone(), name, diagnostics);
                self.names.entry((Kind::Node, name.text.clone())).or_insert(name.span);
                let cidr = clauses.iter().find(|clause| clause.word == Word::PodCidr);
                if let Some((cidr, clause)) = cidr.and_then(|clause| Some((clause.value.text.parse().ok()?, clause))) {
                    self.pod_cidrs.insert(name.text.clone(), (cidr, clause.span));
                }
            }
            StatementKind::Zone { name, .. } => once.say("zone", name.text.clone(), name, diagnostics),
            // A router is a machine outside the cluster, too.
            StatementKind::Host { name, .. } | StatementKind::Router { name, .. } => {
                once.say("machine", name.text.clone(), name, diagnostics);
                self.names.entry((Kind::Host, name.text.clone())).or_insert(name.span);
            }
            StatementKind::Load { name, .. } => {
                once.say("machine", name.text.clone(), name, diagnostics);
                self.names.entry((Kind::Node, name.text.clone())).or_insert(name.span);
            }
            StatementKind::Namespace { name, body } => {
                for inner in &body.statements {
                    self.gather_object(files, &name.text, inner, once, diagnostics);
                }
            }
            StatementKind::Apply { path, operations } => {
                for operation in operations {
                    self.gather_applied(files, path, operation, once, diagnostics);
                }
            }
            StatementKind::Faulty(_) => self.loosen(files, statement.span),
            StatementKind::Test { .. } | StatementKind::For { .. } | StatementKind::If { .. } => {
                // What a test declares may be declared by another test too.
                let above = once.seen.len();
                for block in statement.kind.blocks() {
                    for inner in &block.statements {
                        self.gather_one(files, inner, once, diagnostics);
                    }
                    once.seen.truncate(above);
                }
            }
            _ => {}
        }
    }

    /// What a manifest declares.
    fn gather_applied(
        &mut self,
        files: &SourceFiles,
        path: &Text,
        operation: &Operation,
        once: &mut Once,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let Op::Declare { object } = &operation.op else { return };
        let origin = operation.origin.as_ref();
        let span = origin.and_then(|origin| files.span(origin)).unwrap_or(path.span);
        // Of a whole object the first line is enough to see.
        let first = files.at(span).find('\n').map_or(span.end, |length| span.start + length as u32);
        let mut declare = |kind: Kind, what, full: String| {
            let name = Text { span: Span { end: first, ..span }, text: full.clone() };
            once.say(what, full.clone(), &name, diagnostics);
            self.names.entry((kind, full)).or_insert(name.span);
        };
        match object {
            Object::Node(node) => declare(Kind::Node, "machine", node.name.clone()),
            Object::Pod(pod) => declare(Kind::Pod, "pod", format!("{}/{}", pod.namespace, pod.name)),
            Object::Service(service) => {
                declare(Kind::Service, "service", format!("{}/{}", service.namespace, service.name));
            }
            Object::Deployment(one) => {
                let full = format!("{}/{}", one.namespace, one.name);
                let what = match (one.daemon_set, &one.stateful_set) {
                    (true, _) => "daemonSet",
                    (false, Some(_)) => "statefulSet",
                    (false, None) => "deployment",
                };
                declare(Kind::Deployment, what, full.clone());
                for pod in &one.pods {
                    declare(Kind::Pod, "pod", format!("{}/{}", one.namespace, pod.name));
                }
                self.generating.insert(full);
            }
            _ => {}
        }
    }

    fn gather_object(
        &mut self,
        files: &SourceFiles,
        namespace: &str,
        statement: &Statement,
        once: &mut Once,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let full = |name: &Text| format!("{namespace}/{}", name.text);
        let mut declare = |kind: Kind, name: &Text, what| {
            once.say(what, full(name), name, diagnostics);
            self.names.entry((kind, full(name))).or_insert(name.span);
        };
        match &statement.kind {
            StatementKind::Pod { name, .. } => declare(Kind::Pod, name, "pod"),
            StatementKind::Service { name, .. } => declare(Kind::Service, name, "service"),
            StatementKind::Ingress { name, .. } => once.say("ingress", full(name), name, diagnostics),
            StatementKind::ConfigMap { name, .. } => once.say("configMap", full(name), name, diagnostics),
            StatementKind::NetworkPolicy { name, .. } => once.say("networkPolicy", full(name), name, diagnostics),
            StatementKind::Workload { word, name, body } => {
                declare(Kind::Deployment, name, word.text());
                let mut pods = 0;
                for inner in &body.statements {
                    match &inner.kind {
                        StatementKind::Pod { name, .. } => {
                            declare(Kind::Pod, name, "pod");
                            pods += 1;
                        }
                        // A faulty one among them may be a pod.
                        StatementKind::Faulty(_) => pods += 1,
                        _ => {}
                    }
                }
                let more = body.statements.iter().any(|inner| matches!(inner.kind, StatementKind::Replicas { .. }));
                if pods == 0 || more || *word != Word::Deployment {
                    self.generating.insert(full(name));
                }
                for inner in &body.statements {
                    if matches!(inner.kind, StatementKind::Faulty(_)) {
                        self.loosen(files, inner.span);
                    }
                }
            }
            StatementKind::Faulty(_) => self.loosen(files, statement.span),
            _ => {}
        }
    }

    /// Counts the faults of a file, so that very many of them do not take very long.
    pub(crate) fn count_faults(&mut self, faults: usize) {
        self.terse = faults.saturating_mul(self.names.len()) > MOST_COMPARISONS;
    }

    /// Takes the words of a sentence that could not be read for names that may be declared.
    pub(crate) fn loosen(&mut self, files: &SourceFiles, span: Span) {
        let separates = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.');
        self.loose.extend(files.at(span).split(separates).filter(|word| !word.is_empty()).map(str::to_owned));
    }

    /// Whether something of that name may be declared where it could not be read.
    pub(crate) fn may_be(&self, name: &str) -> bool {
        self.unread || self.loose.contains(name)
    }

    /// Whether there is a service of that name, `namespace/name`.
    pub(crate) fn has_service(&self, name: &str) -> bool {
        self.names.contains_key(&(Kind::Service, name.to_owned()))
    }

    /// Where the node of that name is declared.
    pub(crate) fn node(&self, name: &Text) -> Result<(), Diagnostic> {
        self.resolve(&name.text, name.span, &[Kind::Node]).map(drop)
    }

    /// What a name stands for, among `kinds`, the likelier first.
    pub(crate) fn resolve(&self, text: &str, span: Span, kinds: &[Kind]) -> Result<Found, Diagnostic> {
        let parts: Vec<_> = text.split('/').collect();
        let (kinds, namespace, name) = match *parts.as_slice() {
            [name] => (kinds.to_vec(), None, name),
            // `pod/client` unless there is a namespace `pod` with a `client` in it.
            [first, name] => match Kind::from_word(first).filter(|_| !self.holds(kinds, text)) {
                Some(kind) => (narrow(kind, kinds, span)?, None, name),
                None => (kinds.to_vec(), Some(first), name),
            },
            [first, namespace, name] => match Kind::from_word(first) {
                Some(kind) => (narrow(kind, kinds, span)?, Some(namespace), name),
                None => return Err(unreadable(text, span)),
            },
            _ => return Err(unreadable(text, span)),
        };
        for &kind in &kinds {
            let full = match (kind.namespaced(), namespace) {
                (true, namespace) => format!("{}/{name}", namespace.unwrap_or("default")),
                (false, None) => name.to_owned(),
                (false, Some(_)) => continue,
            };
            let made = kind == Kind::Pod && self.is_made(&full);
            if made || self.names.contains_key(&(kind, full.clone())) {
                return Ok(Found { kind, name: full });
            }
        }
        if self.may_be(name) {
            let kind = kinds.first().copied().unwrap_or(Kind::Pod);
            return Ok(Found { kind, name: text.to_owned() });
        }
        Err(self.unknown(text, name, span, &kinds))
    }

    /// Whether the world may make a pod of that name from a deployment: `web-…` from `web`.
    fn is_made(&self, pod: &str) -> bool {
        let mut ends = pod.match_indices('-').filter(|(end, _)| end + 1 < pod.len());
        ends.any(|(end, _)| self.generating.contains(&pod[..end]))
    }

    fn holds(&self, kinds: &[Kind], full: &str) -> bool {
        kinds.iter().any(|kind| kind.namespaced() && self.names.contains_key(&(*kind, full.to_owned())))
    }

    fn unknown(&self, text: &str, name: &str, span: Span, kinds: &[Kind]) -> Diagnostic {
        fn short(full: &str) -> &str {
            full.strip_prefix("default/").unwrap_or(full)
        }
        let what = list(kinds.iter().map(|kind| kind.word()), "or");
        if self.terse {
            let diagnostic =
                Diagnostic::error(Code::UnknownName, format!("there is no {what} `{}`", without_kind(text)));
            return diagnostic.at(span, format!("not declared in this file as a {what}"));
        }
        let of_kind = || self.names.keys().filter(|(kind, _)| kinds.contains(kind));
        let known = of_kind().map(|(_, full)| short(full));
        let question = question(short(without_kind(text)), known).or_else(|| {
            // The right name in the wrong namespace.
            let elsewhere = of_kind().find(|(_, full)| full.rsplit('/').next() == Some(name));
            elsewhere.map(|(kind, full)| format!("there is a {kind} `{full}`"))
        });
        let plain = without_kind(text);
        let other = || {
            let full = [plain.to_owned(), format!("default/{plain}")];
            self.names.iter().find(|((_, other), _)| full.contains(other))
        };
        let diagnostic = Diagnostic::error(Code::UnknownName, format!("there is no {what} `{plain}`"));
        match (question, other()) {
            (Some(question), _) => diagnostic.at(span, question),
            (None, Some(((kind, _), place))) => {
                let label = format!("`{plain}` is a {kind}, and a {what} is wanted");
                diagnostic.at(span, label).see(*place, "declared here")
            }
            (None, None) => diagnostic.at(span, format!("not declared in this file as a {what}")),
        }
    }
}

/// A name without the kind that may stand before it.
fn without_kind(text: &str) -> &str {
    text.split_once('/').filter(|(kind, _)| Kind::from_word(kind).is_some()).map_or(text, |(_, rest)| rest)
}

/// The kind that a name says it is, if the sentence takes that kind.
fn narrow(kind: Kind, kinds: &[Kind], span: Span) -> Result<Vec<Kind>, Diagnostic> {
    if kinds.contains(&kind) {
        return Ok(vec![kind]);
    }
    let title = format!("a {kind} cannot stand here");
    let label = format!("expected {}", a(&list(kinds.iter().map(|kind| kind.word()), "or")));
    Err(Diagnostic::error(Code::UnknownName, title).at(span, label))
}

fn unreadable(text: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::UnknownName, format!("`{text}` is no name"))
        .at(span, "expected `name`, `namespace/name` or `kind/name`")
        .hint("a kind is one of pod, deployment, service, node and host".to_owned())
}

/// What may be declared once, by kind and name.
#[derive(Default)]
struct Once {
    /// In the order of the file.
    seen: IndexMap<(&'static str, String), Span>,
}

impl Once {
    fn say(&mut self, kind: &'static str, full: String, name: &Text, diagnostics: &mut Vec<Diagnostic>) {
        let first = *self.seen.entry((kind, full)).or_insert(name.span);
        if first != name.span {
            let title = match kind {
                "cluster" => "a file has one cluster".to_owned(),
                "networkPolicy" => format!("there are two networkPolicies `{}`", name.text),
                _ => format!("there are two {kind}s `{}`", name.text),
            };
            let diagnostic = Diagnostic::error(Code::Duplicate, title).at(name.span, "declared again here");
            diagnostics.push(diagnostic.see(first, "first declared here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceFiles, parse};

    fn symbols() -> Symbols {
        let text = "node worker1 at 10.0.0.1\nnamespace default { deployment web { replicas 2 }\nservice web { port 80 } }\n\
                    namespace iks { pod nginx }\nnode broken ta 10.0.0.2\n";
        let mut files = SourceFiles::default();
        Symbols::gather(&parse(&files.add("x.scn", text)).0, &mut Vec::new())
    }

    fn find(name: &str, kinds: &[Kind]) -> Option<(Kind, String)> {
        symbols().resolve(name, Span::default(), kinds).ok().map(|found| (found.kind, found.name))
    }

    #[test]
    fn a_bare_name_is_of_the_default_namespace() {
        assert_eq!(find("web", &[Kind::Service]), Some((Kind::Service, "default/web".into())));
        assert_eq!(find("nginx", &[Kind::Pod]), None);
        assert_eq!(find("iks/nginx", &[Kind::Pod]), Some((Kind::Pod, "iks/nginx".into())));
    }

    #[test]
    fn a_kind_may_stand_before_it() {
        let kinds = [Kind::Deployment, Kind::Service, Kind::Node, Kind::Pod];
        assert_eq!(find("service/web", &kinds), Some((Kind::Service, "default/web".into())));
        assert_eq!(find("web", &kinds), Some((Kind::Deployment, "default/web".into())));
        assert_eq!(find("pod/iks/nginx", &kinds), Some((Kind::Pod, "iks/nginx".into())));
        assert_eq!(find("node/worker1", &kinds), Some((Kind::Node, "worker1".into())));
        assert_eq!(find("service/web", &[Kind::Pod]), None);
    }

    #[test]
    fn what_may_exist_is_not_unknown() {
        assert!(find("web-75f45485dc-zvdj2", &[Kind::Pod]).is_some(), "a pod of the deployment");
        assert!(find("broken", &[Kind::Node]).is_some(), "a node of a faulty sentence");
    }
}
