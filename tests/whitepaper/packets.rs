//! Figures of the kernel's log, from traffic in `examples/whitepaper/second_log.scn` and `second_packets.scn`.

use super::paper::{expected, figure, lines_from, part, printed, rows};

/// The rows of the packets between two ports.
fn between<'a>(rows: &'a [String], ports: &str) -> Vec<&'a String> {
    rows.iter().filter(|row| row.contains(ports)).collect()
}

fn request() -> Vec<String> {
    rows(part(&printed("whitepaper/second_packets.scn"), "from nginx to WordPress, to DNS and to the database"), true)
}

/// A line of the log without times, the packet's number and the pod's Ethernet address, which are by chance.
fn line_of_the_log(line: &str) -> String {
    let line = line.split_once("] ").map_or(line, |(_, line)| line);
    let free = |field: &str| match field.split_once('=') {
        Some(("ID", _)) => "ID=".to_owned(),
        // Destination, source and type: the source is the pod's.
        Some(("MAC", bytes)) if bytes.len() > 36 => format!("MAC={}…{}", &bytes[..17], &bytes[35..]),
        _ => field.to_owned(),
    };
    line.split(' ').map(free).collect::<Vec<_>>().join(" ")
}

#[test]
fn figure_56_two_lines_of_the_log() {
    let printed = printed("whitepaper/second_log.scn");
    let found: Vec<_> = part(&printed, "two lines of the kernel's log").lines().map(line_of_the_log).collect();
    for line in expected("fig056_kernel_log_lines.txt").lines().map(line_of_the_log) {
        assert!(found.contains(&line), "no {line:?} in {found:#?}");
    }
}

/// All 24 rows in order. Two packets of nginx leave it at the same time, the acknowledgement of the request and the first
/// to `WordPress`; which goes first was a matter of scheduling, so that the rows of each are compared in order.
#[test]
fn figure_57_the_first_packets_of_a_request() {
    let figure = figure("fig057_log.tsv");
    let found = rows(part(&printed("whitepaper/second_log.scn"), "the first packets of a request"), false);
    assert_eq!(found[..16], figure[..16], "the handshake and the request");
    let to_wordpress = "\t43296\t80\tSYN";
    assert_eq!(between(&found, to_wordpress), between(&figure, to_wordpress), "the first packet to WordPress");
    let acknowledgement = "80\t54518\tACK\tURGP=0";
    let of_the_figure = between(&figure, acknowledgement);
    assert_eq!(between(&found, acknowledgement)[..of_the_figure.len()], of_the_figure);
    assert_eq!(figure.len(), 24);
}

#[test]
fn figures_86_90_and_92_from_nginx_to_wordpress() {
    let found = request();
    let figures: Vec<_> = ["fig086_log.tsv", "fig090_log.tsv", "fig092_log.tsv"].into_iter().flat_map(figure).collect();
    let syn: Vec<_> = between(&found, "\t35694\t80\tSYN").into_iter().cloned().collect();
    assert_eq!(syn, figures);
}

/// The figure shows one of the two queries: the other, which is sent before the answer to the first comes, is NEW to the
/// rules too, and has one more row.
#[test]
fn figure_95_a_name_is_resolved() {
    let found = request();
    let mut of_dns: Vec<_> =
        found.iter().filter(|row| row.contains("\t39764\t53") || row.contains("\t53\t39764")).cloned().collect();
    let query = "_KUBE_FORWARD_CSTATE\tfilter\twordpress_frontend_veth";
    let second = of_dns.iter().enumerate().filter(|(_, row)| row.starts_with(query)).nth(1).map(|(at, _)| at);
    of_dns.remove(second.expect("the second query"));
    let figure = figure("fig095_log.tsv");
    let from = of_dns.iter().position(|row| *row == figure[0]).expect("the first row");
    let rest: Vec<_> = of_dns[from..]
        .iter()
        .filter(|row| !row.starts_with("_CALI_PRT") || !row.contains("\t39764\t53"))
        .cloned()
        .collect();
    assert_eq!(rest, figure);
}

#[test]
fn figures_58_64_75_and_82_a_segment_of_a_forgotten_connection() {
    let printed = printed("whitepaper/second_packets.scn");
    let found = rows(part(&printed, "a segment of a forgotten connection"), true);
    let figures = ["fig058_fig064_log.tsv", "fig075_log.tsv", "fig082_log.tsv"].into_iter().flat_map(figure);
    let figures: Vec<_> = figures.collect();
    assert_eq!(found[..figures.len()], figures[..]);
}

/// All of every line. In which order the kernel lists connections is a matter of its hash's seed.
#[test]
fn figure_67_five_connections_in_different_states() {
    let printed = printed("whitepaper/second_packets.scn");
    let part = part(&printed, "five connections in different states");
    let mut found = lines_from(part, "conntrack v1.4.4 (conntrack-tools): 5 flow entries", 6);
    let figure = expected("fig067_conntrack.txt");
    let mut figure: Vec<_> = figure.lines().collect();
    assert_eq!(found[0], figure[0]);
    found.sort_unstable();
    figure.sort_unstable();
    assert_eq!(found, figure);
}

/// All but the time.
#[test]
fn figure_61_metallb_answers_for_the_address() {
    let timeless = |line: &str| line.split(",\"ts\"").next().unwrap_or_default().to_owned();
    let printed = printed("whitepaper/second_packets.scn");
    let figure = timeless(&expected("fig061_metallb_log.txt"));
    assert!(printed.lines().any(|line| timeless(line) == figure), "no {figure} in\n{printed}");
}

/// The last two lines are tcpdump's own question. By chance are the times, the messages' numbers, the source port of that
/// question, and which reply comes first.
#[test]
fn figure_96_tcpdump_and_what_it_asks_itself() {
    let ids = |line: &str| {
        let Some((ends, message)) = line.get(16..).and_then(|line| line.split_once(": ")) else {
            return line.to_owned();
        };
        let mut ends = ends.to_owned();
        if line.contains("PTR") {
            let end = if message.contains('?') { ends.find(" > ").expect("an arrow") } else { ends.len() };
            let port = ends[..end].rfind('.').expect("a port");
            ends.replace_range(port + 1..end, "");
        }
        format!("{ends}: {}", message.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    let printed = printed("whitepaper/second_packets.scn");
    let mut found: Vec<_> = part(&printed, "what tcpdump sees in the pod").lines().skip(1).map(ids).collect();
    let mut figure: Vec<_> = expected("fig096_tcpdump_dns.txt").lines().map(ids).collect();
    found[4..6].sort();
    figure[4..6].sort();
    assert_eq!(found, figure);
}

/// The pods and their connections are others than those of the figure, in which tcpdump also reads what Redis says.
#[test]
fn figure_16_the_pattern_of_its_lines() {
    let printed = printed("whitepaper/second_packets.scn");
    let lines: Vec<_> = part(&printed, "what tcpdump sees of the tunnel").lines().collect();
    for (start, end) in [
        ("IP 10.1.110.102 > 10.1.110.107: IP 192.168.104.69 > 192.168.8.200: ICMP echo request, id ", ", length 64"),
        ("IP 10.1.110.107 > 10.1.110.102: IP 192.168.8.200 > 192.168.104.69: ICMP echo reply, id ", ", length 64"),
        (
            "IP 10.1.110.102 > 10.1.110.107: IP 192.168.104.69.58796 > 192.168.8.200.6379: Flags [P.], seq ",
            ", length 40",
        ),
        ("IP 10.1.110.107 > 10.1.110.102: IP 192.168.8.200.6379 > 192.168.104.69.58796: Flags [.], ack ", ", length 0"),
    ] {
        let fits = |line: &&str| {
            line.get(16..)
                .is_some_and(|line| line.starts_with(start) && line.ends_with(&format!("{end} (ipip-proto-4)")))
        };
        assert!(lines.iter().any(fits), "no {start}…{end} in {lines:#?}");
    }
}
