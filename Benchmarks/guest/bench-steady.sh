#!/bin/sh
# Reads and writes a file of 96 MiB through a shared mapping, in order and at random; KiB per second of each. It runs in the guest
# and, to compare, on the host.
set -- "$1" $(fio --eta=never --output-format=terse --terse-version=3 --filename="$1" --ioengine=mmap --bs=4k --size=96M \
    --time_based --runtime="${nt_runtime-3}" --ramp_time=1 --norandommap --randrepeat=1 --fsync_on_close=0 --stonewall \
    --name=sequential-write --rw=write --name=sequential-read --rw=read \
    --name=random-write --rw=randwrite --name=random-read --rw=randread |
    awk -F ';' '/^3;/ { print $3 "=" ($7 + $48) }')
shift
for result in "$@"; do
    echo "guest: steady $result"
done
