#!/bin/sh
# Installs what the kernel suite runs: the Debian packages with iptables, ip, conntrack and ipset, and the Linux that runs as a
# process, whose modules kmod loads. Says nothing and does nothing where they are there.
set -eu
missing=
for pair in iptables-legacy:iptables iptables-nft:iptables nft:nftables ip:iproute2 conntrack:conntrack ipset:ipset \
    linux.uml:user-mode-linux modprobe:kmod; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # the names are to be split
apt-get install -y -qq --no-install-recommends $missing >/dev/null
