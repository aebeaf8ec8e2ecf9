//! What a walk answers where the model does not know a rule.

use std::net::Ipv4Addr;

use super::walk::{Chance, Environment, Unwatched, Verdict, View, walk};
use super::{AddressType, Hook, LogTarget, MatchId, Memory, Rpfilter, Ruleset, TableName, text};
use crate::packet::{DeviceName, Packet, Udp};

#[derive(Default)]
struct Around {
    memory: Memory,
    logged: usize,
}

impl Environment for Around {
    fn address_type(&self, _: Ipv4Addr, _: Option<DeviceName>) -> AddressType {
        AddressType::Unicast
    }
    fn reverse_path(&self, _: &View<'_>, _: u32, _: Rpfilter) -> Option<bool> {
        Some(true)
    }
    fn chance(&mut self, _: &Chance<'_>) -> bool {
        true
    }
    fn nth(&mut self, _: MatchId, _: u32) -> u32 {
        0
    }
    fn log(&mut self, _: &LogTarget, _: &View<'_>, _: u32) {
        self.logged += 1;
    }
    fn memory(&mut self) -> Option<&mut Memory> {
        Some(&mut self.memory)
    }
}

/// What becomes of a datagram that is forwarded from 10.0.0.1 to 10.0.0.2: the verdict, the reason of an unknown one, and
/// the mark.
fn answer(rules: &str) -> (String, u32) {
    let dump = text::RestoreInput::from_file("edge1", &format!("*filter\n:web - [0:0]\n{rules}\nCOMMIT\n"));
    let mut set = Ruleset::default();
    text::restore(&mut set, &dump).unwrap();
    let packet = Packet::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), Udp::new(1, 53, vec![0; 8]));
    let view = View { packet: &packet, in_device: None, out_device: None, ct: None };
    let (mut mark, mut around) = (0, Around::default());
    let filter = set.table_mut(TableName::Filter);
    let verdict = match walk(filter, Hook::Forward, &view, &mut mark, &mut around, &mut Unwatched) {
        Verdict::Unknown(reason) => reason.to_string(),
        Verdict::Drop(_) => "drop".to_owned(),
        Verdict::Accept => "accept".to_owned(),
        other => format!("{other:?}"),
    };
    (verdict, mark)
}

const STRING: &str = "-m string --string x --algo bm";

#[test]
fn a_rule_whose_other_conditions_fail_is_passed() {
    assert_eq!(answer(&format!("-A FORWARD -p tcp {STRING} -j DROP")).0, "accept");
    assert_eq!(answer(&format!("-A FORWARD {STRING} -p udp -m udp --dport 80 -j DROP")).0, "accept");
    assert_eq!(answer("-A FORWARD -p tcp -j NFQUEUE --queue-num 1").0, "accept");
}

#[test]
fn where_both_ways_end_alike_that_is_the_answer() {
    // Accepted by the rule or by the next one; dropped by either.
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j ACCEPT\n-A FORWARD -j ACCEPT")).0, "accept");
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j DROP\n-A FORWARD -p udp -j DROP")).0, "drop");
    // The rule counts, or logs, or leads through a chain that decides nothing.
    assert_eq!(answer(&format!("-A FORWARD {STRING}\n-A FORWARD -j DROP")).0, "drop");
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j web\n-A web -p tcp -j DROP")).0, "accept");
    // Two doubts on one way.
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j web\n-A FORWARD -j DROP\n-A web {STRING} -j RETURN")).0, "drop");
}

#[test]
fn where_they_differ_the_rule_is_named_with_its_line() {
    let reason = "unknown because of rule 1 of filter/FORWARD (edge1:3): -m string --string x --algo bm";
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j DROP")).0, reason);
    // The same verdict with another mark is another answer.
    assert_eq!(answer(&format!("-A FORWARD {STRING} -j MARK --set-mark 1")).0, reason);
    // Whether the list is changed is not known, so nothing that follows is.
    let remembers = format!("-A FORWARD {STRING} -m recent --set\n-A FORWARD -j DROP");
    assert_eq!(answer(&remembers).0, reason);
    let later = format!("-A FORWARD {STRING} -j ACCEPT\n-A FORWARD -m recent --set\n-A FORWARD -j ACCEPT");
    assert_eq!(answer(&later).0, reason);
    let far = format!("-A FORWARD -j web\n-A web -p tcp\n-A web {STRING} -j DROP");
    let reason = "unknown because of rule 2 of filter/web (edge1:5): -m string --string x --algo bm";
    assert_eq!(answer(&far).0, reason);
}

#[test]
fn an_unknown_target_is_named_unless_it_changes_nothing() {
    let reason = "unknown because of rule 1 of filter/FORWARD (edge1:3): -j NFQUEUE --queue-num 1";
    assert_eq!(answer("-A FORWARD -j NFQUEUE --queue-num 1").0, reason);
    assert_eq!(answer("-A FORWARD -j AUDIT --type accept\n-A FORWARD -j DROP").0, "drop");
}

#[test]
fn what_a_namespace_does_not_have_is_unknown() {
    let reason = "unknown because of rule 1 of filter/FORWARD (edge1:3): -m set --match-set nosuch src";
    assert_eq!(answer("-A FORWARD -m set --match-set nosuch src -j DROP").0, reason);
}

#[test]
fn the_rest_of_the_walk_goes_on_with_its_effects() {
    let rules = format!("-A FORWARD {STRING} -j LOG\n-A FORWARD -j MARK --set-mark 7");
    assert_eq!(answer(&rules), ("accept".to_owned(), 7));
}
