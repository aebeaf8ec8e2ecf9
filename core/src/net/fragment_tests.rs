//! Fragments: one fact of the kernel for each test.

use super::tests::{CLIENT, NODE, POD, dropped, node, receive};
use crate::packet::{Body, Icmp, Packet, Udp};
use crate::trace::DropReason;

/// A datagram of 2000 bytes that may be sent in parts.
fn long() -> Packet {
    Packet { dont_fragment: false, id: 7, ..Packet::new(CLIENT, POD, Udp::new(1, 80, vec![0; 2000])) }
}

fn parts(packets: &[Packet]) -> Vec<String> {
    packets.iter().map(|packet| format!("{packet} of {}", packet.length())).collect()
}

#[test]
fn what_does_not_fit_goes_out_in_parts_of_eights() {
    // `ip_do_fragment`; cali1 takes 1440 bytes.
    let mut node = node(&[]);
    let (_, packets) = receive(&mut node, 1, long());
    let expected = ["udp fragment 0+1416+ of 1436", "udp fragment 1416+592 of 612"];
    let printed = parts(&packets);
    assert!(printed[0].ends_with(expected[0]) && printed[1].ends_with(expected[1]), "{printed:?}");
}

#[test]
fn parts_are_put_together_before_the_raw_rules_and_taken_apart_again() {
    // Fact 13 of the notes on real traces.
    let mut node = node(&["-t raw -A PREROUTING -p udp --dport 80 -j ACCEPT"]);
    let (_, sent) = receive(&mut node, 1, long());
    let (hops, nothing) = receive(&mut node, 1, sent[1].clone());
    assert!(nothing.is_empty() && hops[0].steps.is_empty(), "no rule has seen the second part alone");
    let (hops, again) = receive(&mut node, 1, sent[0].clone());
    assert_eq!(again.len(), 2);
    let walks = hops.iter().filter(|hop| hop.chains().contains(&"raw/PREROUTING".to_owned()));
    assert_eq!(walks.count(), 1, "one traversal");
    assert_eq!(again.iter().map(Packet::length).collect::<Vec<_>>(), [1436, 612], "no longer than they came");
}

#[test]
fn without_tracking_parts_are_forwarded_as_they_come() {
    let mut node = node(&[]);
    let (_, sent) = receive(&mut node, 1, long());
    node.tracking = false;
    let (_, again) = receive(&mut node, 1, sent[1].clone());
    assert_eq!(again.len(), 1);
}

#[test]
fn parts_for_the_namespace_itself_are_put_together_for_the_socket() {
    let mut node = node(&[]);
    let (_, sent) = receive(&mut node, 1, long());
    node.tracking = false;
    for (number, part) in sent.into_iter().enumerate() {
        let (hops, answers) = receive(&mut node, 1, Packet { destination: NODE, ..part });
        if number == 1 {
            assert_eq!(dropped(&hops), &DropReason::NoListener);
            assert!(matches!(answers[0].body, Body::Icmp(Icmp::Unreachable { code: 3, .. })));
        }
    }
}

#[test]
fn a_part_alone_shows_ports_only_if_it_is_the_first() {
    let mut node = node(&[]);
    let (_, sent) = receive(&mut node, 1, long());
    assert_eq!((sent[0].ports(), sent[1].ports(), sent[1].protocol()), (Some((1, 80)), None, 17));
}
