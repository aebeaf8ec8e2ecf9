//! kubelet: the few iptables rules that it keeps itself (`kubelet_network_linux.go`).

use super::kube_proxy::Layout;
use super::script::{Section, provenance};
use crate::kube::State;
use crate::netfilter::TableName;
use crate::netfilter::text::RestoreInput;

const AGENT: &str = "kubelet";
/// Since the fix of CVE-2020-8558 (1.18.4): with `route_localnet` on, neighbours could reach 127.0.0.1 of the node.
const NO_LOCALNET: &str = "-m comment --comment \"block incoming localnet connections\" --dst 127.0.0.0/8 \
     ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP";

/// The rules of kubelet, the same on every node. It starts before kube-proxy, whose jumps end up above its own.
///
/// It is of the release that kube-proxy is of.
pub fn rules(state: &State) -> RestoreInput {
    match Layout::of(state.cluster().kube_proxy) {
        Layout::V1_20 => rules_1_20(state),
        Layout::V1_36 => rules_1_36(),
    }
}

/// In 1.36 it guards the loopback addresses and nothing else: marking and masquerading are kube-proxy's.
fn rules_1_36() -> RestoreInput {
    let why = provenance(AGENT, "", "", None);
    let mut filter = Section::new(TableName::Filter);
    filter.chain("KUBE-FIREWALL", &why);
    filter.insert("OUTPUT", "-j KUBE-FIREWALL", &why);
    filter.insert("INPUT", "-j KUBE-FIREWALL", &why);
    filter.append("KUBE-FIREWALL", NO_LOCALNET, &why);
    let mut input = RestoreInput::default();
    filter.finish(&mut input);
    input
}

fn rules_1_20(state: &State) -> RestoreInput {
    let why = provenance(AGENT, "", "", None);
    let mut filter = Section::new(TableName::Filter);
    filter.chain("KUBE-FIREWALL", &why);
    filter.insert("OUTPUT", "-j KUBE-FIREWALL", &why);
    filter.insert("INPUT", "-j KUBE-FIREWALL", &why);
    filter.append(
        "KUBE-FIREWALL",
        "-m comment --comment \"kubernetes firewall for dropping marked packets\" \
         -m mark --mark 0x00008000/0x00008000 -j DROP",
        &why,
    );
    filter.append("KUBE-FIREWALL", NO_LOCALNET, &why);

    let mut nat = Section::new(TableName::Nat);
    for chain in ["KUBE-MARK-DROP", "KUBE-MARK-MASQ", "KUBE-POSTROUTING"] {
        nat.chain(chain, &why);
    }
    nat.insert("POSTROUTING", "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING", &why);
    nat.append("KUBE-MARK-DROP", "-j MARK --or-mark 0x00008000", &why);
    super::kube_proxy::masquerade_rules(state, &mut nat, &why);

    let mut input = RestoreInput::default();
    filter.finish(&mut input);
    nat.finish(&mut input);
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_jumps_and_rules_are_those_of_1_20() {
        let lines: Vec<_> = rules(&State::new(0)).lines.into_iter().map(|line| line.text).collect();
        let jumps: Vec<_> = lines.iter().filter(|line| line.starts_with("-I")).collect();
        assert_eq!(
            jumps,
            [
                "-I OUTPUT -j KUBE-FIREWALL",
                "-I INPUT -j KUBE-FIREWALL",
                "-I POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING"
            ]
        );
        assert_eq!(lines.iter().filter(|line| line.starts_with("-A KUBE-POSTROUTING")).count(), 3);
        assert!(lines.contains(&"-A KUBE-MARK-DROP -j MARK --or-mark 0x00008000".to_owned()));
    }
}
