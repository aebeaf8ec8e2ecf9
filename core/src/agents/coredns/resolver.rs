//! The resolver of a pod or a machine: `/etc/resolv.conf` as kubelet writes it, and the names it tries.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::dns_address;
use crate::kube::{DnsPolicy, RunningPod, State, Version};
use crate::map::IndexSet;

/// kubelet's `options ndots` for pods that ask the cluster's DNS.
const CLUSTER_NDOTS: u8 = 5;
/// `options ndots` where nobody sets it (resolv.conf(5)).
const NDOTS: u8 = 1;
/// `RES_TIMEOUT`, in seconds.
const TIMEOUT: u8 = 5;
/// `RES_DFLRETRY`.
const ATTEMPTS: u8 = 2;

/// An `/etc/resolv.conf`, which it prints in the order of dockershim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// Whom to ask, in this order; nobody if the cluster has no DNS.
    pub nameservers: Vec<Ipv4Addr>,
    /// What to put behind a name, in this order.
    pub search: Vec<String>,
    /// A name with fewer dots is first tried with each of these. What is not set is not printed either.
    pub ndots: Option<u8>,
    /// How long one server is waited for, in seconds.
    pub timeout: Option<u8>,
    /// How often every server is asked.
    pub attempts: Option<u8>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// A pod.
    Pod(&'a RunningPod),
    /// A node, or a machine outside the cluster.
    Machine,
}

/// What glibc asks at most (`MAXNS` in `resolv.h`), and kubelet writes.
const MOST_NAMESERVERS: usize = 3;

/// Since this release kubelet writes more (the feature gate `ExpandedDNSConfig`, on by default).
const EXPANDED: Version = Version::new(1, 26, 0);
/// The most that kubelet writes behind `search`, and of how many characters with the blanks between them
/// (`validation.MaxDNSSearchPaths`, `MaxDNSSearchListChars`): until [`EXPANDED`], and since.
const MOST_SEARCHES: [(usize, usize); 2] = [(6, 256), (32, 2048)];
/// What is longer than a name can be it leaves out since then (`DNS1123SubdomainMaxLength`).
const LONGEST_SEARCH: usize = 253;

/// The `/etc/resolv.conf` of a pod (kubelet, `pkg/kubelet/network/dns`, `GetPodDNS`) or a machine.
pub fn resolv_conf(state: &State, asker: Asker<'_>) -> ResolvConf {
    let cluster = state.cluster();
    let mut conf = ResolvConf {
        nameservers: cluster.nameservers.iter().copied().take(MOST_NAMESERVERS).collect(),
        search: cluster.searches.clone(),
        ndots: None,
        timeout: None,
        attempts: None,
    };
    let Asker::Pod(pod) = asker else { return conf };
    match pod.dns.policy() {
        DnsPolicy::None => {
            conf.nameservers.clear();
            conf.search.clear();
        }
        DnsPolicy::Default => {}
        // "The cluster's DNS is not for pods of the node's network, unless they say so."
        DnsPolicy::ClusterFirst if pod.host_network => {}
        DnsPolicy::ClusterFirst | DnsPolicy::ClusterFirstWithHostNet => {
            let zone = &cluster.domain;
            conf.nameservers = dns_address(state).into_iter().collect();
            let own = [format!("{}.svc.{zone}", pod.namespace), format!("svc.{zone}"), zone.clone()];
            // Each is there once (`omitDuplicates`).
            let all: IndexSet<_> = own.into_iter().chain(conf.search).collect();
            conf.search = all.into_iter().collect();
            conf.ndots = Some(CLUSTER_NDOTS);
        }
    }
    for server in &pod.dns.nameservers {
        if !conf.nameservers.contains(server) {
            conf.nameservers.push(*server);
        }
    }
    for suffix in &pod.dns.searches {
        if !conf.search.contains(suffix) {
            conf.search.push(suffix.clone());
        }
    }
    conf.nameservers.truncate(MOST_NAMESERVERS);
    conf.search = fitting(conf.search, cluster.kube_proxy);
    conf.ndots = pod.dns.ndots.or(conf.ndots);
    conf.timeout = pod.dns.timeout;
    conf.attempts = pod.dns.attempts;
    conf
}

/// What kubelet leaves of a list of searches (`formDNSSearchFitsLimits`). It is of the release that kube-proxy is of.
fn fitting(mut search: Vec<String>, release: Version) -> Vec<String> {
    let expanded = release >= EXPANDED;
    let (most, characters) = MOST_SEARCHES[usize::from(expanded)];
    search.truncate(most);
    if expanded {
        search.retain(|suffix| suffix.len() <= LONGEST_SEARCH);
    }
    while !search.is_empty() && search.join(" ").len() > characters {
        search.pop();
    }
    search
}

impl ResolvConf {
    /// The names that are asked for in turn until one exists; each ends with a dot. A dot at the end of `name` says that
    /// nothing is missing from it.
    ///
    /// ```
    /// use netscene_core::agents::coredns::resolv_conf;
    /// use netscene_core::agents::coredns::Asker;
    /// use netscene_core::kube::{Cluster, Node, Object, Pod, State};
    /// let mut state = State::new(0);
    /// state.declare(Object::Node(Node::new("worker1", [10, 0, 0, 1])), None)?;
    /// state.declare(Object::Pod(Pod::new("default", "client")), None)?;
    /// let resolver = resolv_conf(&state, Asker::Pod(state.pod("client").unwrap()));
    /// let tried = resolver.candidates("wordpress-db");
    /// assert_eq!(tried[0], "wordpress-db.default.svc.cluster.local.");
    /// assert_eq!(tried[3], "wordpress-db.");
    /// assert_eq!(resolver.candidates("wordpress-db.").len(), 1);
    /// # Ok::<(), netscene_core::world::OpError>(())
    /// ```
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let as_it_is = format!("{name}.");
        let mut names: Vec<_> = self.search.iter().map(|suffix| format!("{name}.{suffix}.")).collect();
        let dots = usize::from(self.ndots.unwrap_or(NDOTS));
        let place = if name.matches('.').count() < dots { names.len() } else { 0 };
        names.insert(place, as_it_is);
        names
    }

    /// How often every server is asked.
    pub fn rounds(&self) -> u32 {
        self.attempts.unwrap_or(ATTEMPTS).max(1).into()
    }

    /// How long the server at a place of the list is waited for: the second twice as long and the third four times, shared
    /// among all (glibc, `res_send.c`).
    pub fn patience(&self, server: usize) -> Duration {
        let seconds = u64::from(self.timeout.unwrap_or(TIMEOUT)) << server;
        let share = if server > 0 { seconds / self.nameservers.len().max(1) as u64 } else { seconds };
        Duration::from_secs(share.max(1))
    }
}

impl fmt::Display for ResolvConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for nameserver in &self.nameservers {
            writeln!(f, "nameserver {nameserver}")?;
        }
        if !self.search.is_empty() {
            writeln!(f, "search {}", self.search.join(" "))?;
        }
        let options = [("ndots", self.ndots), ("timeout", self.timeout), ("attempts", self.attempts)];
        let options: Vec<_> =
            options.iter().filter_map(|(name, value)| Some(format!("{name}:{}", (*value)?))).collect();
        if options.is_empty() { Ok(()) } else { writeln!(f, "options {}", options.join(" ")) }
    }
}
