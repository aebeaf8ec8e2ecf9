//! Figure 15: BGP's keepalives, from `examples/whitepaper/second_bgp.scn`.

use super::paper::{expected, printed};

/// By chance are times, the port of the node that connected, the numbers of packets, where sequences begin, windows, clocks
/// and therefore checksums. What stands in the place of a checksum that the network card is to compute hangs on nothing but
/// addresses and lengths, and is compared; so are sequence numbers that count from the first packet.
fn without_chance(text: &str) -> Vec<String> {
    let mask = |word: &str, before: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let number = bare.bytes().all(|byte| byte.is_ascii_digit());
        let absolute = number && bare.len() > 3;
        let counts_from_afar = bare.split_once(':').is_some_and(|(start, _)| start.len() > 3);
        let free = match before {
            "id" | "win" | "val" | "ecr" => number,
            "ack" => absolute,
            "seq" => counts_from_afar,
            // The right checksum, behind another that stands there.
            "->" => true,
            _ => false,
        };
        if free { word.replace(bare, "#") } else { word.to_owned() }
    };
    let line = |line: &str| {
        let mut words: Vec<String> = Vec::new();
        let mut before = "";
        for word in line.split(' ') {
            words.push(mask(word, before));
            before = word;
        }
        if words[0].contains(':') {
            words[0] = "#".into();
        }
        // A checksum that is right.
        for at in 1..words.len() {
            if words[at].starts_with("(correct)") {
                words[at - 1] = "#".into();
            }
        }
        for word in &mut words {
            if let Some((address, _port)) = word.rsplit_once('.').filter(|(address, _)| *address == "10.1.110.107") {
                let colon = if word.ends_with(':') { ":" } else { "" };
                *word = format!("{address}.#{colon}");
            }
        }
        words.join(" ")
    };
    text.lines().map(line).collect()
}

#[test]
fn figure_15_keepalives_of_bgp() {
    let (printed, figure) = (printed("whitepaper/second_bgp.scn"), expected("fig015_tcpdump_bgp.txt"));
    let found: Vec<_> = printed.lines().take(figure.lines().count()).collect();
    assert_eq!(without_chance(&found.join("\n")), without_chance(&figure));
}

/// What is masked is not everything: another direction, length, service or checksum makes a difference.
#[test]
fn figure_15_is_compared_in_what_matters() {
    let figure = expected("fig015_tcpdump_bgp.txt");
    for (from, to) in [
        ("tos 0xc0", "tos 0x0"),
        ("ttl 64", "ttl 255"),
        ("length 71", "length 70"),
        ("102.bgp > 10.1.110.107.60695", "102.40000 > 10.1.110.107.bgp"),
        ("0xf0f9", "0xf0fa"),
        ("(correct)", "(incorrect -> 0x1234)"),
        ("ack 19", "ack 20"),
        ("seq 1:20", "seq 1:21"),
        ("Keepalive", "Update"),
        ("[P.]", "[.]"),
    ] {
        assert!(figure.contains(from), "{from}");
        assert_ne!(without_chance(&figure.replace(from, to)), without_chance(&figure), "{from}");
    }
}
