//! How fast the engine is: `cargo bench -p netscene-core`, or `… -- new_flow` for a part of it.

mod lab;

use std::cell::RefCell;
use std::fmt;

use divan::{Bencher, black_box};
use lab::{CLIENT_PORT, LAYOUTS, Lab, Layout, TABLES};
use netscene_core::netfilter::text::{self, RestoreInput};
use netscene_core::netfilter::{Ruleset, TableName};

fn main() {
    divan::main();
}

/// A layout of kube-proxy's rules with a number of services.
struct Size(Layout, u32);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.name, self.1)
    }
}

fn sizes() -> impl Iterator<Item = Size> {
    LAYOUTS.into_iter().flat_map(|layout| [10, 100, 1_000, 10_000].map(|services| Size(layout, services)))
}

/// The first datagram of a connection from the client through the node to a pod of the last service: three namespaces,
/// every rule on the way, a new entry in the node's conntrack table.
#[divan::bench(args = sizes(), sample_size = 1000)]
fn new_flow(bencher: Bencher<'_, '_>, size: &Size) {
    let lab = RefCell::new(Lab::new(size.0, size.1));
    let mut ports = CLIENT_PORT..u16::MAX;
    let next_port = || {
        ports.next().unwrap_or_else(|| {
            lab.borrow_mut().forget();
            ports = CLIENT_PORT..u16::MAX;
            CLIENT_PORT
        })
    };
    bencher.with_inputs(next_port).bench_local_values(|port| lab.borrow_mut().send(port));
    assert!(lab.borrow().arrived() > 8, "they arrive");
}

/// A further datagram of one that is open, the same way.
#[divan::bench(args = sizes(), sample_size = 1000)]
fn established(bencher: Bencher<'_, '_>, size: &Size) {
    let mut lab = Lab::new(size.0, size.1);
    bencher.bench_local(|| lab.send(CLIENT_PORT));
    assert!(lab.arrived() > 8, "they arrive");
}

/// What `iptables-save` prints for a big cluster: 110,000 rules and some.
fn saved() -> String {
    let rules = lab::rules(LAYOUTS[0], LAYOUTS[0].services_for_110k);
    let count = |name: &TableName| rules.table(*name).chains().map(|(_, chain)| chain.rules().len()).sum::<usize>();
    let rules_made: usize = TABLES.iter().map(count).sum();
    assert!((110_000..111_000).contains(&rules_made), "{rules_made} rules");
    text::save(&rules, &TABLES, true)
}

/// Understanding every line.
#[divan::bench(name = "parse_save/110k_rules", sample_count = 20)]
fn parse_save(bencher: Bencher<'_, '_>) {
    let saved = saved();
    bencher.bench(|| {
        let rules = saved.lines().filter_map(|line| line.split_once("] "));
        for (_, rule) in rules {
            black_box(text::parse(black_box(rule)).expect("it was printed by us"));
        }
    });
}

/// From the text to tables that are ready for the first packet.
#[divan::bench(name = "restore_and_index/110k_rules", sample_count = 20)]
fn restore_and_index(bencher: Bencher<'_, '_>) {
    let saved = saved();
    bencher.bench(|| restored(black_box(&saved)));
}

fn restored(saved: &str) -> Ruleset {
    let input: RestoreInput = saved.parse().unwrap_or_else(|never| match never {});
    let mut rules = Ruleset::default();
    text::restore(&mut rules, &input).expect("it was printed by us");
    for table in TABLES {
        rules.table(table).make_indexes();
    }
    rules
}
