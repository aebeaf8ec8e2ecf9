//! `scn run`: reading a scenario, running it, printing what comes of it.

use std::path::PathBuf;

use clap::Args;
use netscene_core::world::World;
use netscene_lang::{record_scenario_in, run_scenario_in};

use crate::console::Console;
use crate::exit::Exit;
use crate::files;
use crate::folder::Disk;
use crate::pcap::{self, Capture};

/// Run a scenario: its commands, then every test.
///
/// What it prints is the same on every machine, for the same file and seed. Exit status 0 when everything was as expected, 1
/// when something was not, 2 when the file could not be understood, 3 when a limit was hit.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn run examples/hello.scn
  scn run --seed 1 examples/hello.scn    kube-proxy's coin may fall on the other side
  scn run --pcap worker1:tunl0=tunnel.pcap examples/hello.scn
  scn run --record hello.json examples/hello.scn")]
pub(crate) struct Arguments {
    /// The scenario.
    file: PathBuf,
    /// Where all chance comes from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
    /// Write what passes a device of a node, pod or host to a file that Wireshark opens; may be given several times.
    ///
    /// The times are the run's own, which every test begins anew.
    #[arg(long, value_name = "PLACE:DEVICE=FILE")]
    pcap: Vec<Capture>,
    /// Write down what is done, for `scn replay`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Runs the scenario that the arguments name.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let Arguments { file, seed, pcap: captures, record } = arguments;
    let text = match files::read(file) {
        Ok(text) => text,
        Err(problem) => {
            console.error(&problem);
            return Exit::BadInput;
        }
    };
    let name = file.display().to_string();
    let mut write = |channel, text: &str| console.write(channel, text);
    let mut world = World::new(*seed);
    let tap = pcap::tap(captures);
    if !captures.is_empty() {
        world.listen(tap.clone());
    }
    let (scenario, folder, color) = ((name.as_str(), text.as_str()), Disk::of(file), console.error_color);
    let (verdict, written) = match record {
        None => (run_scenario_in(world, scenario, &folder, color, &mut write, &mut |_| {}), Ok(())),
        Some(path) => {
            let (verdict, record) = record_scenario_in(world, *seed, scenario, &folder, color, &mut write);
            (verdict, files::write(path, &record.write()))
        }
    };
    let mut faults = pcap::write(captures, &tap);
    faults.extend(written.err());
    for fault in &faults {
        console.error(fault);
    }
    let exit = Exit::from(verdict);
    if faults.is_empty() { exit } else { exit.max(Exit::BadInput) }
}
