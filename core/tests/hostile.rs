//! Texts and rules that nobody would write: each gets an error that names its line, or a walk that ends.

#![expect(clippy::unwrap_used, reason = "a test fails where it should not")]

use std::fmt::Write;

use netscene_core::Random;
use netscene_core::netfilter::text::{RestoreInput, restore};
use netscene_core::netfilter::walk::{Chance, Environment, Unwatched, Verdict, View, walk};
use netscene_core::netfilter::{
    AddressType, ChainId, Header, Hook, LogTarget, MatchId, Policy, Rpfilter, Rule, Ruleset, TableName, Target,
};
use netscene_core::packet::{DeviceName, Packet, Udp};

/// A namespace without anything.
struct Bare;

impl Environment for Bare {
    fn address_type(&self, _: std::net::Ipv4Addr, _: Option<DeviceName>) -> AddressType {
        AddressType::Unicast
    }
    fn reverse_path(&self, _: &View<'_>, _: u32, _: Rpfilter) -> Option<bool> {
        Some(true)
    }
    fn chance(&mut self, _: &Chance<'_>) -> bool {
        false
    }
    fn nth(&mut self, _: MatchId, _: u32) -> u32 {
        0
    }
    fn log(&mut self, _: &LogTarget, _: &View<'_>, _: u32) {}
}

fn forward(rules: &mut Ruleset) -> Verdict {
    let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Udp::new(1, 2, vec![0; 8]));
    let view = View { packet: &packet, in_device: None, out_device: None, ct: None };
    walk(rules.table_mut(TableName::Filter), Hook::Forward, &view, &mut 0, &mut Bare, &mut Unwatched)
}

/// Restores the text; the line that is at fault, and why.
fn fault(text: &str) -> Option<(usize, String)> {
    let Ok(input) = text.parse::<RestoreInput>();
    restore(&mut Ruleset::default(), &input).err().map(|error| (error.line, error.error.problem))
}

#[test]
fn random_bytes_are_refused_at_a_line_that_is_there() {
    let mut random = Random::new(7);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
        let noise = String::from_utf8_lossy(&bytes);
        for text in
            [noise.to_string(), format!("*filter\n{noise}\nCOMMIT"), format!("*nat\n-A INPUT {noise}\nCOMMIT\n")]
        {
            if let Some((line, _)) = fault(&text) {
                assert!(line <= text.lines().count().max(1), "{text:?}");
            }
        }
        let _ = netscene_core::netfilter::ipset::IpSets::default().restore(&noise);
    }
}

#[test]
fn a_loop_of_jumps_is_refused_at_one_of_them() {
    let text = "*filter\n:a - [0:0]\n:b - [0:0]\n-A FORWARD -j a\n-A a -j b\n-A b -g a\nCOMMIT\n";
    assert_eq!(fault(text), Some((6, "the jump to `a` makes a loop".to_owned())));
}

#[test]
fn a_line_of_a_mebibyte_is_refused_by_its_number() {
    let long = "x".repeat(1 << 20);
    let refused = fault(&format!("*filter\n-A INPUT -j {long}\nCOMMIT\n")).unwrap();
    assert_eq!(refused.0, 2);
    let words = "-m comment --comment x ".repeat((1 << 20) / 23);
    assert_eq!(fault(&format!("*filter\n-A INPUT {words}-j ACCEPT\nCOMMIT\n")), None);
    let open = format!("*filter\n-A INPUT -m comment --comment \"{long}\nCOMMIT\n");
    assert_eq!(fault(&open), Some((2, "this \" is never closed".to_owned())));
}

/// The chains `c0` to `c9999`, each of which does `step` to the next.
fn nested(step: &str) -> Ruleset {
    let mut text = "*filter\n:FORWARD DROP [0:0]\n".to_owned();
    for at in 0..10_000 {
        writeln!(text, ":c{at} - [0:0]").unwrap();
    }
    text.push_str("-A FORWARD -j c0\n");
    for at in 0..9_999 {
        writeln!(text, "-A c{at} {step} c{}", at + 1).unwrap();
    }
    text.push_str("-A c9999 -p udp -j RETURN\n-A c0 -j ACCEPT\nCOMMIT\n");
    let Ok(input) = text.parse::<RestoreInput>();
    let mut rules = Ruleset::default();
    restore(&mut rules, &input).unwrap();
    rules
}

#[test]
fn ten_thousand_nested_chains_are_walked_to_their_end_and_back() {
    assert_eq!(forward(&mut nested("-j")), Verdict::Accept);
    // Gone to, each returns to the caller of the first.
    assert!(matches!(forward(&mut nested("-g")), Verdict::Drop(_)));
}

/// Two chains that lead to each other, which no text can make.
fn circle(lead: fn(ChainId) -> Target) -> Ruleset {
    let mut rules = Ruleset::default();
    let filter = rules.table_mut(TableName::Filter);
    let [a, b] = ["a", "b"].map(|name| filter.add_chain(name));
    let forward = filter.builtin(Hook::Forward).unwrap();
    for (from, to) in [(forward, a), (a, b), (b, a)] {
        let rule = Rule { header: Header::default(), matches: Vec::new(), target: lead(to), provenance: None };
        filter.chain_mut(from).unwrap().append(rule);
    }
    filter.chain_mut(forward).unwrap().policy = Some(Policy::Accept);
    rules
}

#[test]
fn a_circle_that_was_not_loaded_from_text_ends_at_a_bound_that_is_named() {
    let reason = |verdict| match verdict {
        Verdict::Unknown(reason) => reason.to_string(),
        verdict => panic!("{verdict:?}"),
    };
    let jumps = reason(forward(&mut circle(Target::Jump)));
    assert!(jumps.contains("jumps nest deeper than the"), "{jumps}");
    let gotos = reason(forward(&mut circle(Target::Goto)));
    assert_eq!(gotos, "more than 1048576 chains are entered in table filter");
}
