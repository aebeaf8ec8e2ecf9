//! Programs run against a world that only remembers.

mod support;

use netscene_core::world::{Choice, Op, Show, Source, Target, TargetHost};
use netscene_lang::{Severity, SourceFiles, Summary, check, parse, render, run};
use support::{Fake, Log};

const WORLD: &str = r"
node worker1 at 10.0.0.1
node worker2 at 10.0.0.2
namespace default {
  pod client on worker1
  deployment web { replicas 2; labels app=web; container nginx { port 80; serve http } }
  service web { selector app=web; port 80 }
}
";

struct Ran {
    world: Fake,
    log: Log,
    summary: Summary,
    files: SourceFiles,
}

/// Runs a scenario behind the declarations of `WORLD`.
fn ran(text: &str) -> Ran {
    let mut files = SourceFiles::default();
    let (ast, mut diagnostics) = parse(&files.add("run.scn", format!("{WORLD}{text}")));
    let (program, more) = check(&ast);
    diagnostics.extend(more);
    assert!(
        diagnostics.iter().all(|found| found.severity < Severity::Error),
        "{}",
        render(&diagnostics, &files, false)
    );
    let (mut world, mut log) = (Fake::default(), Log::default());
    let summary = run(&program, &mut world, &mut log);
    Ran { world, log, summary, files }
}

impl Ran {
    /// The operations behind the declarations.
    fn commands(&self) -> Vec<&Op> {
        let ops = self.world.operations.iter().map(|operation| &operation.op);
        ops.filter(|op| !matches!(op, Op::Declare { .. })).collect()
    }

    fn rendered(&self) -> String {
        render(&self.log.failures, &self.files, false)
    }
}

#[test]
fn declarations_come_first_wherever_they_stand() {
    let ran = ran("show routes on late\nnode late at 10.0.0.3\n");
    let last = ran.world.operations.last().unwrap();
    assert_eq!(last.op, Op::Show(Show::Routes { on: "late".into() }));
    assert_eq!(last.origin.as_ref().map(ToString::to_string).as_deref(), Some("run.scn:9"));
    assert_eq!(ran.world.operations.len(), 2 + 1 + 3 + 1 + 1);
}

#[test]
fn names_are_resolved_on_the_way_down() {
    let ran = ran(
        "send client:1234 -> service/web:80 tcp as hello\nchoose web -> default/web-1\nsend pod/client -> web:80 udp as more\n",
    );
    let from = |name: &str, port| Source { name: name.into(), port };
    let to = |name: &str| Target { host: TargetHost::Name(name.into()), port: Some(80) };
    let commands = ran.commands();
    assert!(
        matches!(commands[0], Op::Send { from: f, to: t, .. } if *f == from("default/client", Some(1234)) && *t == to("service/default/web"))
    );
    assert!(
        matches!(commands[1], Op::Choose(Choice::Endpoint { service, endpoint, on: None }) if service == "default/web" && endpoint == "default/web-1")
    );
    assert!(
        matches!(commands[2], Op::Send { from: f, to: t, .. } if *f == from("pod/default/client", None) && *t == to("default/web"))
    );
}

#[test]
fn a_test_has_a_world_of_its_own() {
    let ran = ran(r#"
send client -> web:80 tcp as above
test "one" { expect above delivered; send client -> web:80 tcp as mine; wait 1s }
test "two" { send client -> web:80 tcp as mine; expect mine delivered }
"#);
    assert_eq!(ran.log.lines, ["test one", "pass one", "test two", "pass two"]);
    assert_eq!(ran.summary, Summary { tests: 2, expectations: 2, ..Summary::default() });
    assert_eq!(ran.commands().len(), 1);
}

#[test]
fn islands_stand_for_values() {
    let ran = ran(r#"
rhai {
  const eighty = 40 + 40;
  fn crosses(flow, device) { flow.hops.some(|hop| hop.out == device) }
  fn short(flow) { flow.hops.len() < global::eighty }
}
for end in ${ service("web").endpoints } {
  choose web -> ${ end }
  send ${ pod("client") } -> ${ end } tcp as hello
  send client -> ${ end.address }:80 tcp as again
  if ${ end.node == "worker1" } { wait ${ "1s" } } else { wait 2s }
}
assert ${ crosses(hello, "tunl0") && !crosses(hello, "eth9") }
assert ${ short(hello) && eighty == 80 && service("default/web").clusterIP == "10.96.0.9" }
assert ${ hello.hops.map(|hop| hop.node) == ["client", "worker1", "worker2"] }
assert ${ hello.packets[0].protocol == "udp" && hello.hops[1].chains.is_empty() }
expect hello dnat ${ service("web").clusterIP }:80 => 192.168.1.1:80
"#);
    assert_eq!(ran.log.lines.len(), 1, "{}", ran.rendered());
    let pinned = ran.commands().into_iter().filter_map(|op| match op {
        Op::Choose(Choice::Endpoint { endpoint, .. }) => Some(endpoint.as_str()),
        _ => None,
    });
    assert_eq!(pinned.collect::<Vec<_>>(), ["default/web-1", "default/web-2"]);
    let waits = ran.commands().into_iter().filter_map(|op| match op {
        Op::Wait { duration } => Some(duration.as_secs()),
        _ => None,
    });
    assert_eq!(waits.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_failure_ends_a_test_and_not_the_run() {
    let ran = ran(r#"
get client -> http://web/ as page
expect page not delivered
assert ${ page.status == 404 }
test "fails" {
  expect page status 404
  show routes on worker1
}
test "goes on" { expect page status 200 }
trace page
"#);
    assert_eq!(
        ran.log.lines,
        [
            "failure E0502: this is not what happened",
            "failure E0503: this is not true",
            "test fails",
            "failure E0502: this is not what happened",
            "FAIL fails",
            "test goes on",
            "pass goes on",
            "trace of page",
        ]
    );
    assert_eq!(ran.summary, Summary { tests: 2, failed: 1, expectations: 4, unmet: 3, ..Summary::default() });
    insta::assert_snapshot!(ran.rendered());
}

#[test]
fn a_false_assertion_shows_its_parts() {
    let ran = ran(r#"
rhai { const longest_path = 2; }
send client -> web:80 tcp as hello
assert ${ hello.hops.len() + 1 <= longest_path }
assert ${ hello.to == "default/web-2" && hello.hops.all(|hop| hop.node == "x") }
assert ${ hello.status == 200 }
assert ${ service("web").endpoints.len == 3 }
"#);
    insta::assert_snapshot!(ran.rendered());
}

#[test]
fn rhai_fails_at_its_place_in_the_file() {
    let ran = ran(r#"
rhai {
  fn third(flow) {
    flow.hops[7].node
  }
}
send client -> web:80 tcp as hello
assert ${ third(hello) == "x" }
assert ${ hello.hops[9].out == "" }
assert ${ service("no" + "thing").name == "" }
assert ${ 1 / (hello.hops.len() - 3) == 1 }
wait ${ hello }
for x in ${ 7 } { wait 1s }
if ${ "yes" } { wait 1s }
choose web -> ${ "default/nobody" }
"#);
    insta::assert_snapshot!(ran.rendered());
}

#[test]
fn a_script_cannot_run_away() {
    let ran = ran(r#"
rhai {
  fn again(n) { again(n + 1) }
  fn long(text) { [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map(|x| { text += text; 1 }) }
}
assert ${ again(0) == 1 }
assert ${ long("x") == 1 }
"#);
    assert_eq!(ran.summary.refused, 2);
    insta::assert_snapshot!(ran.rendered());
}

#[test]
fn what_the_world_refuses_is_told_at_its_place() {
    let ran = ran("node full at 10.0.0.99\nsend client -> web:80 tcp as hello\n");
    assert_eq!(ran.commands().len(), 0, "nothing runs in half a world");
    insta::assert_snapshot!(ran.rendered());
}

#[test]
fn a_scenario_may_have_many_flows() {
    let sends: Vec<_> = (0..400).map(|flow| format!("send client -> web:80 tcp as f{flow}")).collect();
    let ran = ran(&format!("{}\nassert ${{ f399.hops.all(|hop| hop.node != f1.name) }}\n", sends.join("\n")));
    assert!(ran.summary.passed(), "{}", ran.rendered());
}
