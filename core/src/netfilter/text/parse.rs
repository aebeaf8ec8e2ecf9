//! The arguments of the `iptables` command.
