//! `scn walk`: one packet, or a few, through a node that its own tools have described.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use netscene_core::Origin;
use netscene_core::dump::{Dump, DumpFile, DumpKind, Fate, Leg, Probe, Report, walk};
use netscene_core::kube::Object;
use netscene_core::view::trace_json;
use netscene_core::world::Op;
use netscene_lang::{Channel, SourceFiles, manifest};

use crate::console::Console;
use crate::exit::Exit;

/// The most bytes of a file of a dump.
const MOST_BYTES: u64 = 256 << 20;

/// What becomes of a packet on a real node, by what the node's own tools have printed.
///
/// The answer names the line of the dump for every rule, the assumptions that stand in for what the dump does not have, and
/// the way of the packet and of its reply. Exit status 0 when the answer is known, 1 when it is not, 2 when the dump or the
/// packet could not be understood.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sh collect.sh edge1                    on the node: examples/collect.sh, which fills a folder
  scn walk --node edge1 tcp 10.0.0.5:40000 to 10.96.0.10:80 in eth0
  scn walk --node edge1 'udp local -> 10.96.0.10:53'     a packet of the node's own; the quotes keep the arrow from the shell
  scn walk --file iptables-save --file ip-addr tcp 10.0.0.5:40000 to 10.0.0.1:22 in eth0 then again
  scn walk --node edge1 --depth all icmp 10.0.0.5 to 10.0.0.1 in eth0")]
pub(crate) struct Arguments {
    /// The folder of the dump, as `examples/collect.sh` fills it. What a file is, its name tells, or its beginning.
    #[arg(long, value_name = "DIR", required_unless_present = "file")]
    node: Option<PathBuf>,
    /// A single file of a dump, beside the folder or in its place; may be given several times.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print the trace as JSON, in the form that trace.schema.json describes.
    #[arg(long)]
    json: bool,
    /// How deep the way is told.
    #[arg(long, value_enum, default_value_t = How::Rules, value_name = "DEPTH")]
    depth: How,
    /// Where all chance comes from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
    /// The packet: PROTOCOL SOURCE to DESTINATION in DEVICE, such as `tcp 10.0.0.5:40000 to 10.96.0.10:53 in eth0`.
    ///
    /// `to` may be written `->` inside quotes. `local` as the source, or `from local` behind the destination, is a process
    /// of the node. Further: `flags SYN,ACK`, `ttl 64`, `length 100`, and `then reply`, `then again`, `then wait 30s` or
    /// `then` and another packet.
    #[arg(value_name = "PACKET", required = true)]
    packet: Vec<String>,
}

/// How deep the way of a packet is told.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    /// What became of each packet, and nothing else.
    Line,
    /// And where it went, and what changed in it.
    Hops,
    /// And every rule that matched.
    Rules,
    /// And every rule that was tried, and why it did not match.
    All,
}

/// What is wrong, and what to do about it.
struct Fault(String, Option<String>);

/// Walks the packets that the arguments describe.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    match arguments.report() {
        Ok(report) => {
            console.print(&if arguments.json { json(&report) } else { arguments.text(&report) });
            let unknown = |leg: &Leg| matches!(leg.fate, Fate::Unknown(_));
            let doubtful = !report.doubts.is_empty() || report.legs.iter().any(unknown);
            if doubtful { Exit::Unmet } else { Exit::Held }
        }
        Err(Fault(problem, hint)) => {
            console.error(&problem);
            if let Some(hint) = hint {
                console.write(Channel::Diagnostics, &format!("  = hint: {hint}\n"));
            }
            Exit::BadInput
        }
    }
}

impl Arguments {
    fn text(&self, report: &Report) -> String {
        self.depth.depth().map_or_else(|| report.answers(), |depth| report.told(depth))
    }

    fn report(&self) -> Result<Report, Fault> {
        let moves = Probe::sequence(&self.packet).map_err(|bad| Fault(bad.problem, Some(bad.hint)))?;
        let mut dump = Dump::default();
        let mut paths = self.file.clone();
        if let Some(folder) = &self.node {
            paths.extend(files_of(folder)?);
        }
        for path in paths {
            dump.files.push(read(&path)?);
        }
        let folder = self.node.as_deref().and_then(Path::file_name);
        let name = folder.map_or_else(|| "the node".into(), |name| name.to_string_lossy());
        let node = dump.node(&name, &objects(&dump)).map_err(|error| Fault(error.to_string(), error.hint))?;
        walk(&node, &moves, self.seed).map_err(|error| Fault(error.problem, error.hint))
    }
}

fn json(report: &Report) -> String {
    let text = serde_json::to_string_pretty(&trace_json::report(report));
    text.map_or_else(|error| format!("{{\"error\": \"{error}\"}}\n"), |text| text + "\n")
}

/// The files of a folder, by name.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let fault = |error: io::Error| Fault(format!("{} cannot be read: {error}", folder.display()), None);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        let hint = "examples/collect.sh fills one: run it on the node".to_owned();
        return Err(Fault(format!("{} has no files", folder.display()), Some(hint)));
    }
    Ok(paths)
}

fn read(path: &Path) -> Result<DumpFile, Fault> {
    let fault = |why: String| Fault(format!("{} cannot be read: {why}", path.display()), None);
    let length = fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if length > MOST_BYTES {
        return Err(fault(format!("it has more than {MOST_BYTES} bytes")));
    }
    let bytes = fs::read(path).map_err(|error| fault(error.to_string()))?;
    // Some tools print names in whatever encoding they have been given.
    Ok(DumpFile { name: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// The objects of the manifests in a dump. They only give rules their names, so what cannot be read is passed over.
fn objects(dump: &Dump) -> Vec<(Object, Option<Origin>)> {
    let mut files = SourceFiles::default();
    let mut objects = Vec::new();
    for file in dump.of_kind(DumpKind::Manifest) {
        let (operations, _) = manifest::read(&files.add(&file.name, file.text.clone()));
        for operation in operations {
            if let Op::Declare { object } = operation.op {
                objects.push((object, operation.origin));
            }
        }
    }
    objects
}
