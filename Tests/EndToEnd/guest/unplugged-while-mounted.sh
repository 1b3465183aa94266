#!/bin/sh
# Mounts /dev/pmem1 once it is plugged in, makes a file durable, and keeps it mounted while the device is unplugged.
until [ -b /dev/pmem1 ]; do usleep 2000; done
mount -t ext4 -o dax /dev/pmem1 /mnt || exit
echo "${nt_text-hello}" >/mnt/mounted
sync-file /mnt/mounted && sync-file /mnt || exit
echo "guest: mounted"
read -r _
echo "guest: went on"
