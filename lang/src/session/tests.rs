use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::{SourceFiles, Word, compile, run_scenario};

/// A session in which these were entered, each without a fault.
fn session(entries: &[&str]) -> Session {
    let mut session = Session::new(0);
    for entry in entries {
        let answer = session.enter(entry);
        assert_eq!(answer.outcome, Outcome::Done, "{entry}: {}", answer.told(false));
    }
    session
}

const SHOP: &[&str] = &[
    "node worker1 at 10.0.0.1",
    "node worker2 at 10.0.0.2",
    "namespace default {\n  pod client on worker1\n  deployment web {\n    replicas 2 on worker1, worker2\n    labels app=web\n    \
     container nginx { port 80; serve http }\n  }\n}",
    "namespace default { service web { selector app=web; port 80 } }",
];

fn texts(session: &Session, text: &str) -> Vec<String> {
    session.complete(text, text.len()).candidates.into_iter().map(|one| one.text).collect()
}

#[test]
fn an_open_brace_waits_for_more_and_a_fault_does_not() {
    let mut session = session(&[]);
    for text in [
        "namespace a {",
        "test \"x\" {\n  wait 1s\n",
        "rhai { fn a() {",
        "host a at 10.0.0.1 { container c {\n file /x \"\"\"\n {",
    ] {
        assert_eq!(session.enter(text).outcome, Outcome::Incomplete, "{text}");
    }
    for text in ["test \"x { wait 1s", "test \"x\" {\n wiat 1s", "assert ${ 1 == {", "}", "wait 1s # {"] {
        assert_ne!(session.enter(text).outcome, Outcome::Incomplete, "{text}");
    }
    for text in ["", "  \n", "# nothing { \n"] {
        assert_eq!(session.enter(text).outcome, Outcome::Nothing, "{text}");
    }
}

#[test]
fn what_fails_leaves_the_world_as_it_was() {
    let mut session = session(SHOP);
    // The first sentence of the entry could be done; the second is not met.
    let answer = session.enter("ping worker1 -> worker2 as hello\nexpect hello timeout");
    assert_eq!(answer.outcome, Outcome::Refused);
    assert!(answer.told(false).contains("<5>:2:"), "{}", answer.told(false));
    assert!(session.world().flow("hello").is_none());
    // So could the first node.
    let answer = session.enter("node worker3 at 10.0.0.3\nnode worker4 at 10.0.0.3");
    assert_eq!(answer.outcome, Outcome::Refused, "{}", answer.told(false));
    assert!(session.world().state().node("worker3").is_none());
    let answer = session.enter("restore node worker1");
    assert_eq!(answer.outcome, Outcome::Refused);
    assert_eq!(session.entries().len(), SHOP.len());
}

#[test]
fn a_second_declaration_shows_the_first() {
    let mut session = session(&["node worker1 at 10.0.0.1"]);
    let told = session.enter("node worker1 at 10.0.0.2").told(false);
    assert!(told.contains("<1>:1:6") && told.contains("<2>:1:6"), "{told}");
}

#[test]
fn names_constants_and_functions_stay_known() {
    let mut session = session(SHOP);
    let entries = [
        "rhai { const most = 9; fn short(flow) { flow.hops.len() < global::most } }",
        "send client -> service/web:80 tcp as hello",
        "expect hello delivered to web",
        "assert ${ short(hello) && hello.hops.len() < most }",
        "explore client -> web:80 as ways",
        "expect ways worker2 with probability 1/2",
    ];
    for entry in entries {
        let answer = session.enter(entry);
        assert_eq!(answer.outcome, Outcome::Done, "{entry}: {}", answer.told(false));
    }
    let answer = session.enter("assert ${ hello.hops.len() == 77 }");
    assert_eq!(answer.outcome, Outcome::Refused);
    session.undo();
    session.undo();
    assert!(session.enter("expect ways always delivered").told(false).contains("there is no flow `ways` yet"));
}

#[test]
fn steps_back_and_forth() {
    let mut session = session(SHOP);
    let before = session.world().state().pods().count();
    session.enter("scale deployment web 5");
    assert_eq!(session.undo().as_deref(), Some("scale deployment web 5"));
    assert_eq!(session.world().state().pods().count(), before);
    assert_eq!(session.redo().as_deref(), Some("scale deployment web 5"));
    assert_eq!(session.world().state().pods().count(), before + 3);
    while session.undo().is_some() {}
    assert_eq!((session.entries().len(), session.world().state().nodes().len()), (0, 0));
    for entry in SHOP {
        assert_eq!(session.redo().as_deref(), Some(*entry));
    }
    // What is entered after a step back cannot be followed by what was undone.
    session.undo();
    session.enter("wait 1s");
    assert_eq!(session.redo(), None);
}

#[test]
fn a_saved_session_is_a_scenario_that_passes() {
    let mut session = session(SHOP);
    session.enter("send client -> web:80 tcp as hello   # the first");
    session.enter("expect hello delivered");
    session.enter("test \"again\" {\nsend client -> web:80 tcp as again\nexpect again delivered\n}");
    session.enter("expect hello timeout");
    let saved = session.save();
    assert_eq!(saved.notes, Vec::<String>::new());
    let mut files = SourceFiles::default();
    let file = files.add("saved.scn", saved.text.as_str());
    assert_eq!(format_of(&saved.text), saved.text, "scn fmt changes nothing");
    assert_eq!(compile(&file).1, Vec::new());
    let mut output = String::new();
    let verdict = run_scenario(("saved.scn", &saved.text), &NoFolder, 0, false, &mut |_, text| output += text);
    assert_eq!(
        (verdict, output.as_str()),
        (Verdict::Passed, "test \"again\" passed\n1 of 1 test passed, 2 of 2 expectations met\n")
    );
    assert!(saved.text.contains("# the first") && !saved.text.contains("timeout"), "{}", saved.text);

    session.enter("node late at 10.0.0.9");
    assert!(session.save().notes[0].starts_with("`node late at 10.0.0.9` was entered after"));
}

fn format_of(text: &str) -> String {
    crate::format(&SourceFiles::default().add("x.scn", text)).expect("it can be read")
}

#[test]
fn a_scenario_is_loaded_without_its_tests() {
    let mut session = session(&["node other at 10.0.0.7"]);
    let text = "node a at 10.0.0.1\nnode b at 10.0.0.2\nping a -> b as hello\nexpect hello timeout\n\
                test \"one\" { ping a -> b as echo; expect echo delivered }\ntest \"two\" { expect hello timeout }\n";
    let answer = session.load("net/x.scn", text, Rc::new(NoFolder));
    assert_eq!((answer.outcome, answer.diagnostics.len(), answer.summary.tests), (Outcome::Done, 1, 0));
    assert!(answer.told(false).contains("net/x.scn:4:1"), "{}", answer.told(false));
    assert!(session.world().state().node("other").is_none());
    assert_eq!(session.tests(), ["one", "two"]);
    let one = session.test("one");
    assert_eq!((one.outcome, one.summary.tests), (Outcome::Nothing, 1), "{}", one.told(false));
    let all = session.test("");
    assert_eq!((all.outcome, all.summary.tests, all.summary.failed), (Outcome::Refused, 2, 1));
    assert!(session.world().flow("echo").is_none());
    // What cannot be read is not loaded; and loading can be undone.
    assert_eq!(session.load("y.scn", "nod a\n", Rc::new(NoFolder)).outcome, Outcome::Refused);
    assert!(session.world().flow("hello").is_some());
    session.undo();
    assert!(session.world().state().node("other").is_some());
}

/// Files by name.
fn files<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

#[test]
fn other_files_are_included_once() {
    let folder =
        files([("nodes.scn", "node a at 10.0.0.1\nnode b at 10.0.0.2\n"), ("bad.scn", "node a at 10.0.0.3\n")]);
    let mut session = Session::in_folder(0, Rc::new(folder));
    assert_eq!(session.enter("include \"nodes.scn\"").outcome, Outcome::Done);
    assert_eq!(session.enter("include \"nodes.scn\"").outcome, Outcome::Done);
    assert_eq!(session.enter("ping a -> b as hello").outcome, Outcome::Done);
    let told = session.enter("include \"bad.scn\"").told(false);
    assert!(told.contains("bad.scn:1:6") && told.contains("nodes.scn:1:6"), "{told}");
    session.undo();
    session.undo();
    session.undo();
    assert_eq!(session.enter("include \"nodes.scn\"").outcome, Outcome::Done);
    assert_eq!(session.world().state().nodes().len(), 2);
}

#[test]
fn a_run_can_be_stopped() {
    let mut session = session(&["node a at 10.0.0.1"]);
    let (cancel, over) = (session.cancel(), Arc::new(AtomicBool::new(false)));
    let until = over.clone();
    let asker = std::thread::spawn(move || {
        // What is asked before the run begins is forgotten.
        while !until.load(Ordering::Relaxed) {
            cancel.ask();
            std::thread::yield_now();
        }
    });
    // It would go on for minutes.
    let long = "rhai { fn long(n) { if n == 0 { 1 } else { long(n - 1) + long(n - 1) } } }\n\
                for i in ${ 0..9000 } { wait 1s; assert ${ long(13) > 0 } }";
    let answer = session.enter(long);
    assert_eq!((answer.outcome, answer.diagnostics.len()), (Outcome::Stopped, 0), "{}", answer.told(false));
    over.store(true, Ordering::Relaxed);
    asker.join().expect("it ends");
    assert_eq!(session.world().time(), netscene_core::Time::ZERO);
    assert_eq!(session.entries().len(), 1);
}

#[test]
fn what_differs_between_two_moments() {
    let mut session = session(&SHOP[..3]);
    session.enter(SHOP[3]);
    let diff = session.diff(1);
    assert!(diff.starts_with("objects\n  + service default/web\niptables on worker1\n"), "{diff}");
    assert!(diff.contains("  + nat -A KUBE-SERVICES -d 10.96.0."), "{diff}");
    session.enter("send client -> web:80 tcp as hello");
    let diff = session.diff(1);
    assert!(diff.contains("flows\n  + hello\n") && diff.contains("conntrack on worker1\n  + tcp 6 "), "{diff}");
    assert!(!diff.contains("objects") && !diff.contains("iptables"), "{diff}");
    session.enter("set service web sessionAffinity ClientIP");
    let diff = session.diff(1);
    assert!(diff.contains("  ~ service default/web: "), "{diff}");
    session.enter("expect hello delivered");
    assert_eq!(session.diff(1), "");
    session.enter("delete service web");
    assert!(session.diff(1).contains("  - service default/web\n"));
    assert!(session.diff(99).contains("  + node worker1\n"), "against nothing");
}

#[test]
fn words_come_from_the_grammar() {
    let session = session(SHOP);
    assert_eq!(texts(&session, "namesp"), ["namespace"]);
    assert_eq!(texts(&session, "namespace default {\n  service web { sess"), ["sessionAffinity"]);
    assert_eq!(texts(&session, "cluster c { overlay "), ["ipip"]);
    assert_eq!(texts(&session, "show r"), ["routes"]);
    assert!(texts(&session, "delete ").contains(&"service".to_owned()));
    assert!(texts(&session, "ping client -> web ").contains(&"as".to_owned()));
    assert_eq!(texts(&session, "node worker3 at "), Vec::<String>::new(), "an address is nobody's to guess");
    let help = session.complete("scal", 4).candidates[0].help.clone();
    assert_eq!(help, Word::Scale.help());
}

#[test]
fn names_come_from_the_world() {
    let mut session = session(SHOP);
    session.enter("send client -> web:80 tcp as hello");
    assert_eq!(texts(&session, "send cl"), ["client"]);
    let pods: Vec<_> = texts(&session, "delete pod we");
    assert!(pods.len() == 2 && pods.iter().all(|pod| pod.starts_with("web-")), "{pods:?}");
    assert_eq!(texts(&session, "delete service "), ["web"]);
    assert_eq!(texts(&session, "choose w"), ["web"]);
    assert_eq!(texts(&session, "show routes on worker"), ["worker1", "worker2"]);
    assert_eq!(texts(&session, "expect he"), ["hello"]);
    assert_eq!(texts(&session, "expect hello visits worker1 nat/KUBE-SERV"), ["nat/KUBE-SERVICES"]);
    assert!(texts(&session, "expect hello dropped by filter/KUBE-F").contains(&"filter/KUBE-FORWARD".to_owned()));
    assert_eq!(texts(&session, "expect hello out tun"), ["tunl0"]);
    assert!(texts(&session, "expect hello del").contains(&"delivered".to_owned()));
    assert_eq!(texts(&session, "namespace default { service x { selector app"), ["app=web"]);
    assert_eq!(texts(&session, "get client -> http://w"), ["http://web/"]);
    assert_eq!(
        texts(&session, "namespace default { deployment a { replicas 1 on worker2, worker"),
        ["worker1", "worker2"]
    );
    assert!(texts(&session, "send client -> web:80 tcp as ").is_empty(), "a new name is the user's");
}

#[test]
fn islands_and_commands_are_completed_too() {
    let mut session = session(SHOP);
    session.enter("send client -> web:80 tcp as hello");
    assert_eq!(texts(&session, "assert ${ hel"), ["hello"]);
    assert_eq!(texts(&session, "assert ${ hello.ho"), ["hops"]);
    assert!(texts(&session, "assert ${ hello.hops[0].").contains(&"chains".to_owned()));
    assert!(texts(&session, "assert ${ ser").contains(&"service".to_owned()));
    assert_eq!(texts(&session, "assert ${ service(\"w"), ["web"]);
    assert_eq!(texts(&session, "assert ${ true } # "), Vec::<String>::new());
    assert_eq!(texts(&session, "on wor"), ["worker1", "worker2"]);
    assert!(texts(&session, "on worker1 { ").contains(&"tcpdump".to_owned()));
    assert_eq!(texts(&session, "on worker1 { iptables -t n"), ["nat"]);
    assert_eq!(texts(&session, "on worker1 { iptables -t nat -L KUBE-SERV"), ["KUBE-SERVICES"]);
    assert_eq!(texts(&session, "on worker1 { tcpdump -i tu"), ["tunl0"]);
    let typed = session.complete_typed("worker1", "iptables -t nat -L KUBE-SERV");
    assert_eq!((typed.from, typed.candidates[0].text.as_str()), (19, "KUBE-SERVICES"));
}

#[test]
fn every_beginning_of_a_scenario_is_completed_without_a_fault() {
    let session = session(SHOP);
    let text = include_str!("../../../examples/hello.scn");
    let below = text.find("node worker1").expect("it declares a node below its remark");
    for cursor in 0..=text.len() {
        let Completion { from, candidates } = session.complete(text, cursor);
        assert!(from <= cursor && candidates.iter().all(|one| one.text.starts_with(&text[from..cursor])));
        let mut last = 0;
        for (range, _) in highlight(&text[..cursor]) {
            assert!(range.start >= last && range.end > range.start && range.end <= cursor);
            last = range.end;
        }
    }
    // Where the text has a word of the language, that is among what could have come.
    for word in
        ["deployment", "replicas", "labels", "service", "selector", "test", "expect", "delivered", "trace", "hops"]
    {
        let at = below + text[below..].find(word).expect("the scenario has it");
        assert!(session.complete(text, at).candidates.iter().any(|one| one.text == word), "{word}");
    }
}

#[test]
fn a_flow_is_gone_through_hop_by_hop() {
    let mut session = session(SHOP);
    session.enter("choose port 40000/TCP on client");
    let answer = session.enter("send client -> web:80 tcp as hello");
    let mut stepper = Stepper::new(answer.flows[0].clone());
    assert!(stepper.step().is_some_and(|text| text.starts_with("#1, hop 1 of ") && text.contains("default/client")));
    assert!(stepper.step().is_some_and(|text| text.contains("KUBE-SERVICES")));
    let mut stepper = Stepper::new(answer.flows[0].clone());
    let breaks = [session.breakpoint("nat/KUBE-SERVICES at worker1").expect("there is such a chain")];
    let (met, text) = stepper.go_on(&breaks).expect("it comes there");
    assert!(met == breaks[0] && text.starts_with("#1, hop 2 of "), "{text}");
    assert!(stepper.go_on(&breaks).is_none(), "the nat table sees the first packet only");
    let problem = session.breakpoint("nat/KUBE-SERVICE").expect_err("there is no such chain");
    assert_eq!(problem, "there is no `nat/KUBE-SERVICE` to stop at; did you mean `nat/KUBE-SERVICES`?");
}

#[test]
fn commands_of_a_machine() {
    let mut session = session(SHOP);
    for (number, line) in ["ping 10.0.0.2", "curl -v 10.96.0.2", "ip route get 10.0.0.2", "ip addr", "kubectl get pods"]
        .into_iter()
        .enumerate()
    {
        let place = if line.starts_with("ip ") { "worker1" } else { "client" };
        let answer = session.enter(&typed(place, line, number).expect("it is known"));
        assert!(answer.outcome == Outcome::Done && !answer.text.is_empty(), "{line}: {}", answer.told(false));
    }
    let way = session.enter("on worker1 { ip route get 10.0.0.2 }").text;
    assert!(way.starts_with("10.0.0.2 dev eth0 src 10.0.0.1 uid 0\n"), "{way}");
    for line in ["ping -f web", "curl -X POST http://web/", "dig @10.96.0.10 web", "ssh worker2"] {
        assert!(typed("client", line, 1).is_err_and(|problem| problem.contains("is not modelled")), "{line}");
    }
    assert!(typed("client", "iptable -L", 1).is_err_and(|problem| problem.ends_with("did you mean `iptables`?")));
}

#[test]
fn what_comes_later_is_known_as_what_comes_first() {
    // Endpoints for a service that is there already.
    let mut shop = session(&["node worker1 at 10.0.0.1", "namespace default { service db { port 3306 } }"]);
    let answer = shop.enter("namespace default { endpoints db { addresses 10.9.0.7; port 3306 } }");
    assert_eq!(answer.outcome, Outcome::Done, "{}", answer.told(false));
    assert!(shop.enter("show kubectl get endpoints").text.contains("10.9.0.7:3306"));
    // Constants of an earlier entry, in a `for` around declarations.
    let mut many =
        session(&["rhai { const most = 2; }", "for i in ${ 1..=most } { node worker${ i } at 10.0.0.${ i } }"]);
    assert!(many.enter("ping worker1 -> worker2 as hello").text.contains("delivered to worker2"));
    // A flow that an earlier test sends is in another test, however far right it stands.
    many.enter("                              test \"a\" { ping worker1 -> worker2 as there }");
    assert!(many.enter("expect there delivered").told(false).contains("it was sent in another test"));
    // Loops in loops of tests.
    let loops = "for a in ${ 1..3 } { for b in ${ 1..3 } { test \"t ${ a } ${ b }\" { assert ${ a < 3 && b < 3 } } } }";
    assert_eq!(many.enter(loops).outcome, Outcome::Done);
    assert_eq!(many.test("t ").summary.tests, 4);
}

#[test]
fn routers_are_among_what_there_is_to_see() {
    let mut net = session(&["node worker1 at 10.0.0.1"]);
    let router = "router r { device eth0 at 10.0.0.254/24; device eth1 at 10.1.0.254/24 }";
    let answer = net.enter(router);
    assert_eq!(answer.outcome, Outcome::Done, "{}", answer.told(false));
    assert!(net.diff(1).contains("router r"), "{}", net.diff(1));
    assert!(net.places("").iter().any(|place| place.text == "r"));
    assert!(net.save().notes.is_empty());
    net.enter("node worker2 at 10.0.0.2");
    assert!(net.save().notes.is_empty(), "{:?}", net.save().notes);
}

#[test]
fn a_gateway_stays_one_when_its_router_goes() {
    let pool = "pool lan 10.0.0.0/24 gateway 10.0.0.254";
    let router = "router r { device eth0 at 10.0.0.254/24; device eth1 at 10.1.0.254/24 }";
    let mut net = session(&[pool, "node worker1 at 10.0.0.1", router, "delete router r"]);
    let told = net.enter("host other at 10.0.0.254").told(false);
    assert!(told.contains("10.0.0.254 belongs to the gateway of pool lan"), "{told}");
}

#[test]
fn a_file_that_has_changed_is_read_anew() {
    #[derive(Clone, Default)]
    struct Disk(Rc<RefCell<BTreeMap<String, String>>>);
    impl Folder for Disk {
        fn read(&self, path: &str) -> Result<String, String> {
            self.0.borrow().read(path)
        }
    }
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    let disk = Disk::default();
    let mut session = Session::in_folder(0, Rc::new(disk.clone()));
    session.enter("node worker1 at 10.0.0.1");
    for name in ["one", "two"] {
        disk.0.borrow_mut().insert("x.yaml".to_owned(), map(name));
        let answer = session.enter("apply \"x.yaml\"");
        assert_eq!(answer.outcome, Outcome::Done, "{}", answer.told(false));
        assert!(session.diff(1).contains(&format!("configMap default/{name}")), "{}", session.diff(1));
    }
}
