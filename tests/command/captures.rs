//! Captures, as tshark reads them.

use std::path::PathBuf;
use std::process::Command;

use crate::common::{root, scn};

/// Runs tshark on a file, with every checksum checked, and gives the lines it prints. Nothing where there is no tshark.
///
/// # Panics
/// Where there is none, and `CI` is `true`.
fn tshark(file: &str, arguments: &[&str]) -> Option<Vec<String>> {
    let ci = std::env::var("CI").as_deref() == Ok("true");
    if ci {
        // What it could not install is missing below.
        let _ = Command::new(root().join("tests/command/setup.sh")).status();
    }
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", file]);
    for checked in ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"] {
        command.args(["-o", checked]);
    }
    let Ok(output) = command.args(arguments).output() else {
        assert!(!ci, "there is no tshark: run tests/command/setup.sh as root");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// The files that a run of the first example fills: a node's card, its tunnel, the client's device.
fn captured() -> [String; 3] {
    static ONCE: std::sync::OnceLock<[String; 3]> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let files = ["card", "tunnel", "client"].map(|name| folder.join(format!("{name}.pcap")).display().to_string());
        let devices = ["worker1:eth0", "worker1:tunl0", "default/client:eth0"];
        let mut arguments = vec!["run".to_owned(), "examples/hello.scn".to_owned()];
        for (device, file) in devices.iter().zip(&files) {
            arguments.extend(["--pcap".to_owned(), format!("{device}={file}")]);
        }
        let run = scn(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        files
    })
    .clone()
}

#[test]
fn no_packet_is_malformed_and_every_checksum_is_good() {
    for file in captured() {
        let Some(all) = tshark(&file, &[]) else { return };
        assert!(all.len() >= 3, "{file}: {all:?}");
        let wrong = "_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0";
        assert_eq!(tshark(&file, &["-Y", wrong]), Some(Vec::new()), "{file}");
        let good = tshark(&file, &["-Y", "tcp.checksum.status == 1"]);
        assert!(good.is_some_and(|good| good.len() >= 3), "{file}: the checksums were looked at");
    }
}

#[test]
fn the_card_shows_the_tunnels_layers_and_arp() {
    let [card, tunnel, client] = captured();
    let protocols = |file: &str| tshark(file, &["-T", "fields", "-e", "frame.protocols"]);
    let Some(on_card) = protocols(&card) else { return };
    assert!(on_card.iter().any(|layers| layers == "eth:ethertype:ip:ip:tcp"), "{on_card:?}");
    assert!(on_card.iter().any(|layers| layers.starts_with("eth:ethertype:arp")), "{on_card:?}");
    let in_tunnel = protocols(&tunnel).unwrap_or_default();
    assert!(in_tunnel.iter().all(|layers| layers.starts_with("raw:ip:tcp")), "{in_tunnel:?}");
    let at_client = protocols(&client).unwrap_or_default();
    assert!(at_client.iter().any(|layers| layers == "eth:ethertype:ip:tcp"), "{at_client:?}");
    let macs = tshark(&client, &["-Y", "tcp.flags.syn == 1 and tcp.flags.ack == 0", "-T", "fields", "-e", "eth.dst"]);
    assert_eq!(macs.unwrap_or_default(), ["ee:ee:ee:ee:ee:ee"], "the node's end of a veth has Calico's address");
}

#[test]
fn a_capture_of_nothing_is_told() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nothing.pcap");
    let run = scn(&["run", "examples/hello.scn", "--pcap", &format!("worker1:eth9={}", file.display())]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("nothing has passed worker1:eth9"), "{}", run.stderr);
    let run = scn(&["run", "examples/hello.scn", "--pcap", "worker1"]);
    assert!(run.stderr.contains("worker1:tunl0=out.pcap"), "{}", run.stderr);
}
