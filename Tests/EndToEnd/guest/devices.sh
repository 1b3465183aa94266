#!/bin/sh
# Prints one line per persistent memory device: its name, its size in bytes and the address of its region.
for device in /sys/block/pmem*; do
    region=$(readlink -f "$device/device/..")
    echo "guest: device ${device##*/} $(($(cat "$device/size") * 512)) $(cat "$region/resource" 2>/dev/null)"
done
echo "guest: processors $(grep -c ^processor /proc/cpuinfo)"
