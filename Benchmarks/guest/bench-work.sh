#!/bin/sh
# What one boot measures. Devices are told apart by their sizes in MiB. At each stop the host looks at its own counters, and sends a
# line when the guest may go on.
stop() {
    echo "guest: at $1"
    read -r _
}
device_of() {
    for device in /sys/block/pmem*; do
        [ "$(cat "$device/size")" != $(($1 * 2048)) ] || echo "/dev/${device##*/}"
    done
}
fill() {
    stop "$1"
    echo "guest: first $1 $(fill-device "$(device_of "$2")")"
    stop filled
    echo "guest: again $1 $(fill-device "$(device_of "$2")")"
}

mount -t ext4 -o dax "$(device_of "$nt_disk")" /mnt
export PATH=/mnt/bin:$PATH

# One write and one flush at a time; of the flushes the median in nanoseconds.
fio --name=flush --filename="$(device_of "$nt_flush")" --rw=write --bs=4k --size="${nt_flush}M" --direct=1 --fsync=1 \
    --time_based --runtime=3 --eta=never --output-format=json --output=/tmp/flush
echo "guest: flush $(sed -n '/"sync" *: *{/,$s/.*"50.000000" *: *\([0-9]*\).*/\1/p' /tmp/flush | head -n 1)"

fill huge "$nt_huge"
fill small "$nt_small"
fill ext4 "$nt_ext4"

/run/bench-steady /mnt/data
umount /mnt
