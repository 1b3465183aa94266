#!/bin/sh
# Asks for a mapping with MAP_SYNC of a file on a DAX mount, which virtio-pmem has to refuse.
set -e
mount -t ext4 -o dax "/dev/${nt_device-pmem0}" /mnt
: >/mnt/mapped
echo "guest: MAP_SYNC $(mapsync /mnt/mapped)"
umount /mnt
