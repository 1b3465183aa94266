#!/bin/sh
# The guest's part of Scripts/demo: shows each command and what it answers.
say() { echo "guest: $*"; }
show() {
    say "\$ $*"
    "$@" 2>&1 | sed 's/^/guest:   /'
}
cached() {
    awk '$1 == "Cached:" { print $2 }' /proc/meminfo
}
# `read_large WORDS`: reads the file and tells what became of the page cache.
read_large() {
    before=$(cached)
    say "\$ cat /mnt/large >/dev/null"
    cat /mnt/large >/dev/null
    after=$(cached)
    say "  page cache before: $((before / 1024)) MiB, after: $((after / 1024)) MiB   ($1)"
    say "=cached $2 $before $after"
}

say "$(uname -sr), $(($(awk '/MemTotal/ { print $2 }' /proc/meminfo) / 1024)) MiB of memory, $(grep -c ^processor /proc/cpuinfo) processors"
say "$ ls /dev/pmem*"
for device in /dev/pmem*; do
    say "  $device   $(($(cat "/sys/block/${device##*/}/size") / 2048)) MiB"
done
say
say "With DAX, a file is mapped where the device has it, in the host's page cache:"
show mount -t ext4 -o dax /dev/pmem0 /mnt
show grep /mnt /proc/mounts
show ls -lh /mnt/large
read_large "nothing was copied" dax
show umount /mnt
say
say "Without DAX, the guest keeps a copy of its own:"
show mount -t ext4 -o dax=never /dev/pmem0 /mnt
show grep /mnt /proc/mounts
read_large "a second copy of every page" copied
show umount /mnt
say
say "A second device, while the guest runs. Typed at the monitor (Ctrl-A c):"
say "=plug"
until [ -b /dev/pmem1 ]; do usleep 20000; done
say "$ ls /dev/pmem*"
for device in /dev/pmem*; do
    say "  $device   $(($(cat "/sys/block/${device##*/}/size") / 2048)) MiB"
done
say
say "Now something to keep, on both devices. No unmount afterwards: fsync has to be enough."
for number in 0 1; do
    mkdir -p /tmp/disk$number
    show mount -t ext4 -o dax /dev/pmem$number /tmp/disk$number
    text="written by a guest on pmem$number"
    say "\$ echo '$text' >/tmp/disk$number/message; fsync"
    echo "$text" >/tmp/disk$number/message
    sync-file /tmp/disk$number/message || say "fsync FAILED"
    sync-file /tmp/disk$number || say "fsync FAILED"
done
say "\$ poweroff -f"
