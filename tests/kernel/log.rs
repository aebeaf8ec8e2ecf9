//! The kernel's log, where LOG rules write. It is one for the whole machine.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sched::{CloneFlags, setns};

use crate::Result;

/// Whether LOG rules of other namespaces than the first may write.
const SWITCH: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

/// A reader of what LOG writes from now on. While there is one, rules in every namespace may write, and others who want
/// that wait.
pub(crate) struct KernelLog {
    lines: File,
    before: String,
    /// The lock holds for the life of this.
    _lock: Flock<File>,
}

impl KernelLog {
    pub(crate) fn new() -> Result<Self> {
        let (lock, before) = in_first_namespace(|| {
            let lock = Flock::lock(File::open(SWITCH)?, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
            let before = std::fs::read_to_string(SWITCH)?;
            std::fs::write(SWITCH, "1")?;
            Ok((lock, before))
        })?;
        let mut lines = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open("/dev/kmsg")?;
        lines.seek(SeekFrom::End(0))?;
        Ok(Self { lines, before, _lock: lock })
    }

    /// The lines written since the last time that begin with `suite`, without the time.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let mut buffer = [0; 8192];
        // A read is one record; an error is its end, or that old ones are gone.
        while let Ok(length) = self.lines.read(&mut buffer) {
            let record = String::from_utf8_lossy(&buffer[..length]);
            if let Some((_, text)) = record.split_once(';')
                && text.starts_with("suite")
            {
                found.extend(text.lines().next().map(str::to_owned));
            }
        }
        found
    }
}

impl Drop for KernelLog {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.before);
        let _ = in_first_namespace(move || std::fs::write(SWITCH, before));
    }
}

/// Does something in the network namespace of the process, which is taken to be the first: only there is the switch.
fn in_first_namespace<T: Send + 'static>(
    what: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let there = move || {
        setns(File::open("/proc/self/ns/net")?, CloneFlags::CLONE_NEWNET)?;
        what()
    };
    std::thread::spawn(there).join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))
}
