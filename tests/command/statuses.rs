//! Exit statuses: 0 all held, 1 something did not, 2 bad input, 3 a limit was hit.

use std::fs;
use std::path::PathBuf;
use std::process;

use crate::common::scn;

/// Runs `scn run` on a file with this text.
fn status_of(name: &str, text: &str) -> (i32, String) {
    let folder = std::env::temp_dir().join(format!("scn-statuses-{}", process::id()));
    fs::create_dir_all(&folder).expect("there is room");
    let file: PathBuf = folder.join(name).with_extension("scn");
    fs::write(&file, text).expect("there is room");
    let run = scn(&["run", file.to_str().expect("its name is UTF-8")]);
    fs::remove_file(file).expect("it is there");
    (run.status, run.stderr)
}

#[test]
fn the_status_says_how_it_ended() {
    for (expected, text) in [
        (0, "assert ${ 1 == 1 }\n"),
        (1, "assert ${ 1 == 2 }\n"),
        (2, "assert ${ 1 == }\n"),
        (2, "node a at 10.0.0.1\nnode b at 10.0.0.1\n"),
        (3, "rhai {\n  fn down(n) { down(n + 1) }\n}\nassert ${ down(0) == 0 }\n"),
    ] {
        let (status, stderr) = status_of(&format!("status-{expected}-{}", text.len()), text);
        assert_eq!(status, expected, "{text}{stderr}");
        assert_eq!(status == 0, stderr.is_empty(), "{text}{stderr}");
    }
    assert_eq!(scn(&["run", "no/such/file.scn"]).status, 2);
    assert_eq!(scn(&["run"]).status, 2);
    assert_eq!(scn(&["--version"]).status, 0);
}
