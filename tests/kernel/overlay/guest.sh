#!/bin/sh
# The init of the guest, a Linux that runs as a process of this machine (User Mode Linux). Its / is the machine's, for reading
# only; RESULTS, given on the kernel's command line like TESTS, is for writing too. It runs the overlay's scenarios, and halts.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/results /run/modules/lib
mount -t hostfs -o "$RESULTS" none /run/results
exec >/run/results/log 2>&1

# The kernel loads its modules by this command. They are not where those of the machine's kernel would be.
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
for module in ipip ip_tables iptable_raw iptable_mangle iptable_nat iptable_filter nfnetlink_log nf_conntrack_netlink; do
    /run/modprobe "$module"
done

NETSCENE_GUEST=/run/results "$TESTS" overlay:: --test-threads 1
echo o >/proc/sysrq-trigger
sleep 60
