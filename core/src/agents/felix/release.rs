//! What the releases of Felix differ in, as far as this model writes it.

use crate::kube::Version;

/// What a release of Felix does that v3.16 does not.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a change of its own, some releases having one without another"
)]
pub(super) struct Release {
    /// Chain `cali-cidr-block` ends `cali-FORWARD`: packets for service addresses that are told to routers by BGP and that
    /// kube-proxy has not taken must not go back to those routers.
    pub(super) blocks_service_cidrs: bool,
    /// What a process of the node sends to a service meets the host endpoint's policy after its destination has been
    /// rewritten: in mangle POSTROUTING. Its mark outlives the rule that accepts it.
    pub(super) host_policy_after_dnat: bool,
    /// The check of the way back heeds the mark: `rpfilter --validmark`.
    pub(super) valid_mark: bool,
    /// The jump in nat POSTROUTING stands at its end, behind that of kube-proxy.
    pub(super) nat_after_others: bool,
    /// The first rule of a policy's or profile's chain says in a comment which that is.
    pub(super) tells_chains: bool,
}

impl Release {
    /// What `version` does (felix, rules/static.go of branches release-v3.16 to release-v3.22).
    pub(super) fn of(version: Version) -> Self {
        let since = |minor| version >= Version::new(3, minor, 0);
        Self {
            blocks_service_cidrs: since(17),
            host_policy_after_dnat: since(18),
            valid_mark: since(19),
            nat_after_others: version >= Version::new(3, 21, 4),
            tells_chains: since(22),
        }
    }
}
