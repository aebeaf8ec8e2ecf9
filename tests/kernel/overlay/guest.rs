//! A guest kernel that has the module `ipip`: Debian's `user-mode-linux`, a Linux that runs as a process of this machine.
//!
//! The guest runs the overlay's tests by this same program. There they make their namespaces, compare, and leave their
//! findings in a folder; here each of them reads its own. One guest serves all of them.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Result;

/// After so many seconds the guest is killed.
const SECONDS: &str = "150";

/// The folder for findings, if this is the guest.
pub(super) fn folder() -> Option<PathBuf> {
    env::var_os("NETSCENE_GUEST").map(PathBuf::from)
}

/// What the guest has found about a test: nothing, or what is wrong.
pub(super) fn verdict(test: &str) -> std::result::Result<(), String> {
    static FOUND: OnceLock<std::result::Result<HashMap<String, String>, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| boot().map_err(|error| error.to_string())).as_ref()?;
    match found.get(test).map(String::as_str) {
        Some("") => Ok(()),
        Some(problem) => Err(problem.to_owned()),
        None => Err(format!("the guest has not run {test}:\n{}\n{}", found["console"], found["log"])),
    }
}

/// Runs the guest to its end, and reads what it has left: of each test its finding, beside `log` and `console`.
fn boot() -> Result<HashMap<String, String>> {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("guest-{}", std::process::id()));
    fs::create_dir_all(&results)?;
    let found = run(&results);
    fs::remove_dir_all(&results)?;
    found
}

fn run(results: &Path) -> Result<HashMap<String, String>> {
    let init = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/kernel/overlay/guest.sh").canonicalize()?;
    let mut console = Command::new("timeout");
    // In a process namespace of its own, nothing of it outlives its first process, and that one not `unshare`.
    console.args(["--signal=KILL", SECONDS, "unshare", "--pid", "--fork", "--kill-child", "linux.uml"]);
    console.args(["mem=512M", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "con=null", "con0=null,fd:1"]);
    console.arg(format!("uml_dir={}", results.display()));
    console.arg(format!("init={}", init.display()));
    console.arg(format!("RESULTS={}", results.display()));
    console.arg(format!("TESTS={}", env::current_exe()?.display()));
    let output = console.stdin(Stdio::null()).output()?;
    let mut found = HashMap::from([("log".to_owned(), String::new())]);
    for entry in fs::read_dir(results)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            found.insert(entry.file_name().to_string_lossy().into_owned(), text);
        }
    }
    let said = [output.stdout, output.stderr].concat();
    found.insert("console".to_owned(), format!("{}\n{}", output.status, String::from_utf8_lossy(&said)));
    Ok(found)
}
