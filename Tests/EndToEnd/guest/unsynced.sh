#!/bin/sh
# Makes a store durable; after a line on the console stores again, into the same file and into blocks never used before, without
# any flush; then waits to be ended.
set -e
mount -t ext4 -o dax,commit=600 /dev/pmem0 /mnt
mapwrite /mnt/mapped before
sync-file /mnt
echo "guest: synced"
read -r line
mapwrite /mnt/mapped behind nosync
dd if=/dev/zero of=/mnt/new bs=64k count=16 2>/dev/null
echo "guest: unsynced"
sleep 1000
