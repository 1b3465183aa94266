#!/bin/sh
# Prints what the page cache holds (KiB) before and after the file /large on /dev/pmem0 is read, first with DAX, then without.
set -e
cached() {
    awk '$1 == "Cached:" { print $2 }' /proc/meminfo
}
for options in dax=always dax=never; do
    mount -t ext4 -o "ro,$options" "/dev/${nt_device-pmem0}" /mnt
    before=$(cached)
    cat /mnt/large >/dev/null
    echo "guest: cached $options $before $(cached)"
    umount /mnt
done
