#!/bin/sh
# Four programs write records at once on a DAX mount, two by write and fsync, two by stores and msync, and each says which of
# its records are durable ("record NAME N"). Made to be cut off.
mount -t ext4 -o dax "/dev/${nt_device-pmem0}" /mnt || exit
for name in write-1 store-1 write-2 store-2; do
    records "${name%-*}" "/mnt/$name" "${nt_count-4000}" "$name" || echo "guest: FAILED $name" &
done
wait
