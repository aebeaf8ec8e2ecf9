//! What the kernel checks when it takes a table over: where a target or match may stand, and that jumps do not loop
//! (`mark_source_chains` in `ip_tables.c`, `xt_check_target` and `xt_check_match` in `x_tables.c`).

use super::apply::called;
use crate::netfilter::{Chain, ChainId, Hook, Match, Rule, Table, TableName, Target, Tcpmss};

/// A rule that cannot be where it is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) chain: ChainId,
    /// Its place, from 0.
    pub(super) rule: usize,
    pub(super) problem: String,
}

/// A set of hooks, one bit each.
type Hooks = u8;

const fn bit(hook: Hook) -> Hooks {
    1 << hook as u8
}

const fn bits(hooks: &[Hook]) -> Hooks {
    let mut set = 0;
    let mut at = 0;
    while at < hooks.len() {
        set |= bit(hooks[at]);
        at += 1;
    }
    set
}

/// What is wrong with `rule` in any chain of that table.
pub(super) fn rule(table: TableName, rule: &Rule) -> Option<String> {
    let (name, home) = match &rule.target {
        Target::Dnat(_) => ("DNAT", TableName::Nat),
        Target::Snat(_) => ("SNAT", TableName::Nat),
        Target::Masquerade { .. } => ("MASQUERADE", TableName::Nat),
        Target::Redirect { .. } => ("REDIRECT", TableName::Nat),
        Target::Netmap(_) => ("NETMAP", TableName::Nat),
        Target::Reject(_) => ("REJECT", TableName::Filter),
        Target::Notrack { .. } => ("NOTRACK", TableName::Raw),
        Target::Ct(_) => ("CT", TableName::Raw),
        Target::Trace => ("TRACE", TableName::Raw),
        Target::Tos { .. } => ("TOS", TableName::Mangle),
        Target::Dscp(_) => ("DSCP", TableName::Mangle),
        Target::Ttl(_) => ("TTL", TableName::Mangle),
        _ if table != TableName::Raw && table != TableName::Mangle && uses_rpfilter(rule) => {
            return Some("`-m rpfilter` is only for the tables raw and mangle".to_owned());
        }
        _ => return None,
    };
    (table != home).then(|| format!("`{name}` is only for table {home}, and this is {table}"))
}

fn uses_rpfilter(rule: &Rule) -> bool {
    rule.matches.iter().any(|found| matches!(found, Match::Rpfilter(_)))
}

/// The first rule of the table that the kernel would refuse.
pub(super) fn table(table: &Table) -> Result<(), Fault> {
    let order = callers_first(table)?;
    let mut reached: Vec<Hooks> = vec![0; order.iter().map(|id| id.0 as usize + 1).max().unwrap_or(0)];
    for &hook in table.name.hooks() {
        if let Some(id) = table.builtin(hook) {
            reached[id.0 as usize] = bit(hook);
        }
    }
    for id in order {
        let from = reached[id.0 as usize];
        let rules = table.chain(id).map(Chain::rules).unwrap_or_default();
        for (at, rule) in rules.iter().enumerate() {
            if let Some(to) = called(rule) {
                reached[to.0 as usize] |= from;
            }
            if let Some(problem) = misplaced(rule, from) {
                return Err(Fault { chain: id, rule: at, problem });
            }
        }
    }
    Ok(())
}

/// What `rule` does in a chain that is reached from these hooks and should not be.
fn misplaced(rule: &Rule, from: Hooks) -> Option<String> {
    const SENDING: Hooks = bits(&[Hook::Output, Hook::Postrouting]);
    const RECEIVING: Hooks = bits(&[Hook::Prerouting, Hook::Input]);
    let refuse = |name: &str, allowed: Hooks| {
        let all = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
        let wrong = all.into_iter().find(|&hook| from & !allowed & bit(hook) != 0)?;
        Some(format!("`{name}` cannot be reached from {wrong}, and this chain is"))
    };
    let target = match &rule.target {
        Target::Dnat(_) => refuse("DNAT", bits(&[Hook::Prerouting, Hook::Output])),
        Target::Snat(_) => refuse("SNAT", bits(&[Hook::Input, Hook::Postrouting])),
        Target::Masquerade { .. } => refuse("MASQUERADE", bits(&[Hook::Postrouting])),
        Target::Redirect { .. } => refuse("REDIRECT", bits(&[Hook::Prerouting, Hook::Output])),
        Target::Tcpmss(Tcpmss::ClampToPmtu) => refuse("TCPMSS --clamp-mss-to-pmtu", SENDING | bit(Hook::Forward)),
        Target::Reject(_) => refuse("REJECT", bits(&[Hook::Input, Hook::Forward, Hook::Output])),
        _ => None,
    };
    target.or_else(|| {
        rule.matches.iter().find_map(|found| match found {
            Match::Rpfilter(_) => refuse("-m rpfilter", bits(&[Hook::Prerouting])),
            Match::Owner(_) => refuse("-m owner", SENDING),
            Match::Physdev(physdev) if physdev.out_device.is_some() || physdev.is_out.is_some() => {
                // `physdev_mt_check`, unless `--physdev-is-bridged` says that it is one.
                let local = if physdev.is_bridged == Some(false) { 0 } else { bit(Hook::Output) };
                refuse("--physdev-out", !local)
            }
            Match::Addrtype(addrtype) if addrtype.limit_in => refuse("--limit-iface-in", !SENDING),
            Match::Addrtype(addrtype) if addrtype.limit_out => refuse("--limit-iface-out", !RECEIVING),
            _ => None,
        })
    })
}

/// Every chain, each before those it jumps to.
fn callers_first(table: &Table) -> Result<Vec<ChainId>, Fault> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        Open,
        Done,
    }
    let size = table.chains().map(|(id, _)| id.0 as usize + 1).max().unwrap_or(0);
    let mut seen = vec![Seen::Never; size];
    let mut done = Vec::with_capacity(size);
    for (start, _) in table.chains() {
        if seen[start.0 as usize] != Seen::Never {
            continue;
        }
        seen[start.0 as usize] = Seen::Open;
        // The chains being gone through, each with the rule to be looked at next.
        let mut path = vec![(start, 0)];
        while let Some((id, mut at)) = path.pop() {
            let rules = table.chain(id).map(Chain::rules).unwrap_or_default();
            let mut deeper = None;
            while let Some(rule) = rules.get(at)
                && deeper.is_none()
            {
                at += 1;
                let Some(to) = called(rule) else { continue };
                match seen[to.0 as usize] {
                    Seen::Done => {}
                    Seen::Never => deeper = Some(to),
                    Seen::Open => {
                        let name = table.chain(to).map_or("", |chain| &chain.name);
                        let problem = format!("the jump to `{name}` makes a loop");
                        return Err(Fault { chain: id, rule: at - 1, problem });
                    }
                }
            }
            if let Some(to) = deeper {
                seen[to.0 as usize] = Seen::Open;
                path.extend([(id, at), (to, 0)]);
            } else {
                seen[id.0 as usize] = Seen::Done;
                done.push(id);
            }
        }
    }
    done.reverse();
    Ok(done)
}
