//! A test of the suite itself: where the model's worker2 is another one, that has to be noticed.

use super::cluster::{CLUSTER, Cluster};
use super::{compare, in_guest};

/// What is changed on the model's worker2, and by which only one fact of the tunnel is another.
const CHANGES: [&str; 4] = [
    // No address of tunl0 for processes of the node.
    "-t nat -D cali-POSTROUTING 3",
    // The outer packet has lost its mark.
    "-t mangle -I POSTROUTING -o tunl0 -j MARK --set-xmark 0x0/0x4000",
    // It does not leave.
    "-t filter -I OUTPUT -p 4 -j DROP",
    // The answer's outer packet is not let in.
    "-t filter -I INPUT -p 4 -j DROP",
];

#[test]
fn a_difference_in_the_tunnel_is_noticed() {
    in_guest(|| {
        let real = Cluster::new(CLUSTER, &[])?;
        let packets = "send worker2 0.0.0.0:40003 > 10.96.179.211:80 udp data 5
send worker2 0.0.0.0:40003 > 10.96.179.211:80 tcp SYN seq 1000
reply tcp SYN,ACK seq 5000 ack 1001
";
        if let Some(difference) = compare(&real, &real, CLUSTER, packets)?.difference {
            return Err(format!("kernel and model differ\n{difference}").into());
        }
        for change in CHANGES {
            let changed = Cluster::new(CLUSTER, &[change])?;
            let found = compare(&real, &changed, CLUSTER, packets)?.difference;
            found.ok_or_else(|| format!("nobody notices `{change}`"))?;
        }
        Ok(())
    });
}
