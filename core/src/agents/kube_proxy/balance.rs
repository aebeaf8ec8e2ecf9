//! The toss of the coin, and what follows from each side: the same in all releases but for comments.

use super::fixed::{Writer, comment};
use super::ports::PortRules;
use crate::kube::Endpoint;

/// Writes the rules of `chain` that choose among `endpoints`: first who keeps the endpoint it had, then chance. The
/// texts are comments of a rule for an endpoint, which is given with its place.
pub(super) fn balance(
    writer: &mut Writer<'_>,
    port: &PortRules<'_>,
    chain: &str,
    endpoints: &[Endpoint],
    kept: impl Fn(usize, &Endpoint) -> String,
    tossed: impl Fn(usize, &Endpoint) -> String,
) {
    if let Some(seconds) = port.affinity() {
        for (at, endpoint) in endpoints.iter().enumerate() {
            let (named, own) = (kept(at, endpoint), port.endpoint_chain(endpoint));
            let rule = format!("{named}-m recent --name {own} --rcheck --seconds {seconds} --reap -j {own}");
            writer.nat.append(chain, &rule, &port.why(&format!("sessionAffinity, endpoint {endpoint}")));
        }
    }
    for (at, endpoint) in endpoints.iter().enumerate() {
        let choice = probability(endpoints.len() - at);
        let rule = format!("{}{choice}-j {}", tossed(at, endpoint), port.endpoint_chain(endpoint));
        writer.nat.append(chain, &rule, &port.why(&format!("endpoint {endpoint}")));
    }
}

/// The match that takes one in `left` of what comes by, with a blank behind it. The last endpoint takes all that the
/// others left. It has ten decimals, rounded as Go's `%0.10f` does: where two are equally near, to the even one.
fn probability(left: usize) -> String {
    const ONE: u64 = 10_000_000_000;
    let left = left as u64;
    if left == 1 {
        return String::new();
    }
    let (down, rest) = (ONE / left, ONE % left);
    let up = 2 * rest > left || 2 * rest == left && down % 2 == 1;
    format!("-m statistic --mode random --probability 0.{:010} ", down + u64::from(up))
}

/// Writes the chain of every endpoint that the node may send to.
pub(super) fn endpoint_chains(writer: &mut Writer<'_>, port: &PortRules<'_>) {
    let named = writer.unless_large(comment(&port.name));
    let protocol = port.port.protocol.lower();
    for endpoint in &port.endpoints.reachable {
        let why = port.why(&format!("endpoint {endpoint}"));
        let own = port.endpoint_chain(endpoint);
        writer.nat.chain(&own, &why);
        // A pod that reaches itself through its service must not see its own address as the sender.
        let itself = writer.address(endpoint.address);
        writer.nat.append(&own, &format!("{named}-s {itself} -j KUBE-MARK-MASQ"), &why);
        let kept = port.affinity().map_or_else(String::new, |_| format!("-m recent --name {own} --set "));
        let rule = format!("{named}{kept}-m {protocol} -p {protocol} -j DNAT --to-destination {endpoint}");
        writer.nat.append(&own, &rule, &why);
    }
}

#[cfg(test)]
mod tests {
    use super::probability;

    #[test]
    fn a_share_is_written_as_a_double_is() {
        // 1/2048 has eleven decimals, and lies between two of ten.
        for left in (2_u32..5_000).chain([8_192, 10_000, 30_000, 65_536, 99_999]) {
            let double = format!("-m statistic --mode random --probability {:.10} ", 1.0 / f64::from(left));
            assert_eq!(probability(left as usize), double, "{left}");
        }
        assert_eq!(probability(1), "");
    }
}
