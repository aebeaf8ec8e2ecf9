//! `scn walk`: what it answers, and what it says when it cannot.

use crate::common::scn;

#[test]
fn a_shell_that_took_the_arrow_is_noticed() {
    let run = scn(&["walk", "--node", "tests/reference/netns", "tcp", "10.0.0.2:40000", "-", "in", "eth0"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("put the packet into quotes, or write `to` for `->`"), "{}", run.stderr);
}

#[test]
fn options_may_stand_behind_the_packet() {
    let words = ["walk", "--node", "tests/reference/netns", "tcp", "10.0.0.2:40000", "to", "10.0.0.1:22", "in", "eth0"];
    let run = scn(&[&words[..], &["--depth", "line"]].concat());
    assert_eq!(run.stderr, "");
    assert!(run.stdout.starts_with("the packet  10.0.0.2:40000 > 10.0.0.1:22 tcp SYN in eth0\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("\n#1 "), "{}", run.stdout);
}

#[test]
fn what_the_model_does_not_understand_is_named_with_file_and_line() {
    let run = scn(&["walk", "--node", "tests/reference/netns", "tcp 10.0.0.5:40000 -> 10.244.0.2:53 in eth0"]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("ip rule 600: uidrange 1000-1001 (tests/reference/netns/ip-rule.txt:7)"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_wrong_device_gets_the_right_one_offered() {
    let run = scn(&["walk", "--node", "tests/reference/netns", "tcp 10.0.0.5:40000 -> 10.0.0.1:53 in etho"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("netns has no device etho") && run.stderr.contains("did you mean `eth0`?"),
        "{}",
        run.stderr
    );
}
