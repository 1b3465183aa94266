#!/bin/sh
# Uses every /dev/pmem1 that is plugged in, $nt_cycles times: writes $nt_text into a file through DAX, unmounts it and says so;
# then waits until the device has gone.
cycle=1
while [ "$cycle" -le "${nt_cycles-1}" ]; do
    until [ -b /dev/pmem1 ]; do usleep 2000; done
    echo "guest: plugged $cycle $(cut -d ' ' -f 1 /proc/uptime) $(cat /sys/block/pmem1/size)"
    if mount -t ext4 -o dax /dev/pmem1 /mnt; then
        printf '%s %s\n' "${nt_text-hello}" "$cycle" >"/mnt/file$cycle"
        sync-file "/mnt/file$cycle"
        umount /mnt
    fi
    echo "guest: released $cycle"
    while [ -b /dev/pmem1 ]; do usleep 2000; done
    echo "guest: gone $cycle"
    cycle=$((cycle + 1))
done
