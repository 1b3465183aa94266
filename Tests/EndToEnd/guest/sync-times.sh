#!/bin/sh
# Measures msync of one page on DAX mounts of $nt_devices (such as pmem0,pmem1), $nt_count times each (200 if not given), by turns,
# $nt_rounds times (1).
set -e
devices=$(echo "${nt_devices-pmem0}" | tr ',' ' ')
for device in $devices; do
    mkdir -p "/tmp/$device"
    mount -t ext4 -o dax "/dev/$device" "/tmp/$device"
done
round=0
while [ $round -lt "${nt_rounds-1}" ]; do
    for device in $devices; do
        echo "guest: $device $(sync-times "/tmp/$device/times" "${nt_count-200}")"
    done
    round=$((round + 1))
done
