//! What may go on for ever, grow without end or look outside of the scenario's folder: each is a diagnostic, and soon.

#![allow(clippy::disallowed_methods, reason = "what does not end has to be ended")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder of the test's own, gone at its end.
struct Scratch(TempDir);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = TempDir::with_prefix(format!("scn-bounds-{name}-")).expect("a folder can be made");
        fs::create_dir(folder.path().join("scenario")).expect("a folder can be made");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("scenario").join(name)
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        fs::write(self.path(name), text).expect("a file can be written");
        self.path(name)
    }
}

/// Runs `scn run`; its exit status and what it printed. One that hangs is stopped, and has no status.
fn run(file: &Path) -> (Option<i32>, String) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_scn"))
        .arg("run")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scn starts");
    let out = child.stdout.take().expect("it is piped");
    let err = child.stderr.take().expect("it is piped");
    let read = |mut pipe: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let (out, err) = (read(Box::new(out)), read(Box::new(err)));
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status.code();
        }
        if began.elapsed() > Duration::from_mins(10) {
            let _ = child.kill();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    (status, out.join().expect("read") + &err.join().expect("read"))
}

/// Runs a scenario, which has to end with `status` and say each of `parts`.
fn check(scratch: &Scratch, text: &str, status: i32, parts: &[&str]) {
    let (ended, said) = run(&scratch.write("main.scn", text.as_bytes()));
    let shown: String = said.chars().take(2000).collect();
    let head: String = text.chars().take(200).collect();
    assert_eq!(ended, Some(status), "{head}\n{shown}");
    for part in parts {
        assert!(said.contains(part), "{part} is not said:\n{shown}");
    }
}

#[test]
fn what_never_ends() {
    let scratch = Scratch::new("ends");
    let many = "rhai { fn many() { let list = []; list.pad(10000, 0); list } }\n";
    for (text, status, part) in [
        ("assert ${ loop { } }", 2, "`loop` cannot be used"),
        ("assert ${ while true { } }", 2, "`while` cannot be used"),
        ("rhai { fn f(n) { f(n + 1) } }\nassert ${ f(0) == 1 }", 3, "functions call each other more than 32 deep"),
        (
            "rhai { fn f(s) { f(s + s) } }\nassert ${ f(\"xxxxxxxxxxxxxxxx\") == \"\" }",
            3,
            "a text has more than 65536 bytes",
        ),
        ("assert ${ [].pad(1000000000, 1) == () }", 3, "a list has more than 10000 elements"),
        ("assert ${ \"x\".pad(1000000000, \"y\") == () }", 3, "a text has more than 65536 bytes"),
        ("for x in ${ 0..1000000000000 } { wait 1s }", 3, "the range has more than 10000 numbers"),
        ("wait 876000h", 3, "one `wait` is at most 8760h"),
        ("wait 99999999999999999999999h", 2, "too long"),
    ] {
        check(&scratch, &format!("{text}\n"), status, &[part]);
    }
    let closures = "assert ${ many().map(|a| many().map(|b| 1).len()).len() == 1 }\n";
    check(&scratch, &format!("{many}{closures}"), 3, &["the island takes more than 500000 steps"]);
    let loops = "for a in ${ many() } {\n  for b in ${ many() } {\n  }\n}\n";
    check(&scratch, &format!("{many}{loops}"), 3, &["more than 100000 sentences are carried out"]);
}

#[test]
fn what_is_too_large() {
    let scratch = Scratch::new("large");
    let line = "x".repeat(1 << 20);
    check(&scratch, &format!("node {line} at 10.0.0.1\nping a -> b as c\n"), 2, &["error[E"]);
    check(&scratch, &format!("assert ${{ \"{line}\" == \"\" }}\n"), 3, &["error[E0105]"]);
    check(&scratch, &"if ${ true } {\n".repeat(100_000), 3, &["64 are open; nothing after this was read"]);
    check(
        &scratch,
        &format!("assert ${{ {}1{} }}\n", "(".repeat(5000), ")".repeat(5000)),
        3,
        &["nested more than 64 deep"],
    );
    check(&scratch, &"nod a at 10.0.0.1\n".repeat(20_000), 2, &["the first 100 are told"]);
    let large = scratch.write("large.scn", &[]);
    fs::File::options().write(true).open(large).and_then(|file| file.set_len(100 << 20)).expect("it can grow");
    check(&scratch, "include \"large.scn\"\n", 2, &["large.scn cannot be read", "more than 16777216 bytes"]);
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let scratch = Scratch::new("outside");
    fs::write(scratch.0.path().join("secret.scn"), "node secret at 10.0.0.1\n").expect("it can be written");
    for path in ["/etc/passwd", "../secret.scn", "a/../../secret.scn", "./.././secret.scn", "//etc/passwd"] {
        check(&scratch, &format!("include {path:?}\n"), 2, &["error[E0107]", "is not below the scenario's folder"]);
    }
    check(&scratch, "include \"main.scn\"\n", 2, &["error[E0108]: the file includes itself"]);
    scratch.write("other.scn", b"include \"main.scn\"\n");
    check(&scratch, "include \"other.scn\"\n", 2, &["error[E0108]", "main.scn, which includes other.scn"]);
    fs::create_dir(scratch.path("folder")).expect("it can be made");
    check(&scratch, "include \"folder\"\n", 2, &["error[E0106]"]);
    scratch.write("bytes.scn", &[0xff, 0xfe, 0]);
    check(&scratch, "include \"bytes.scn\"\n", 2, &["error[E0106]", "UTF-8"]);
}

#[cfg(unix)]
#[test]
fn links_pipes_and_devices() {
    let scratch = Scratch::new("links");
    fs::write(scratch.0.path().join("secret.scn"), "node secret at 10.0.0.1\n").expect("it can be written");
    for (name, to) in [("link.scn", "../secret.scn"), ("zero.scn", "/dev/zero"), ("etc.scn", "/etc/passwd")] {
        std::os::unix::fs::symlink(to, scratch.path(name)).expect("a link can be made");
        check(&scratch, &format!("include {name:?}\n"), 2, &["error[E0106]", "it lies outside the scenario's folder"]);
    }
    std::os::unix::fs::symlink("main.scn", scratch.path("circle.scn")).expect("a link can be made");
    check(&scratch, "include \"circle.scn\"\n", 2, &["error[E0108]"]);
    let made = Command::new("mkfifo").arg(scratch.path("pipe.scn")).status();
    if made.is_ok_and(|status| status.success()) {
        check(&scratch, "include \"pipe.scn\"\n", 2, &["error[E0106]", "it is no file"]);
    }
}
