#!/bin/sh
# Writes $nt_count records (1000000 if not given) to /records on a DAX mount; says after each that it is durable. Made to be cut off.
set -e
mount -t ext4 -o dax "/dev/${nt_device-pmem0}" /mnt
records write /mnt/records "${nt_count-1000000}"
umount /mnt
