//! What `iptables-save` prints.
