//! Files that are there whole or not at all, whenever the process is killed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process;

/// Puts a file in its place: what stood there stays until the new one is whole and on the disk.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        // A pipe or a terminal: there is nothing to replace.
        return fs::OpenOptions::new().write(true).open(path)?.write_all(text);
    }
    let mut name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?.to_owned();
    name.push(format!(".{}.tmp", process::id()));
    let beside = folder.join(name);
    let kept = fs::metadata(path).ok().map(|about| about.permissions());
    let done = fill(folder, &beside, text)
        .and_then(|()| kept.map_or(Ok(()), |kept| fs::set_permissions(&beside, kept)))
        .and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

/// A whole file beside the one to replace. On Linux it has no name before it is whole, so that a killed process leaves a whole
/// copy behind at most.
fn fill(folder: &Path, beside: &Path, text: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(beside);
    // Not every file system can (`open(2)`, `O_TMPFILE`), and not everywhere is there a /proc.
    #[cfg(target_os = "linux")]
    if nameless(folder, beside, text).is_ok() {
        return Ok(());
    }
    let _ = folder;
    let mut file = File::create_new(beside)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path, beside: &Path, text: &[u8]) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
    use nix::sys::stat::Mode;
    use std::os::fd::AsRawFd;

    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    // The umask takes away what it takes from any new file.
    let mut file = File::from(open(folder, flags, Mode::from_bits_truncate(0o666))?);
    file.write_all(text)?;
    file.sync_all()?;
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    nix::unistd::linkat(AT_FDCWD, itself.as_str(), AT_FDCWD, beside, AtFlags::AT_SYMLINK_FOLLOW)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_and_replaced() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("report.json");
        for text in ["one", "another, longer", ""] {
            write(&path, text.as_bytes()).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing else is left");
        assert!(write(&folder.path().join("no/such/report.json"), b"x").is_err());
    }
}
