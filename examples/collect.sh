#!/bin/sh
# What a node's network is, for `scn walk --node DIR`. Run it as root on the node: sh collect.sh [DIR]
# Without root it gets what it may; what it did not get stands in DIR/not-collected.txt.
dir=${1:-$(uname -n)}
mkdir -p "$dir" && : >"$dir/not-collected.txt" || exit 1
get() { # FILE COMMAND...
    file=$dir/$1 && shift
    if ! why=$("$@" 2>&1 >"$file"); then
        echo "$*: $(echo "$why" | tail -n 1)" | tee -a "$dir/not-collected.txt" >&2
        [ -s "$file" ] || rm -f "$file"
    fi
}
PATH=$PATH:/usr/sbin:/sbin
get uname.txt uname -r
for back_end in nft legacy; do get iptables-$back_end-save.txt iptables-$back_end-save -c; done
[ -s "$dir/iptables-nft-save.txt" ] || [ -s "$dir/iptables-legacy-save.txt" ] || get iptables-save.txt iptables-save -c
get ipset-save.txt ipset save
get nft-tables.txt nft list tables
get ip-addr.txt ip addr
get ip-link.txt ip -d link
get ip-route.txt ip route show table all
get ip-rule.txt ip rule
get ip-neigh.txt ip neigh
get sysctl.txt sysctl -a
get ss.txt ss -lntup
if [ -s "${KUBECONFIG:-$HOME/.kube/config}" ]; then get objects.yaml kubectl get services,pods,namespaces -A -o yaml; fi
get conntrack.txt conntrack -L # last: what it says of ages is of this moment
[ -s "$dir/not-collected.txt" ] || rm -f "$dir/not-collected.txt"
