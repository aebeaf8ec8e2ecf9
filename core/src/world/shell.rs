//! What people type on a node, a pod or a host to look at it.

use super::{OpError, World};
use crate::agents::coredns::Asker;
use crate::agents::ingress_nginx::Config;
use crate::agents::{bird_cfg, coredns};
use crate::conntrack::Jiffies;
use crate::kube::{Serve, Version};
use crate::netfilter::TableName;
use crate::view::iptables::{ListOptions, ListStyle};
use crate::view::shell::{Command, Conntrack, File, Listing, ListingKind, Look};
use crate::{netfilter, view};

impl World {
    /// What a command prints at a place.
    pub(super) fn shell(&mut self, on: &str, command: &str) -> Result<String, OpError> {
        let command = Command::parse(command)
            .map_err(|error| OpError::new(error.problem, Some(error.hint).filter(|hint| !hint.is_empty())))?;
        let place = self.namespace_named(on)?;
        self.program(place)?;
        let text = self.look(on, place, &command.look)?;
        Ok(command.pipe.iter().fold(text, |text, grep| grep.filter(&text)))
    }

    fn look(&mut self, on: &str, place: usize, look: &Look) -> Result<String, OpError> {
        let namespace = self.network.get(place);
        let now = Jiffies::from(self.time);
        Ok(match look {
            Look::Iptables(listing) => self.listing(place, listing)?,
            Look::Save { table, counters } => {
                let tables = table.map_or_else(|| TableName::ALL.to_vec(), |table| vec![table]);
                let used = |name: &TableName| table.is_some() || !namespace.rules.table(*name).is_vacant();
                let tables: Vec<_> = tables.into_iter().filter(used).collect();
                netfilter::text::save(&namespace.rules, &tables, *counters)
            }
            Look::IpSets => namespace.sets.save(),
            Look::Conntrack(filter) => {
                let entries = namespace.conntrack.entries(now).filter(|entry| filter.picks(entry));
                view::conntrack::list(entries, now, view::conntrack::VERSION)
            }
            Look::Routes => view::route::route_n(&namespace.fib),
            Look::Addresses => view::ip::addresses(&namespace.devices),
            Look::IpRoutes => view::ip::routes(&namespace.fib),
            Look::RouteGet(to) => match namespace.way_to(*to) {
                Ok((route, source)) => {
                    let learnt = namespace.learnt_path_mtu(&route, *to, self.time);
                    view::ip::route_get(*to, &route, source, learnt)
                }
                Err(why) => format!("RTNETLINK answers: {why}\n"),
            },
            Look::Tcpdump(capture) => self.tcpdump(place, *capture)?,
            Look::Log => namespace.log.iter().map(|record| view::log::line(record) + "\n").collect(),
            Look::File(File::BirdCfg) => match bird_cfg::sessions(&self.state, on) {
                text if text.is_empty() => return Err(self.no_file(place, "bird.cfg", "only nodes have one")),
                text => text,
            },
            Look::File(File::ResolvConf) => {
                let asker = self.state.pod(on).map_or(Asker::Machine, Asker::Pod);
                match coredns::resolv_conf(&self.state, asker).to_string() {
                    text if text.is_empty() => {
                        let hint =
                            "pods have one; that of machines is made of `nameservers` and `searches` of the cluster";
                        return Err(self.no_file(place, "/etc/resolv.conf", hint));
                    }
                    text => text,
                }
            }
            Look::File(File::NginxConf) => {
                let mut containers = self.state.pod(on).into_iter().flat_map(|pod| pod.containers.iter());
                if !containers.any(|one| one.serve == Some(Serve::IngressNginx)) {
                    let hint = "only pods that `serve ingress-nginx` have one";
                    return Err(self.no_file(place, "/etc/nginx/nginx.conf", hint));
                }
                view::nginx::conf(&Config::of(&self.state))
            }
        })
    }

    /// Makes the table of connections of a place forget, and says what the command does.
    pub(super) fn conntrack(&mut self, on: &str, arguments: &str) -> Result<String, OpError> {
        let command = Conntrack::parse(arguments).map_err(|error| OpError::new(error.problem, Some(error.hint)))?;
        let place = self.namespace_named(on)?;
        self.program(place)?;
        let now = Jiffies::from(self.time);
        let table = &mut self.network.get_mut(place).conntrack;
        match command {
            Conntrack::List(filter) => {
                let entries = table.entries(now).filter(|entry| filter.picks(entry));
                Ok(view::conntrack::list(entries, now, view::conntrack::VERSION))
            }
            Conntrack::Delete(filter) => {
                let entries = table.entries(now).filter(|entry| filter.picks(entry));
                let text = view::conntrack::deleted(entries, now, view::conntrack::VERSION);
                table.remove_where(|entry| filter.picks(entry));
                Ok(text)
            }
            Conntrack::Flush => {
                table.remove_where(|_| true);
                Ok(view::conntrack::emptied(view::conntrack::VERSION))
            }
        }
    }

    fn no_file(&self, place: usize, file: &str, hint: &str) -> OpError {
        let problem = format!("{} has no {file} that the model knows", self.network.get(place).name);
        OpError::new(problem, Some(hint.to_owned()))
    }

    fn listing(&self, place: usize, listing: &Listing) -> Result<String, OpError> {
        let namespace = self.network.get(place);
        let rules = namespace.rules.table(listing.table);
        let chain = listing.chain.as_deref();
        if let Some(chain) = chain
            && rules.chain_id(chain).is_none()
        {
            let problem = format!("table {} on {} has no chain {chain}", listing.table, namespace.name);
            return Err(OpError::new(problem, None));
        }
        let old = self.state.cluster().iptables < Version::new(1, 8, 9);
        let options = ListOptions {
            style: if old { ListStyle::V1_6_1 } else { ListStyle::V1_8_9 },
            numeric: listing.numeric,
            verbose: listing.verbose,
            exact: listing.exact,
            line_numbers: listing.line_numbers,
        };
        Ok(match listing.kind {
            ListingKind::List => view::iptables::list_with(rules, chain, options),
            ListingKind::Rules => view::iptables::rules(rules, chain, listing.verbose),
        })
    }
}
