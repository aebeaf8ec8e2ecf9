//! MetalLB's own kinds: the columns that its CRDs ask for (`additionalPrinterColumns`), and what kubectl's describer of kinds
//! that it does not know tells (`GenericDescriber`).

use std::fmt;

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, key};
use crate::kube::{Declared, IpAddressPool, L2Advertisement, LabelRequirement, LabelSelector, Labels};

pub(super) const POOL_COLUMNS: Columns = Columns { usual: &["AUTO ASSIGN", "AVOID BUGGY IPS", "ADDRESSES"], wide: &[] };

pub(super) const ADVERTISEMENT_COLUMNS: Columns =
    Columns { usual: &["IPADDRESSPOOLS", "IPADDRESSPOOL SELECTORS", "INTERFACES"], wide: &["NODE SELECTORS"] };

pub(super) fn pool_rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<IpAddressPool>| {
        let pool = &declared.object;
        let usual = vec![pool.auto_assign.to_string(), pool.avoid_buggy_ips.to_string(), list(&pool.addresses)];
        Row { labels: pool.labels.clone(), ..Row::new(&pool.namespace, &pool.name, usual) }
    };
    cluster.state.ip_address_pools().map(row).collect()
}

pub(super) fn advertisement_rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<L2Advertisement>| {
        let one = &declared.object;
        let usual = vec![list(&one.ip_address_pools), selectors(&one.ip_address_pool_selectors), list(&one.interfaces)];
        let wide = vec![selectors(&one.node_selectors)];
        Row { labels: one.labels.clone(), wide, ..Row::new(&one.namespace, &one.name, usual) }
    };
    cluster.state.l2_advertisements().map(row).collect()
}

/// A list as a column of a custom resource shows it, in JSON; nothing where the object does not have it. None of these texts
/// has anything in it that JSON would escape.
fn list<T: fmt::Display>(list: &[T]) -> String {
    if list.is_empty() { String::new() } else { format!("[{}]", quoted(list)) }
}

fn quoted<T: fmt::Display>(list: &[T]) -> String {
    list.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(",")
}

/// The same of selectors; Go writes the keys of a mapping in order.
fn selectors(list: &[LabelSelector]) -> String {
    let requirement = |one: &LabelRequirement| {
        let values = Some(format!(",\"values\":[{}]", quoted(&one.values))).filter(|_| !one.values.is_empty());
        let operator = one.operator.as_str();
        format!("{{\"key\":\"{}\",\"operator\":\"{operator}\"{}}}", one.key, values.unwrap_or_default())
    };
    let selector = |one: &LabelSelector| {
        let expressions: Vec<_> = one.match_expressions.iter().map(requirement).collect();
        let mut labels: Vec<_> = one.match_labels.iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
        labels.sort();
        let expressions =
            (!expressions.is_empty()).then(|| format!("\"matchExpressions\":[{}]", expressions.join(",")));
        let labels = (!labels.is_empty()).then(|| format!("\"matchLabels\":{{{}}}", labels.join(",")));
        format!("{{{}}}", expressions.into_iter().chain(labels).collect::<Vec<_>>().join(","))
    };
    let all: Vec<_> = list.iter().map(selector).collect();
    if all.is_empty() { String::new() } else { format!("[{}]", all.join(",")) }
}

pub(super) fn describe_pool(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let mut pools = cluster.state.ip_address_pools().map(|declared| &declared.object);
    let pool = pools.find(|pool| key(&pool.namespace, &pool.name) == of)?;
    let mut sheet = head("IPAddressPool", &pool.namespace, &pool.name, &pool.labels);
    lines(&mut sheet, "Addresses", pool.addresses.iter().map(ToString::to_string));
    sheet.line(&format!("  Auto Assign:\t{}", pool.auto_assign));
    // So it makes words of `avoidBuggyIPs` (`smartLabelFor`).
    sheet.line(&format!("  Avoid Buggy I Ps:\t{}", pool.avoid_buggy_ips));
    if let Some(allocation) = &pool.service_allocation {
        sheet.line("  Service Allocation:");
        sheet.line(&format!("    Priority:\t{}", allocation.priority));
        for (title, given) in [
            ("Namespaces", list(&allocation.namespaces)),
            ("Namespace Selectors", selectors(&allocation.namespace_selectors)),
            ("Service Selectors", selectors(&allocation.service_selectors)),
        ] {
            if !given.is_empty() {
                sheet.line(&format!("    {title}:\t{given}"));
            }
        }
    }
    sheet.events();
    Some(sheet)
}

pub(super) fn describe_advertisement(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let mut all = cluster.state.l2_advertisements().map(|declared| &declared.object);
    let one = all.find(|one| key(&one.namespace, &one.name) == of)?;
    let mut sheet = head("L2Advertisement", &one.namespace, &one.name, &one.labels);
    lines(&mut sheet, "Interfaces", one.interfaces.iter().map(ToString::to_string));
    lines(&mut sheet, "Ip Address Pools", one.ip_address_pools.iter().cloned());
    for (title, given) in [
        ("Ip Address Pool Selectors", selectors(&one.ip_address_pool_selectors)),
        ("Node Selectors", selectors(&one.node_selectors)),
    ] {
        if !given.is_empty() {
            sheet.line(&format!("  {title}:\t{given}"));
        }
    }
    sheet.events();
    Some(sheet)
}

fn head(kind: &str, namespace: &str, name: &str, labels: &Labels) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("Name", name);
    sheet.field("Namespace", namespace);
    sheet.labels("Labels", labels);
    sheet.field("API Version", "metallb.io/v1beta1");
    sheet.field("Kind", kind);
    sheet.line("Spec:");
    sheet
}

fn lines(sheet: &mut Sheet, title: &str, values: impl Iterator<Item = String>) {
    let mut values = values.peekable();
    if values.peek().is_some() {
        sheet.line(&format!("  {title}:"));
        values.for_each(|value| sheet.line(&format!("    {value}")));
    }
}
