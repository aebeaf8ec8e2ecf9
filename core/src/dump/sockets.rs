//! `ss -lntu`: who listens.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{DumpError, DumpFile};
use crate::net::tcp::{ProcessId, Sockets};

/// Processes of a dump have numbers that none of a world has.
const FIRST: u32 = 1 << 31;

/// Lets the processes that `ss -lntu[p]` lists have their ports.
pub(super) fn fill(file: &DumpFile, sockets: &mut Sockets) -> Result<(), DumpError> {
    for (at, line) in file.text.lines().enumerate() {
        let words: Vec<_> = line.split_whitespace().collect();
        let udp = match words.first() {
            Some(&"tcp") => false,
            Some(&"udp") => true,
            // The head line, other families, and what an open `-p` wraps.
            _ => continue,
        };
        let error = |problem: String| DumpError { file: file.name.clone(), line: at + 1, problem, hint: None };
        let [_, state, _, _, local, rest @ ..] = words.as_slice() else {
            return Err(error("a line of `ss -lntu` has six columns".to_owned()));
        };
        if !matches!(*state, "LISTEN" | "UNCONN") {
            continue;
        }
        let (address, port) = local.rsplit_once(':').ok_or_else(|| error(format!("`{local}` has no port")))?;
        let port: u16 = port.parse().map_err(|_| error(format!("`{port}` is no port: give ss the option -n")))?;
        let process = ProcessId(FIRST + at as u32);
        let users = rest.iter().find_map(|word| word.split_once("((\""));
        let name = users.and_then(|(_, users)| users.split('"').next()).unwrap_or("a process");
        sockets.name_process(process, name);
        // `127.0.0.1%lo` is bound to a device as well; `[::]` and `*` take IPv4, too.
        let address = address.split('%').next().unwrap_or(address);
        match address {
            "*" | "0.0.0.0" | "[::]" => {
                if udp {
                    sockets.bind_udp(port, process)
                } else {
                    sockets.listen(port, process)
                };
            }
            _ if address.starts_with('[') && !address.starts_with("[::ffff:") => {}
            _ => {
                let plain = address.trim_start_matches("[::ffff:").trim_end_matches(']');
                let own: Ipv4Addr = plain.parse().map_err(|_| error(format!("`{address}` is no address")))?;
                let local = SocketAddrV4::new(own, port);
                if udp { sockets.bind_udp_at(local, process) } else { sockets.listen_at(local, process) }
            }
        }
    }
    Ok(())
}
