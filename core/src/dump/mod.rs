//! Dumps of a real node: what its own tools printed, made into a namespace, and packets walked through it.
//!
//! - [`DumpFile`]: one file and what it is ([`DumpKind`]);
//! - [`Dump::node`]: all of them to a [`DumpedNode`], with the assumptions that stand in for what is missing, and what the
//!   model does not heed;
//! - `author`: who wrote a rule, from its comment, from its chain's name, and from manifests where there are any;
//! - [`Probe`]: a packet in the words of a command line; [`walk`]: a sequence of them through the node.
//!
//! No object of Kubernetes is needed: where manifests are there, they only tell what rules are called.
//!
//! ```
//! use netscene_core::dump::{Dump, Probe, walk};
//! let dump = Dump::of([
//!     ("ip-addr.txt", "2: eth0: <BROADCAST,UP> mtu 1500\n    link/ether 02:00:00:00:00:01\n    inet 10.0.0.1/24 scope global eth0\n"),
//!     ("iptables-save.txt", "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\nCOMMIT\n"),
//! ]);
//! let node = dump.node("edge1", &[])?;
//! let words = ["tcp", "10.0.0.9:40000", "->", "10.0.0.1:22", "in", "eth0"];
//! let report = walk(&node, &Probe::sequence(&words)?, 0)?;
//! assert!(report.to_string().contains("(iptables-save.txt:3)"), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod author;
mod build;
mod file;
mod fork;
mod probe;
mod report;
mod routing;
mod sockets;
#[cfg(test)]
mod tests;
mod walk;

pub use build::DumpedNode;
pub use file::{DumpFile, DumpKind};
pub use probe::{BadProbe, Entry, Move, Probe};
pub use report::{Fate, Leg, Report};
pub use walk::{WalkError, walk};

use serde::{Deserialize, Serialize};

/// The files of a node's dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dump {
    /// The files.
    pub files: Vec<DumpFile>,
}

impl Dump {
    /// A dump of these files: names and texts.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(name, text)| DumpFile { name: name.to_owned(), text: text.to_owned() });
        Self { files: files.collect() }
    }

    /// The files of a kind that have anything in them.
    pub fn of_kind(&self, kind: DumpKind) -> impl Iterator<Item = &DumpFile> {
        self.files.iter().filter(move |file| file.kind() == Some(kind) && !file.is_empty())
    }
}

/// A line of a dump that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct DumpError {
    /// The file.
    pub file: String,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub hint: Option<String>,
}
