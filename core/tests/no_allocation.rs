//! A packet of an open connection costs no memory: between a client's socket and a pod's, nothing is allocated.

#[path = "../benches/lab/mod.rs"]
#[allow(dead_code, reason = "the benches use the rest")]
mod lab;

use lab::{CLIENT_PORT, LAYOUTS, Lab};

#[test]
fn a_packet_of_an_established_connection_allocates_nothing() {
    for layout in LAYOUTS {
        let mut lab = None;
        let made = allocation_counter::measure(|| lab = Some(Lab::new(layout, 100)));
        assert!(made.count_total > 0, "what is allocated is counted");
        let mut lab = lab.expect("it has just been made");
        let allocations = allocation_counter::measure(|| {
            for _ in 0..1_000 {
                lab.send(CLIENT_PORT);
                lab.answer();
            }
        });
        assert_eq!(lab.arrived(), 1_008, "all of them arrive");
        assert_eq!(allocations.count_total, 0, "kube-proxy {}: {allocations:?}", layout.name);
    }
}
