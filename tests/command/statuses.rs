//! Exit statuses: 0 all held, 1 something did not, 2 bad input, 3 a limit was hit.

use crate::common::{Run, scn};
use crate::folder::Folder;

/// Runs `scn run` on a file with this text.
fn run(text: &str) -> Run {
    let folder = Folder::new("statuses");
    folder.write("one.scn", text);
    folder.scn(&["run", "one.scn"])
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
        let run = run(text);
        assert_eq!(run.status, expected, "{text}{}", run.stderr);
        assert_eq!(run.status == 0, run.stderr.is_empty(), "{text}{}", run.stderr);
    }
    assert_eq!(scn(&["run", "no/such/file.scn"]).status, 2);
    assert_eq!(scn(&["run"]).status, 2);
    assert_eq!(scn(&["--version"]).status, 0);
}
