//! The resolver in a pod: `/etc/resolv.conf`, and the names it tries.

use std::fmt;
use std::net::Ipv4Addr;

use super::dns_address;
use crate::kube::State;

/// kubelet's `options ndots` for pods (`dnsPolicy: ClusterFirst`).
const NDOTS: usize = 5;

/// A pod's `/etc/resolv.conf`, which it prints in the order of dockershim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// Whom to ask; nobody if the cluster has no DNS.
    pub nameserver: Option<Ipv4Addr>,
    /// What to put behind a name, in this order.
    pub search: Vec<String>,
    /// A name with fewer dots is first tried with each of these.
    pub ndots: usize,
}

/// `/etc/resolv.conf` of the pods of `namespace`.
pub fn resolv_conf(state: &State, namespace: &str) -> ResolvConf {
    let zone = &state.cluster().domain;
    ResolvConf {
        nameserver: dns_address(state),
        search: vec![format!("{namespace}.svc.{zone}"), format!("svc.{zone}"), zone.clone()],
        ndots: NDOTS,
    }
}

impl ResolvConf {
    /// The names that are asked for in turn until one exists; each ends with a dot. A dot at the end of `name` says that
    /// nothing is missing from it.
    ///
    /// ```
    /// use netscene_core::agents::coredns::resolv_conf;
    /// use netscene_core::kube::State;
    /// let resolver = resolv_conf(&State::new(0), "default");
    /// let tried = resolver.candidates("wordpress-db");
    /// assert_eq!(tried[0], "wordpress-db.default.svc.cluster.local.");
    /// assert_eq!(tried[3], "wordpress-db.");
    /// assert_eq!(resolver.candidates("wordpress-db.").len(), 1);
    /// ```
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let as_it_is = format!("{name}.");
        let mut names: Vec<_> = self.search.iter().map(|suffix| format!("{name}.{suffix}.")).collect();
        let place = if name.matches('.').count() < self.ndots { names.len() } else { 0 };
        names.insert(place, as_it_is);
        names
    }
}

impl fmt::Display for ResolvConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nameserver) = self.nameserver {
            writeln!(f, "nameserver {nameserver}")?;
        }
        writeln!(f, "search {}", self.search.join(" "))?;
        writeln!(f, "options ndots:{}", self.ndots)
    }
}
