#!/bin/sh
# Mounts /dev/pmem0 (or $nt_device) with DAX and prints what an earlier guest wrote to /file there.
set -e
mount -t ext4 -o dax "/dev/${nt_device-pmem0}" /mnt
echo "guest: file $(cat /mnt/file)"
umount /mnt
