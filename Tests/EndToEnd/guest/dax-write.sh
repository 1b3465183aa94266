#!/bin/sh
# Mounts /dev/pmem0 (or $nt_device) with DAX and writes $nt_text into /file there, followed by fsync. Without unmounting,
# unless nt.unmount=yes: what was fsynced has to be there anyway.
set -e
device=/dev/${nt_device-pmem0}
mount -t ext4 -o dax "$device" /mnt
grep " /mnt " /proc/mounts
printf '%s\n' "${nt_text-hello}" >/mnt/file
sync-file /mnt/file
sync-file /mnt
echo "guest: written"
[ "$nt_unmount" != yes ] || umount /mnt
