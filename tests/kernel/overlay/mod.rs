//! Two nodes and the tunnel between them: the rules that the model's agents write, in a kernel that has `ipip`.
//!
//! | Read | for |
//! |---|---|
//! | `cluster.scn`, `cluster` | the network, and what the agents write on its nodes |
//! | `linux`, `model` | the two sides |
//! | `guest` | the kernel, which few machines' own have: one that runs as a process |
//! | `tunnel`, `outer`, `errors`, `figure_107` | named scenarios, one for each fact |
//! | `noticed` | a test of the suite itself |

mod cluster;
mod errors;
mod figure_107;
mod guest;
mod linux;
mod model;
mod noticed;
mod outer;
mod tunnel;

use std::fs;
use std::panic::AssertUnwindSafe;

use cluster::{CLUSTER, Cluster};

use crate::Result;
use crate::case::Case;
use crate::compare::{self, Listing, Outcome};
use crate::event::Ports;
use crate::facts::Step;
use crate::ready::{self, in_own_thread, needs};

/// What this suite needs beside what all need.
const COMMANDS: [&str; 4] = ["linux.uml", "modprobe", "timeout", "unshare"];

/// Takes both sides through the packets of a case, and has what the kernel did in each step checked.
fn agree(packets: &'static str, check: impl Fn(&[Step]) + Send + 'static) {
    agree_with(CLUSTER.to_owned(), Vec::new(), packets, check);
}

/// The same with another cluster, on whose worker2 somebody has given these commands.
fn agree_with(
    scenario: String,
    commands: Vec<&'static str>,
    packets: &'static str,
    check: impl Fn(&[Step]) + Send + 'static,
) {
    in_guest(move || {
        let cluster = Cluster::new(&scenario, &commands)?;
        let outcome = compare(&cluster, &cluster, &scenario, packets)?;
        match outcome.difference {
            None => check(&outcome.kernel.into_iter().map(Step).collect::<Vec<_>>()),
            Some(difference) => return Err(format!("kernel and model differ\n{difference}").into()),
        }
        Ok(())
    });
}

/// Runs a test in the guest: there it leaves its finding, which outside is all that is looked at.
fn in_guest(test: impl FnOnce() -> Result<()> + Send + 'static) {
    let name = std::thread::current().name().unwrap_or_default().replace("::", ".");
    let Some(folder) = guest::folder() else {
        if needs(&ready::COMMANDS) && needs(&COMMANDS) {
            guest::verdict(&name).unwrap_or_else(|problem| panic!("{problem}"));
        }
        return;
    };
    let problem = std::panic::catch_unwind(AssertUnwindSafe(|| in_own_thread(test))).err().map(|panicked| {
        let text = panicked.downcast_ref::<String>().cloned();
        text.or_else(|| panicked.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or("a panic".to_owned())
    });
    fs::write(folder.join(name), problem.unwrap_or_default()).expect("the folder is there to be written");
}

/// What happened on one node in a step.
fn at(step: &Step, node: &str) -> Step {
    let lines = step.0.iter().filter_map(|line| line.strip_prefix(node)?.strip_prefix(' '));
    Step(lines.map(str::to_owned).collect())
}

/// Takes both sides through the packets of a case. The model may be given another cluster, to see whether that is noticed.
fn compare(real: &Cluster, modelled: &Cluster, scenario: &str, packets: &str) -> Result<Outcome> {
    let case: Case = packets.parse()?;
    let ports = Ports::named_in(&format!("{scenario}{packets}"));
    let mut linux = linux::Linux::new(real)?;
    let mut model = model::Model::new(modelled, release()?)?;
    compare::steps(&mut linux, &mut model, &case, &ports, Listing::Always)
}

/// The release of the running kernel, its first two numbers.
fn release() -> Result<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = text.split(['.', '-']).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => Err(format!("a release of another form: {text}").into()),
    }
}
