//! What `iptables-save` prints.
pub fn rule_text(_: &crate::netfilter::Rule, _: &crate::netfilter::Table) -> String {
    String::new()
}
