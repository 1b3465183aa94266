#!/bin/sh
# Prints for each virtio-pmem device whether its driver took the shared memory region (feature bit 0), and where its BAR 4 is:
# "shared 1 0xc000000000 0xc03fffffff".
for device in /sys/bus/virtio/devices/*; do
    taken=$(cut -c 1 "$device/features")
    # shellcheck disable=SC2046 # the fifth line: start, end and flags
    set -- $(sed -n 5p "$(readlink -f "$device/..")/resource")
    echo "guest: shared $taken $(printf '0x%x 0x%x' "$1" "$2")"
done
