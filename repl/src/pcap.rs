//! What passed a device, as a file that Wireshark opens.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netscene_core::packet::DeviceName;
use netscene_core::world::{Captured, Passed, Tap};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

/// `PLACE:DEVICE=FILE`: a device of a node, pod or host, and where what passes it is written.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    place: String,
    device: DeviceName,
    file: PathBuf,
}

impl std::str::FromStr for Capture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write PLACE:DEVICE=FILE, as in worker1:tunl0=out.pcap";
        let (device, file) = text.split_once('=').ok_or(form)?;
        let (place, device) = device.rsplit_once(':').ok_or(form)?;
        let device = device.parse().map_err(|error| format!("{error}"))?;
        if place.is_empty() || file.is_empty() {
            return Err(form.to_owned());
        }
        Ok(Self { place: place.to_owned(), device, file: file.into() })
    }
}

/// Ears for all of them.
pub(crate) fn tap(captures: &[Capture]) -> Tap {
    Tap::new(captures.iter().map(|one| (one.place.clone(), one.device)))
}

/// Writes what has been heard, each device to its file: all of it, or nothing under that name. Gives the faults, a line each.
pub(crate) fn write(captures: &[Capture], tap: &Tap) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, capture) in captures.iter().enumerate() {
        let heard = tap.heard(at);
        if heard.is_empty() {
            faults.push(format!(
                "nothing has passed {}:{}: {} has no packets",
                capture.place,
                capture.device,
                capture.file.display()
            ));
        }
        if let Err(error) = write_file(&capture.file, &heard) {
            faults.push(format!("{} cannot be written: {error}", capture.file.display()));
        }
    }
    faults
}

fn write_file(path: &Path, heard: &[Captured]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let file = BufWriter::new(File::create(&unfinished)?);
    let written = packets(file, heard).and_then(|mut file| file.flush());
    match written.and_then(|()| std::fs::rename(&unfinished, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // What is left of it is of no use to anybody; that it cannot be removed either is no news.
            let _ = std::fs::remove_file(&unfinished);
            Err(error)
        }
    }
}

/// A device has frames, or it has none: all that passes it is of one kind.
fn packets<W: Write>(file: W, heard: &[Captured]) -> io::Result<W> {
    let bare = heard.iter().any(|one| matches!(one.what, Passed::Packet(_)));
    let datalink = if bare { DataLink::RAW } else { DataLink::ETHERNET };
    let header = PcapHeader {
        datalink,
        ts_resolution: TsResolution::NanoSecond,
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(file, header).map_err(io_error)?;
    for one in heard {
        let bytes = match &one.what {
            Passed::Frame(frame) => frame.to_bytes(),
            Passed::Packet(packet) => packet.to_bytes(),
        };
        let packet = PcapPacket::new(Duration::from_nanos(one.time.as_nanos()), bytes.len() as u32, &bytes);
        writer.write_packet(&packet).map_err(io_error)?;
    }
    Ok(writer.into_writer())
}

fn io_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
