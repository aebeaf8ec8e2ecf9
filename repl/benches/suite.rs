//! How long `scn test` takes for 1,000 tests over the white paper's second cluster, and how much memory.
//!
//! `cargo bench -p netscene-repl --bench suite`

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// How many tests.
const TESTS: usize = 1000;
/// Runs of the suite; the quickest counts.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/whitepaper");
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    fs::create_dir(folder.join("second"))?;
    fs::copy(paper.join("second/objects.scn"), folder.join("second/objects.scn"))?;
    fs::write(folder.join("suite.scn"), suite(&fs::read_to_string(paper.join("second_packets.scn"))?)?)?;
    let mut best = f64::INFINITY;
    let mut said = String::new();
    for _ in 0..RUNS {
        #[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall")]
        let start = Instant::now();
        let output =
            Command::new(env!("CARGO_BIN_EXE_scn")).args(["test", "suite.scn"]).current_dir(folder).output()?;
        best = best.min(start.elapsed().as_secs_f64());
        said = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            return Err(said.into());
        }
    }
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() / 1024;
    #[expect(clippy::print_stdout, reason = "it is what a bench is for")]
    {
        println!("{}{best:.2} s, {memory} MiB at most", said.trim_end().to_owned() + ": ");
    }
    Ok(())
}

/// Pages, connections and names, asked for over and over.
fn suite(paper: &str) -> Result<String, Box<dyn Error>> {
    let cluster = paper.split_once("include ").ok_or("the paper's file includes its objects")?.0;
    let mut text = format!("{cluster}include \"second/objects.scn\"\n");
    for number in 0..TESTS {
        let body = match number % 4 {
            0 => "get browser -> http://10.1.110.105/wordpress/ as page\n  expect page status 200",
            1 => "send browser -> 10.1.110.105:80 tcp as hello\n  expect hello delivered",
            2 => "resolve wordpress-frontend-7b884dd698-d8w44 wordpress-db as name\n  expect name answer 10.96.23.229",
            _ => {
                "choose kube-system/kube-dns -> kube-system/coredns-5fcb66c999-c7hvs\n  \
                 send wordpress-frontend-7b884dd698-d8w44 -> service/wordpress-db:3306 tcp as db\n  \
                 assert ${ db.delivered && db.hops.len() > 2 }"
            }
        };
        writeln!(text, "test \"number {number}\" {{\n  {body}\n}}")?;
    }
    Ok(text)
}
