//! A terminal that a test sits at: `scn` runs on a pseudo-terminal of its own.

#![allow(clippy::disallowed_methods, reason = "what hangs has to be ended")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};

use crate::folder::Folder;

/// Nothing takes as long, unless it hangs.
const GUARD: Duration = Duration::from_mins(4);

/// A pseudo-terminal, and `scn` on it. The command is killed with it.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    output: Receiver<Vec<u8>>,
    /// Everything that was printed, and how much of it a test has seen.
    text: String,
    seen: usize,
}

impl Terminal {
    /// `scn` with these arguments, from the folder, whose `state` is the user's XDG state folder.
    pub(crate) fn open(folder: &Folder, arguments: &[&str], state: &str) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("there are pseudo-terminals");
        let end = |of: &OwnedFd| Stdio::from(of.try_clone().expect("there are descriptors"));
        // The terminal has to be the session's own, for Ctrl-C to become a signal.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_scn")).args(arguments).current_dir(folder.path());
        command.env("TERM", "xterm").env("NO_COLOR", "1").env("XDG_STATE_HOME", state);
        command.stdin(end(&pty.slave)).stdout(end(&pty.slave)).stderr(end(&pty.slave));
        let child = command.spawn().expect("setsid of util-linux starts");
        drop((command, pty.slave));
        let keys = File::from(pty.master);
        let mut screen = keys.try_clone().expect("there are descriptors");
        let (send, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, output, text: String::new(), seen: 0 }
    }

    /// Presses keys. What is pressed before there is a prompt may be lost (see `Terminal::prompt`).
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// A line, and Enter.
    pub(crate) fn line(&mut self, line: &str) {
        self.keys(&format!("{line}\r"));
    }

    /// Waits until this is printed behind what has been seen.
    pub(crate) fn see(&mut self, text: &str) {
        let until = Instant::now() + GUARD;
        while !self.sees(text, Duration::from_secs(1)) {
            assert!(
                Instant::now() < until,
                "{text:?} is not printed; after what was seen came:\n{}",
                &self.text[self.seen..]
            );
        }
    }

    /// Waits for a new prompt. The text of one is also printed anew while a line is typed, and what is typed before the next
    /// line is read is lost: a line begins to be read where the terminal is told to bracket what is pasted.
    pub(crate) fn prompt(&mut self) {
        self.see("\u{1b}[?2004h");
        self.see("scn> ");
    }

    /// Waits until the line is taken, when the terminal makes signals of keys again: a Ctrl-C before is a key like any other.
    pub(crate) fn taken(&mut self) {
        self.see("\u{1b}[?2004l");
    }

    /// Whether this is printed behind what has been seen, now or in a while.
    pub(crate) fn sees(&mut self, text: &str, patience: Duration) -> bool {
        loop {
            if let Some(at) = self.text[self.seen..].find(text) {
                self.seen += at + text.len();
                return true;
            }
            match self.output.recv_timeout(patience) {
                Ok(bytes) => self.text += &String::from_utf8_lossy(&bytes),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => panic!("{text:?} was never printed, but:\n{}", self.text),
            }
        }
    }

    /// Waits for the end of the command.
    pub(crate) fn end(mut self) -> ExitStatus {
        let until = Instant::now() + GUARD;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child of ours") {
                return status;
            }
            assert!(Instant::now() < until, "it does not end; it printed:\n{}", self.text);
            // Somebody has to take what it prints.
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.text += &String::from_utf8_lossy(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Kills it as it is.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is a child of ours");
        let _ = self.child.wait();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
