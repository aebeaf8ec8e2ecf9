//! `scn repl`, as somebody at a terminal has it, and from a pipe.

#![allow(clippy::disallowed_methods, reason = "it kills at moments of the clock on the wall")]

use std::fs;
use std::thread;
use std::time::Duration;

use crate::common::{Run, typed};
use crate::folder::Folder;
use crate::terminal::Terminal;

fn state(folder: &Folder) -> String {
    folder.file("state", None)
}

/// `scn repl` with these lines from a pipe.
fn piped(folder: &Folder, arguments: &[&str], lines: &str) -> Run {
    typed(folder.command(&[&["repl"], arguments].concat()), lines)
}

#[test]
fn a_first_session() {
    let folder = Folder::new("session");
    let mut user = Terminal::open(&folder, &["repl"], &state(&folder));
    user.see("`:help` tells what there is");
    user.prompt();
    user.line("node worker1 at 10.0.0.1");
    user.prompt();
    user.line("node worker2 at 10.0.0.2");
    user.prompt();
    // A brace is open: Enter goes on.
    user.line("namespace default {");
    user.line("  pod client on worker1");
    user.line("}");
    user.prompt();
    // The only name that begins so is completed.
    user.keys("ping cl\t");
    user.see("ping client ");
    user.line("-> worker2 as hello");
    user.see("hello: ping default/client -> 10.0.0.2: delivered to worker2; 2 packets in");
    user.prompt();
    user.line("expect helo delivered");
    user.see("error[E0302]");
    user.see("<5>:1:8");
    user.see("did you mean `hello`?");
    user.prompt();
    user.line("wait 1h");
    user.prompt();
    user.line(":undo");
    user.see("undo: wait 1h");
    user.prompt();
    user.line("expect hello delivered");
    user.see("1 of 1 expectation met");
    user.prompt();
    user.line("trace hello hops");
    user.see("#1 default/client to worker2");
    user.prompt();
    user.line(":save first.scn");
    user.see("first.scn: 6 entries");
    user.prompt();
    user.line(":quit");
    assert!(user.end().success());

    let saved = "\
node worker1 at 10.0.0.1
node worker2 at 10.0.0.2

namespace default {
  pod client on worker1
}

ping client -> worker2 as hello
expect hello delivered
trace hello hops
";
    assert_eq!(folder.read("first.scn"), saved);
    let run = folder.scn(&["run", "first.scn"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("#1 default/client to worker2") && run.stdout.ends_with("1 of 1 expectation met\n"));
    assert_eq!(folder.scn(&["fmt", "--check", "first.scn"]).status, 0);
    let history = folder.read("state/netscene/history");
    assert!(
        history.starts_with("node worker1 at 10.0.0.1\nnode worker2 at 10.0.0.2\nnamespace default {\\n  pod"),
        "{history}"
    );

    // What was typed is there the next time: up, and Enter.
    let mut user = Terminal::open(&folder, &["repl", "first.scn"], &state(&folder));
    user.see("first.scn: 2 nodes, 1 pod, 0 services\r\n");
    user.prompt();
    user.keys("\u{1b}[A\u{1b}[A\u{1b}[A\r");
    user.see("#1 default/client to worker2");
    user.prompt();
    user.keys("\u{4}");
    assert!(user.end().success());
}

#[test]
fn ctrl_c_stops_what_runs_and_not_the_session() {
    let folder = Folder::new("stop");
    let mut user = Terminal::open(&folder, &["repl"], &state(&folder));
    user.prompt();
    user.line("node worker1 at 10.0.0.1");
    user.prompt();
    user.line("rhai { fn long(n) { if n == 0 { 1 } else { long(n - 1) + long(n - 1) } } }");
    user.prompt();
    user.line("for i in ${ 0..9000 } { assert ${ long(13) > 0 } }");
    user.taken();
    // It may not have begun when the first comes.
    while !user.sees("stopped; the world is as it was before", Duration::from_secs(3)) {
        user.keys("\u{3}");
    }
    user.prompt();
    user.line("ping worker1 -> worker1 as hello");
    user.see("hello: ping worker1 -> 10.0.0.1: delivered to worker1");
    user.prompt();
    // A line that was begun is dropped.
    user.keys("ping worker1\u{3}");
    user.prompt();
    user.line(":entries");
    user.see("ping worker1 -> worker1 as hello\r\n");
    user.prompt();
    user.keys("\u{4}");
    assert!(user.end().success());
}

#[test]
fn killed_at_any_moment_it_leaves_whole_files() {
    let folder = Folder::new("kill");
    for round in 0..24 {
        let mut user = Terminal::open(&folder, &["repl"], &state(&folder));
        user.prompt();
        for line in ["node worker1 at 10.0.0.1", "wait 1s", ":save x.scn", "wait 2s"] {
            user.line(line);
            user.prompt();
        }
        // What is typed is kept, and then done: either may be at work when the time is over.
        user.line(":save x.scn");
        thread::sleep(Duration::from_millis(2 * round));
        user.kill();
        let saved = folder.read("x.scn");
        let rest = saved.strip_prefix("node worker1 at 10.0.0.1\n\nwait 1s\n").expect("it is whole");
        assert!(rest.replace("wait 2s\n", "").is_empty(), "{saved}");
        let history = folder.read("state/netscene/history");
        let known = ["node worker1 at 10.0.0.1", "wait 1s", "wait 2s", ":save x.scn"];
        assert!(history.ends_with('\n') && history.lines().all(|line| known.contains(&line)), "{history}");
    }
}

#[test]
fn a_history_that_cannot_be_written_is_a_warning() {
    let folder = Folder::new("history");
    let mut user = Terminal::open(&folder, &["repl"], "/dev/null/state");
    user.see("warning: what is typed cannot be kept for the next time: /dev/null/state/netscene/history: ");
    user.prompt();
    user.line("node worker1 at 10.0.0.1");
    user.prompt();
    user.line(":entries");
    user.see("node worker1 at 10.0.0.1\r\n");
    user.prompt();
    user.line(":quit");
    assert!(user.end().success());
}

#[test]
fn lines_come_from_a_pipe() {
    let folder = Folder::new("pipe");
    folder.write("shop.scn", &fs::read_to_string(crate::common::root().join("examples/hello.scn")).unwrap());
    let lines = "send client -> web:80 tcp as hello\nexpect hello delivered\nnamespace default {\n  pod late on worker1\n}\n:save x.scn\n";
    let run = piped(&folder, &["shop.scn"], lines);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let mut printed = run.stdout.lines();
    assert_eq!(printed.next(), Some("shop.scn: 2 nodes, 3 pods, 1 service; 1 test: `:test` runs them"));
    assert!(
        printed.next().is_some_and(|line| line.starts_with("hello: tcp default/client -> 10.96.0.2:80: delivered to"))
    );
    assert_eq!((printed.next(), printed.next()), (Some("1 of 1 expectation met"), Some("x.scn: 4 entries")));
    assert!(
        run.stderr.contains("warning: `namespace default {` was entered after something had happened"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.scn(&["run", "x.scn"]).status, 0);

    assert_eq!(piped(&folder, &[], "node a at 10.0.0.1\nping a -> a as x\nexpect x timeout\n").status, 1);
    assert_eq!(piped(&folder, &[], "nod a at 10.0.0.1\n").status, 2);
    assert_eq!(piped(&folder, &["no-such.scn"], "").status, 2);
    assert_eq!(piped(&folder, &[], "test \"a\" {\n").status, 2);
    let deep = "rhai {\n  fn down(n) { down(n + 1) }\n}\nassert ${ down(0) == 0 }\n";
    assert_eq!(piped(&folder, &[], deep).status, 3, "as `scn run` would end");
    let wrong = piped(&folder, &[], ":udno\n:save\n:on nobody\n:help nothing-such\n:break nat/NO\n:step x\n");
    assert_eq!((wrong.status, wrong.stdout.as_str(), wrong.stderr.lines().count()), (2, "", 6), "{}", wrong.stderr);
    assert!(wrong.stderr.starts_with("error: there is no command `:udno`; did you mean `:undo`?\n"));
}

#[test]
fn a_machine_has_a_prompt_of_its_own() {
    let folder = Folder::new("machine");
    folder.write("shop.scn", &fs::read_to_string(crate::common::root().join("examples/hello.scn")).unwrap());
    let lines = ":on client\ncurl -v http://10.96.0.2/\nping -c 1 worker2\nssh worker2\n:on worker1\niptables -t nat -S KUBE-SERVICES\n\
                 ip addr\nip route\nconntrack -L -p icmp\ntcpdump -ni tunl0\nkubectl get services\nexit\n:entries\n";
    let run = piped(&folder, &["shop.scn"], lines);
    for part in [
        "curl1: get default/client -> http://10.96.0.2/: delivered to default/web-",
        "status 200 from 10.96.0.2:80",
        "ping2: ping default/client -> 10.0.0.2: delivered to worker2",
        "-A KUBE-SERVICES -d 10.96.0.2/32",
        "inet 10.0.0.1/",
        "proto bird",
        "icmp     1 ",
        "listening on tunl0",
        "ClusterIP",
        "on worker1 { ip route }",
    ] {
        assert!(run.stdout.contains(part), "{part} in\n{}\n{}", run.stdout, run.stderr);
    }
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            2,
            "error: ssh is not modelled; known are iptables, ping, curl, dig, kubectl, iptables-save, ipset, conntrack, ip, route, tcpdump, timeout, dmesg and cat\n"
        )
    );
}

#[test]
fn a_machine_that_is_gone_has_no_prompt() {
    let folder = Folder::new("gone");
    folder.write("other.scn", "node alone at 10.0.0.9\n");
    let lines = "node a at 10.0.0.1\n:on a\n:load other.scn\nping alone -> alone as x\nnode b at 10.0.0.2\n:on b\n:undo\n\
                 ping alone -> alone as y\n";
    let run = piped(&folder, &[], lines);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.contains("y: ping alone -> 10.0.0.9: delivered to alone"), "{}", run.stdout);
}

#[test]
fn a_flow_is_gone_through_hop_by_hop() {
    let folder = Folder::new("steps");
    folder.write("shop.scn", &fs::read_to_string(crate::common::root().join("examples/hello.scn")).unwrap());
    let lines = ":break nat/KUBE-SERVICES at worker1\n:break FORWARD\n:break\nsend client -> web:80 tcp as hello\n\nc\nq\n\
                 :break off\nsend client -> web:80 tcp as again\n:step hello\n";
    let run = piped(&folder, &["shop.scn"], lines);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    for part in [
        "nat/KUBE-SERVICES at worker1\nFORWARD\n",
        "stopped at nat/KUBE-SERVICES at worker1: Enter goes on a hop",
        "#1, hop 2 of ",
        "#1, hop 3 of ",
        "stopped at FORWARD\n#",
        "hello: tcp default/client -> 10.96.0.2:80: delivered to",
        "#1, hop 1 of ",
    ] {
        assert!(run.stdout.contains(part), "{part} in\n{}", run.stdout);
    }
    assert_eq!(run.stdout.matches("stopped at").count(), 2, "{}", run.stdout);
}

#[test]
fn what_changed_is_told() {
    let folder = Folder::new("diff");
    folder.write("shop.scn", &fs::read_to_string(crate::common::root().join("examples/hello.scn")).unwrap());
    let run = piped(
        &folder,
        &["shop.scn"],
        "scale deployment web 3\n:diff\n:undo\n:redo\n:diff\n:undo 9\n:undo\n:diff\n:test\n:help undo\n",
    );
    let diff = "objects\n  ~ deployment default/web: replicas 2 => 3\n  + pod default/web-";
    assert_eq!(run.stdout.matches(diff).count(), 2, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("there is nothing left to undo\n") && run.stdout.contains("nothing has changed\n"));
}
