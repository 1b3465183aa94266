#!/bin/sh
# Counts boots in /count on /dev/pmem0, durably; ends the first boot as the first word of $nt_ends says, and so on.
set -e
mount -t ext4 -o dax /dev/pmem0 /mnt
count=$(($(cat /mnt/count 2>/dev/null || echo 0) + 1))
echo $count >/mnt/count
sync-file /mnt/count
sync-file /mnt
echo "guest: boot $count"
case $(echo "$nt_ends" | cut -d , -f $count) in
reboot) reboot -f ;;
panic) echo c >/proc/sysrq-trigger ;;
*) poweroff -f ;;
esac
