#!/bin/sh
# All that a machine is: its files, accounts, packages, services, ports and firewall, a line each. What a machine writes by itself is left out.
set -u
export LC_ALL=C
find / -xdev \( -path /tmp -o -path /run -o -path /var/log -o -path /var/lib/systemd -o -path '/home/*/.ansible' -o -path /root/.ansible \) -prune \
  -o \( -type f -o -type l \) -printf 'file %p %m %u %g %s %T@ %l\n' | sort
sed 's/^/account /' /etc/passwd /etc/group
dpkg-query --show --showformat 'package ${Package} ${Version}\n'
systemctl list-unit-files --no-legend --no-pager | sed 's/^/unit /'
awk '$4 == "0A" { print "port", $2 }' /proc/net/tcp /proc/net/tcp6 | sort
cat /proc/net/ip_tables_names 2>/dev/null | sed 's/^/firewall /'
nft list ruleset 2>/dev/null | sed 's/^/firewall /'
docker ps --all 2>/dev/null | sed 's/^/container /'
true
