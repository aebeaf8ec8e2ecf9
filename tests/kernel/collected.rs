//! The dumps of the suite's own node, taken by `examples/collect.sh` inside it, answer packets as its kernel does: what
//! `scn walk` rests on.

use std::fs;
use std::path::{Path, PathBuf};

use netscene_core::dump::Dump;
use netscene_core::netfilter::Backend;

use crate::Result;
use crate::case::Case;
use crate::compare::{self, Listing};
use crate::event::Ports;
use crate::linux::{Linux, run};
use crate::model::Model;
use crate::ready::in_own_thread;

/// Rules as kube-proxy and Calico write them, with everything in them that a packet's way may hang on.
const RULES: &str = "\
create pods hash:net
add pods 10.244.0.0/26
create banned hash:ip
add banned 10.0.0.3
*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-EXT-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-BBBBBBBBBBBBBBBB - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]
-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES
-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment \"shop/web:http cluster IP\" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment \"shop/dns cluster IP\" -m udp --dport 53 -j KUBE-SVC-BBBBBBBBBBBBBBBB
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m comment --comment \"shop/web:http\" -m tcp --dport 30080 -j KUBE-EXT-AAAAAAAAAAAAAAAA
-A KUBE-EXT-AAAAAAAAAAAAAAAA -j KUBE-MARK-MASQ
-A KUBE-EXT-AAAAAAAAAAAAAAAA -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment \"shop/web:http -> 10.244.0.2:8080\" -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SVC-BBBBBBBBBBBBBBBB -m comment --comment \"shop/dns -> 10.244.0.1:5353\" -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SEP-AAAAAAAAAAAAAAAA -s 10.244.0.2/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.0.2:8080
-A KUBE-SEP-BBBBBBBBBBBBBBBB -s 10.244.0.1/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-BBBBBBBBBBBBBBBB -p udp -m udp -j DNAT --to-destination 10.244.0.1:5353
COMMIT
*filter
:KUBE-FORWARD - [0:0]
:cali-tw-cali1 - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m set --match-set banned src -j DROP
-A INPUT -p udp -m multiport --dports 9000,9001 -j REJECT --reject-with icmp-admin-prohibited
-A FORWARD -i cali1 -j cali-tw-cali1
-A FORWARD -j KUBE-FORWARD
-A FORWARD -m set ! --match-set pods src -m set --match-set pods dst -p tcp -m tcp --dport 9100 -j REJECT
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A cali-tw-cali1 ! -s 10.244.0.1/32 -j DROP
-A OUTPUT -d 10.244.0.1/32 -p tcp -m tcp --dport 25 -j DROP
COMMIT
";

/// What happens before the dumps are taken: their `conntrack -L` has these connections.
const BEFORE: &str = "\
send client 10.0.0.2:41000 > 10.96.0.10:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
send client 10.0.0.2:41000 > 10.96.0.10:80 tcp ACK seq 1001 ack 5001
send pod2 10.244.0.2:41001 > 10.96.0.10:53 udp data 30
reply udp data 60
";

/// Fifty packets for what was dumped: connections that were open, and new ones of every kind.
fn packets() -> String {
    let mut steps = vec![
        // A datagram's connection is a stream once it is two seconds old, and no dump tells how old it is: now it is, for sure.
        "wait 2500".to_owned(),
        "send client 10.0.0.2:41000 > 10.96.0.10:80 tcp PSH,ACK seq 1001 ack 5001 data 100".to_owned(),
        "send pod2 10.244.0.2:8080 > 10.0.0.1:41000 tcp ACK seq 5001 ack 1101".to_owned(),
        "send pod1 10.244.0.1:5353 > 10.244.0.2:41001 udp data 60".to_owned(),
        "send pod2 10.244.0.2:41001 > 10.96.0.10:53 udp data 30".to_owned(),
    ];
    let handshake = ["reply tcp SYN,ACK seq 5000 ack 1001"];
    for (from, source, to, answers) in [
        ("client", "10.0.0.2:42000", "10.96.0.10:80 tcp SYN seq 1000", &handshake[..]),
        ("client", "10.0.0.2:42001", "10.0.0.1:30080 tcp SYN seq 1000", &handshake[..]),
        ("client", "10.0.0.3:42002", "10.0.0.1:30080 tcp SYN seq 1000", &["reply tcp RST,ACK seq 0 ack 1001"][..]),
        ("client", "10.0.0.3:42003", "10.0.0.1:22 tcp SYN seq 1000", &[]),
        ("client", "10.0.0.2:42003", "10.0.0.1:22 tcp SYN seq 1000", &[]),
        ("client", "10.0.0.2:42004", "10.0.0.1:9000 udp", &[]),
        ("client", "10.0.0.2:42005", "10.0.0.1:9001 udp data 20", &[]),
        ("client", "10.0.0.2:42006", "10.0.0.1:7777 udp data 20", &[]),
        ("client", "10.0.0.2:42007", "10.244.0.1:9100 tcp SYN seq 1000", &[]),
        ("client", "10.0.0.2:42008", "10.244.0.1:80 tcp SYN seq 1000", &handshake[..]),
        ("client", "10.0.0.2:42009", "10.244.0.9:80 tcp SYN seq 1000", &[]),
        ("client", "10.0.0.2:42010", "10.96.0.10:443 tcp SYN seq 1000", &[]),
        ("client", "10.0.0.2:42011", "10.244.0.2:8080 tcp SYN,ACK seq 1000 ack 1", &[]),
        (
            "client",
            "10.0.0.2",
            "10.244.0.2 icmp echo id 7 seq 1 data 56",
            &["reply icmp echo-reply id 7 seq 1 data 56"][..],
        ),
        ("client", "10.0.0.2", "10.0.0.1 icmp echo id 8 seq 1 data 56", &[]),
        ("client", "10.0.0.2:42012", "10.244.0.2:8080 udp ttl 1", &[]),
        ("client", "10.0.0.2:42013", "10.244.0.2:8080 udp data 1472", &[]),
        ("pod1", "10.244.0.1:43000", "10.96.0.10:80 tcp SYN seq 1000", &handshake[..]),
        ("pod2", "10.244.0.2:43001", "10.96.0.10:80 tcp SYN seq 1000", &handshake[..]),
        ("pod1", "10.244.0.1:43002", "10.96.0.10:53 udp data 30", &["reply udp data 60"][..]),
        ("pod1", "10.244.0.7:43003", "10.244.0.2:80 tcp SYN seq 1000", &[]),
        ("pod1", "10.244.0.1:43004", "10.0.0.2:443 tcp SYN seq 1000", &handshake[..]),
        ("pod1", "10.244.0.1:43005", "10.0.0.1:6443 tcp SYN seq 1000", &[]),
        ("pod1", "10.244.0.1:43006", "8.8.8.8:53 udp data 30", &["reply udp data 90"][..]),
        ("node", "10.0.0.1:44000", "10.96.0.10:80 tcp SYN seq 1000", &handshake[..]),
        ("node", "10.0.0.1:44001", "10.244.0.1:25 tcp SYN seq 1000", &[]),
        ("node", "10.0.0.1:44002", "10.96.0.10:53 udp data 30", &["reply udp data 60"][..]),
        (
            "node",
            "10.0.0.1",
            "10.244.0.1 icmp echo id 9 seq 1 data 56",
            &["reply icmp echo-reply id 9 seq 1 data 56"][..],
        ),
        ("node", "10.0.0.1:44003", "10.0.0.1:30080 tcp SYN seq 1000", &handshake[..]),
        ("client", "10.0.0.2:42020", "10.244.0.1:53 udp data 8", &["reply udp data 8"][..]),
        ("client", "10.0.0.2:42021", "10.244.0.2:53 udp data 16", &[]),
    ] {
        steps.push(format!("send {from} {source} > {to}"));
        steps.extend(answers.iter().map(|answer| (*answer).to_owned()));
    }
    steps.join("\n")
}

/// What the collector leaves in a folder when it is run on the thread's node.
fn collect(folder: &Path) -> Result<Dump> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/collect.sh");
    // A folder of an earlier run may have more files than this one makes.
    let _ = fs::remove_dir_all(folder);
    run("sh", &[script, &folder.display().to_string()], "")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read_to_string(&path)?));
    }
    files.sort();
    Ok(Dump::of(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
}

fn answers_as_its_kernel(backend: Backend) {
    in_own_thread(move || {
        let before: Case = [RULES, BEFORE].concat().parse()?;
        let case: Case = [RULES, &packets()].concat().parse()?;
        let mut linux = Linux::new(backend)?;
        let outcome = compare::run(&mut linux, &before, &before, Listing::Always)?;
        if let Some(difference) = outcome.difference {
            return Err(format!("before the dumps: kernel ({backend:?}) and model differ\n{difference}").into());
        }
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("collected-{backend:?}"));
        let dumped = collect(&folder)?.node("node", &[])?;
        if !dumped.doubts.is_empty() {
            return Err(format!("the dumps are in doubt: {:?}", dumped.doubts).into());
        }
        let mut model = Model::of(dumped.namespace, &case, 1);
        let ports = Ports::named_in(&[case.to_string(), before.to_string()].concat());
        let outcome = compare::steps(&mut linux, &mut model, &case, &ports, Listing::Always)?;
        if let Some(difference) = outcome.difference {
            return Err(format!("kernel ({backend:?}) and its dumps differ\n{difference}").into());
        }
        let lines: usize = outcome.kernel.iter().map(Vec::len).sum();
        #[expect(clippy::print_stdout, reason = "how much was compared is the result")]
        {
            println!("{backend:?}: {} packets answered from the dumps, {lines} lines compared", outcome.packets);
        }
        assert!(outcome.packets >= 50, "{} packets", outcome.packets);
        Ok(())
    });
}

#[test]
fn dumps_answer_fifty_packets_as_the_kernel_did() {
    answers_as_its_kernel(Backend::Legacy);
}

#[test]
fn dumps_of_nft_answer_fifty_packets_as_the_kernel_did() {
    answers_as_its_kernel(Backend::Nft);
}
