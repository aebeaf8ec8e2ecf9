use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;

use netscene_core::trace::{Flow, Ways};
use netscene_core::world::{IngressPath, OpError, Operation, Outcome, WrittenRule};
use rhai::{EvalAltResult, ImmutableString};
use serde::{Deserialize, Serialize};

use super::{TestFacts, TestInfo, TestResult, values};
use crate::check::symbols::{Kind, Symbols};
use crate::{Diagnostic, FileId, script};

/// A world that programs run against: operations change it, and islands ask it.
///
/// A clone is a world of its own, and should be cheap: every test runs in one.
///
/// ```
/// use std::sync::Arc;
/// use netscene_core::{trace::Flow, world::{OpError, Operation, Outcome}};
/// use netscene_lang::{Diagnostic, Engine, Node, Pod, Service, Sink, SourceFiles, check, parse, run};
///
/// #[derive(Clone)]
/// struct Nowhere;
/// impl Engine for Nowhere {
///     fn apply(&mut self, _: &Operation) -> Result<Outcome, OpError> { Ok(Outcome::Done) }
///     fn flow(&self, _: &str) -> Option<Arc<Flow>> { None }
///     fn service(&self, _: &str) -> Option<Service> { None }
///     fn pod(&self, _: &str) -> Option<Pod> { None }
///     fn node(&self, _: &str) -> Option<Node> { None }
/// }
/// struct Quiet;
/// impl Sink for Quiet {
///     fn text(&mut self, _: &str) {}
///     fn test_started(&mut self, _: &str) {}
///     fn test_ended(&mut self, _: &str, _: bool) {}
///     fn failure(&mut self, _: Diagnostic) {}
/// }
///
/// let mut files = SourceFiles::default();
/// let (ast, _) = parse(&files.add("sums.scn", "test \"sums\" { assert ${ 1 + 1 == 2 } }\n"));
/// let (program, _) = check(&ast);
/// let summary = run(&program, &mut Nowhere, &mut Quiet);
/// assert_eq!((summary.tests, summary.failed, summary.expectations), (1, 0, 1));
/// ```
pub trait Engine: Clone {
    /// Applies an operation. A refused one leaves the world as it was.
    fn apply(&mut self, operation: &Operation) -> Result<Outcome, OpError>;

    /// The last flow of that name.
    fn flow(&self, name: &str) -> Option<Arc<Flow>>;

    /// The ways that were last explored under that name.
    fn ways(&self, _name: &str) -> Option<Arc<Ways>> {
        None
    }

    /// The service `namespace/name`.
    fn service(&self, name: &str) -> Option<Service>;

    /// The pod `namespace/name`.
    fn pod(&self, name: &str) -> Option<Pod>;

    /// The node of that name.
    fn node(&self, name: &str) -> Option<Node>;

    /// Every rule that agents have written on nodes, for those who ask which of them tests touch.
    fn written_rules(&mut self) -> Vec<WrittenRule> {
        Vec::new()
    }

    /// Every path of an ingress, and whether a request has come to it.
    fn ingress_paths(&self) -> Vec<IngressPath> {
        Vec::new()
    }

    /// From now on nothing that is sent arrives.
    fn mute(&mut self) {}
}

/// A service, as islands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `namespace/name`.
    pub name: String,
    /// Its address inside the cluster; none where it has none.
    pub cluster_ip: Option<Ipv4Addr>,
    /// The address that MetalLB has given it; none where it has none.
    pub load_balancer_ip: Option<Ipv4Addr>,
    /// What stands behind it, in the order of kube-proxy's rules.
    pub endpoints: Vec<Endpoint>,
}

/// What stands behind a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `namespace/name` of the pod; empty where it is none.
    pub name: String,
    /// The node it is on; empty where it is on none.
    pub node: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
}

/// A pod, as islands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// `namespace/name`.
    pub name: String,
    /// Its node.
    pub node: String,
    /// Its address.
    pub address: Ipv4Addr,
}

/// A node, as islands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
}

/// Where the output of a run goes.
pub trait Sink {
    /// What `show` and `trace` print; a newline is at its end.
    fn text(&mut self, text: &str);

    /// Whether a test is to run. One that is left out is told of no more.
    fn selects(&mut self, _: &TestInfo) -> bool {
        true
    }

    /// A test begins.
    fn test_started(&mut self, name: &str);

    /// A test has ended.
    fn test_ended(&mut self, name: &str, passed: bool);

    /// What has become of a test. [`test_ended`](Self::test_ended) is told of every test that ran, with whether it went as
    /// the scenario says, unless this is written anew.
    fn test_finished(&mut self, test: &TestInfo, result: &TestResult) {
        if !matches!(result, TestResult::Skipped(_)) {
            self.test_ended(&test.name, result.is_good());
        }
    }

    /// Something is not as expected, or could not be done. It belongs to the test that has started last and not ended, if
    /// there is one.
    fn failure(&mut self, diagnostic: Diagnostic);

    /// Something was sent, and this is what happened.
    fn flow(&mut self, _flow: &Arc<Flow>) {}

    /// What the test did that is about to end.
    fn facts(&mut self, _facts: TestFacts) {}

    /// The rules of the world in which the first test begins, where the [schedule](super::Schedule::covers) wants them.
    fn written(&mut self, _rules: Vec<WrittenRule>) {}

    /// The paths of ingresses, and which of them requests have come to, at the end of a test and of the file.
    fn ingress_paths(&mut self, _paths: Vec<IngressPath>) {}
}

/// What became of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many tests ran.
    pub tests: usize,
    /// How many of them did not go as the scenario says.
    pub failed: usize,
    /// How many did not run, because the scenario says so.
    pub skipped: usize,
    /// How many failed as the scenario says.
    pub failed_as_expected: usize,
    /// How many `expect`s and `assert`s were judged, in tests and outside.
    pub expectations: usize,
    /// How many of them were not met, or could not be judged.
    pub unmet: usize,
    /// How many sentences could not be carried out, in tests and outside.
    pub refused: usize,
    /// How many of those hit a limit.
    pub limits: usize,
}

impl Summary {
    /// Whether everything went as the scenario says.
    pub fn passed(&self) -> bool {
        self.failed == 0 && self.unmet == 0 && self.refused == 0
    }
}

/// Registers the functions of the table in [`api`](crate::api).
pub(super) fn register<E: Engine + 'static>(rhai: &mut rhai::Engine, world: &Rc<RefCell<E>>, symbols: &Rc<Symbols>) {
    macro_rules! question {
        ($name:literal, $kind:expr, $method:ident, $wrap:path) => {
            let (world, symbols) = (world.clone(), symbols.clone());
            rhai.register_fn($name, move |name: ImmutableString| {
                let full = resolve(&symbols, &name, $kind)?;
                let found = world.borrow().$method(&full).map($wrap);
                found.ok_or_else(|| problem(format!(concat!("the world has no ", $name, " `{}`"), full)))
            });
        };
    }
    question!("service", Kind::Service, service, values::service);
    question!("pod", Kind::Pod, pod, values::Pod);
    question!("node", Kind::Node, node, values::Node);
    let flows = world.clone();
    rhai.register_fn("flow", move |name: ImmutableString| {
        let found = flows.borrow().flow(&name).map(values::Flow);
        found.ok_or_else(|| problem(format!("nothing has been sent under the name `{name}`")))
    });
    let ways = world.clone();
    rhai.register_fn("ways", move |name: ImmutableString| {
        let found = ways.borrow().ways(&name).map(|ways| values::ways(&ways));
        found.ok_or_else(|| problem(format!("nothing has been explored under the name `{name}`")))
    });
}

fn resolve(symbols: &Symbols, name: &str, kind: Kind) -> Result<String, Box<EvalAltResult>> {
    // The place is Rhai's to give: it knows which call this is.
    let nowhere = script::nowhere(FileId(0));
    symbols.resolve(name, nowhere, &[kind]).map(|found| found.name).map_err(|diagnostic| {
        let label = diagnostic.labels.into_iter().next().map(|label| label.text).unwrap_or_default();
        problem(format!("{}: {label}", diagnostic.title))
    })
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
fn problem(text: String) -> Box<EvalAltResult> {
    text.into()
}
