//! The engine against the Linux kernel at hand, in one run: `cargo bench -p netscene-core --bench against_kernel`.
//!
//! Needs root, iproute2 and util-linux, and iptables with its legacy backend. The lab's three machines are made of real
//! network namespaces and veth pairs, with the same rules, loaded by `iptables-legacy-restore`. A datagram that a client
//! sends over veth has gone all the way into the pod's socket when `sendto` returns: the kernel does the work of all
//! three namespaces in the sender's softirq. So a burst of datagrams is timed at the sender and divided by their number;
//! for first packets each is sent from a port of its own, bound before. The receiver reads nothing meanwhile, so that
//! nobody has to be woken; it counts afterwards, and every datagram must have come. The engine's figure is taken in the
//! same way. Of the bursts, the quickest counts: what else the machine, or its host, has to do only makes one longer.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../lab/mod.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod lab;
mod machines;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lab::{CLIENT_PORT, LAYOUTS, Lab, Layout, TABLES};
use machines::Machines;
use netscene_core::netfilter::{Ruleset, text};

/// Datagrams of a burst: the pod's socket has room for them.
const BURST: u16 = 100;
/// Bursts of a measurement.
const BURSTS: u16 = 60;
/// Measurements of the engine, whose bursts are so short that a neighbour on the host may slow all of one down.
const MEASUREMENTS: usize = 5;
/// Rule sets read, of which the quickest counts.
const RESTORES: usize = 3;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["helper", which] => machines::help(which),
        // `cargo test --benches` calls without it, and wants no figures.
        with if with.contains(&"--bench") => compare(),
        _ => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("against_kernel: {problem}; it needs root, iproute2, util-linux and iptables-legacy");
            // Somebody's own machine may lack them.
            if std::env::var("CI").is_ok_and(|ci| ci == "true") { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
    }
}

fn compare() -> Result<(), Failure> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    println!("Linux {} with iptables-legacy, netscene {}", kernel.trim(), env!("CARGO_PKG_VERSION"));
    println!("{:<34}{:>14}{:>14}{:>9}", "", "kernel", "netscene", "times");
    for layout in LAYOUTS {
        for services in [10, 100, 1_000, 10_000] {
            let kernel = real(layout, services)?;
            let models: Vec<_> = (0..MEASUREMENTS).map(|_| modelled(layout, services)).collect();
            let model = (least(models.iter().map(|model| model.0)), least(models.iter().map(|model| model.1)));
            let name = format!("{}, {services} services", layout.name);
            row(&format!("{name}, first"), kernel.0, model.0);
            row(&format!("{name}, established"), kernel.1, model.1);
        }
        let saved = text::save(&lab::rules(layout, layout.services_for_110k), &TABLES, false);
        let kernel: Vec<_> = (0..RESTORES).map(|_| Machines::new()?.restore(&saved)).collect::<Result<_, _>>()?;
        let model = (0..RESTORES).map(|_| {
            let started = Instant::now();
            let rules = restored(&saved);
            let took = started.elapsed();
            drop(rules);
            took
        });
        let (kernel, model) = (least(kernel), least(model));
        let count = saved.lines().filter(|line| line.starts_with("-A")).count();
        row(&format!("{}, restore of {count} rules", layout.name), kernel, model);
    }
    Ok(())
}

fn row(name: &str, kernel: Duration, model: Duration) {
    let times = kernel.as_secs_f64() / model.as_secs_f64();
    println!("{name:<34}{:>14}{:>14}{times:>9.1}", format!("{kernel:.2?}"), format!("{model:.2?}"));
}

/// Reads the text of `iptables-save` and makes the indexes.
fn restored(saved: &str) -> Ruleset {
    let input = saved.parse().unwrap_or_else(|never| match never {});
    let mut rules = Ruleset::default();
    text::restore(&mut rules, &input).expect("it was printed by us");
    for table in TABLES {
        rules.table(table).make_indexes();
    }
    rules
}

/// A first and an established packet in the kernel.
fn real(layout: Layout, services: u32) -> Result<(Duration, Duration), Failure> {
    let mut machines = Machines::new()?;
    machines.restore(&text::save(&lab::rules(layout, services), &TABLES, false))?;
    let service = lab::cluster_ip(services - 1);
    machines.open(service)?;
    let mut first = Vec::new();
    for burst in 0..BURSTS {
        first.push(machines.burst(service, Some(CLIENT_PORT + 1 + burst * BURST), BURST)?);
    }
    let mut further = Vec::new();
    for _ in 0..BURSTS {
        further.push(machines.burst(service, None, BURST)?);
    }
    Ok((quickest(&first), quickest(&further)))
}

/// The same in the engine.
fn modelled(layout: Layout, services: u32) -> (Duration, Duration) {
    let mut lab = Lab::new(layout, services);
    let mut timed = |port: &dyn Fn(u16) -> u16| {
        let bursts: Vec<_> = (0..BURSTS)
            .map(|burst| {
                let before = lab.arrived();
                let started = Instant::now();
                for one in 0..BURST {
                    lab.send(port(burst * BURST + one));
                }
                let took = started.elapsed();
                assert_eq!(lab.arrived() - before, u64::from(BURST), "all arrive");
                took
            })
            .collect();
        quickest(&bursts)
    };
    (timed(&|number| CLIENT_PORT + 1 + number), timed(&|_| CLIENT_PORT))
}

/// Of one datagram, by the quickest burst.
fn quickest(bursts: &[Duration]) -> Duration {
    least(bursts.iter().copied()) / u32::from(BURST)
}

fn least(times: impl IntoIterator<Item = Duration>) -> Duration {
    times.into_iter().min().unwrap_or_default()
}
