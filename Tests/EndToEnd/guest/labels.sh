#!/bin/sh
# Writes a label of its own into the first and the last block of every persistent memory device, durably.
set -e
for device in /dev/pmem*; do
    name=${device##*/}
    blocks=$(($(cat "/sys/block/$name/size") / 8))
    for block in 0 $((blocks - 1)); do
        printf '%-4096s' "label $name $block" | dd of="$device" bs=4096 seek=$block count=1 conv=fsync 2>/dev/null
    done
done
echo "guest: labelled"
