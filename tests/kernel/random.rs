//! Random rules and packets on both sides, without a difference that comes again.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use crate::Result;
use netscene_core::netfilter::Backend;

use crate::case::Case;
use crate::compare::{self, Difference, Listing};
use crate::generate;
use crate::linux::Linux;
use crate::ready::in_own_thread;

/// Packets for each rule set.
const PACKETS_PER_CASE: usize = 60;
/// How often a case that differs is run before the difference is believed.
const TRIES: usize = 8;
/// Packets of a run that names no other number.
const PACKETS: usize = 10_000;

#[test]
fn random_rules_and_packets_agree() {
    agree(Backend::Legacy, PACKETS);
}

/// The two filters of the kernel walk the same rules; a tenth is enough to see that its other trace is read well.
#[test]
fn random_rules_and_packets_agree_with_nft_too() {
    agree(Backend::Nft, PACKETS / 10);
}

/// `NETSCENE_KERNEL_SEED` and `NETSCENE_KERNEL_PACKETS` choose another run. The case of a difference is made as small as it
/// gets and written to a file, which `NETSCENE_KERNEL_CASE` replays.
fn agree(backend: Backend, packets: usize) {
    let seed = given("NETSCENE_KERNEL_SEED").unwrap_or(1);
    let wanted = given("NETSCENE_KERNEL_PACKETS").map_or(packets, |number| number as usize);
    in_own_thread(move || {
        #[expect(clippy::disallowed_methods, reason = "how long the kernel takes is part of the report")]
        let beginning = Instant::now();
        let mut linux = Linux::new(backend)?;
        let (mut packets, mut lines, mut cases, mut repeated) = (0, 0, 0, 0);
        while packets < wanted {
            let seed = seed.wrapping_add(cases);
            let case = generate::case(seed, PACKETS_PER_CASE)?;
            let mut run = || {
                compare::run(&mut linux, &case, &case, Listing::AtFlush)
                    .map_err(|error| format!("seed {seed}: {error}"))
            };
            let mut outcome = run()?;
            // A port that the kernel draws may be one that the case names, or lie in a range that it names where the
            // model's does not: what is a difference comes every time.
            for _ in 1..TRIES {
                if outcome.difference.is_some() {
                    outcome = run()?;
                    repeated += 1;
                }
            }
            if let Some(difference) = outcome.difference {
                return Err(report(&mut linux, case, difference, seed)?.into());
            }
            packets += outcome.packets;
            lines += outcome.kernel.iter().map(Vec::len).sum::<usize>();
            cases += 1;
        }
        #[expect(clippy::print_stdout, reason = "the seed and the size of a run are its result")]
        {
            let seconds = beginning.elapsed().as_secs_f32();
            println!(
                "{backend:?}, seed {seed}: {packets} packets, {cases} rule sets, {lines} lines compared in {seconds:.1} s, \
                 {repeated} run again"
            );
        }
        Ok(())
    });
}

fn given(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Makes the case small, writes it to a file, and says what to do with it.
fn report(linux: &mut Linux, case: Case, difference: Difference, seed: u64) -> Result<String> {
    let (case, difference) = shrink(linux, case, difference)?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("kernel-{seed}.case"));
    std::fs::write(&path, case.to_string())?;
    let path = path.display();
    Ok(format!(
        "kernel and model differ, seed {seed}\n{case}\n{difference}\n\
         replay with NETSCENE_KERNEL_CASE={path} cargo test --test kernel replay"
    ))
}

/// Leaves out packets and rules as long as the two still differ.
fn shrink(linux: &mut Linux, mut case: Case, mut difference: Difference) -> Result<(Case, Difference)> {
    case.steps.truncate(difference.step + 1);
    loop {
        let mut smaller = false;
        for candidate in candidates(&case) {
            // What the tools refuse is no case: the next one may be.
            let Ok(outcome) = compare::run(linux, &candidate, &candidate, Listing::AtFlush) else { continue };
            if let Some(found) = outcome.difference {
                case = candidate;
                case.steps.truncate(found.step + 1);
                difference = found;
                smaller = true;
                break;
            }
        }
        if !smaller {
            return Ok((case, difference));
        }
    }
}

/// The case with something less: long stretches of packets and rules first, single ones at last.
fn candidates(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    for stretch in stretches(case.steps.len()) {
        let mut less = case.clone();
        less.steps.drain(stretch);
        found.push(less);
    }
    for table in 0..case.tables.len() {
        for stretch in stretches(case.tables[table].len()) {
            let mut less = case.clone();
            less.tables[table].drain(stretch);
            found.push(less);
        }
    }
    for set in 0..case.sets.len() {
        let mut less = case.clone();
        less.sets.remove(set);
        found.push(less);
    }
    found
}

/// The whole of a list, its halves, their halves, and so on to single members.
fn stretches(length: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut size = length;
    while size > 0 {
        found.extend((0..length).step_by(size).map(|from| from..(from + size).min(length)));
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    found
}
