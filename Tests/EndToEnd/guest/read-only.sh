#!/bin/sh
# Mounts /dev/pmem0 without writing to it and prints /file; then tries to overwrite the superblock.
set -e
mount -t ext4 -o ro,noload,dax /dev/pmem0 /mnt
echo "guest: file $(cat /mnt/file)"
umount /mnt
if dd if=/dev/zero of=/dev/pmem0 bs=4096 count=1 conv=fsync 2>/dev/null; then
    echo "guest: write accepted"
else
    echo "guest: write refused"
fi
