#!/bin/sh
# Appends three records each to the ledgers /careful, /hasty and /forgetful (or those in $nt_manners, with commas between) on a DAX
# mount, each in its own manner, and waits for the power to be cut in the midst of a fourth. The forgetful one comes last, since
# whatever another one syncs is synced for all. For the same reason the journal is not to be committed meanwhile.
set -e
mount -t ext4 -o dax,commit=600,noatime /dev/pmem0 /mnt
for manner in $(echo "${nt_manners-careful,hasty,forgetful}" | tr ',' ' '); do
    ledger add "/mnt/$manner" "$manner" one two three >"/tmp/$manner" &
    until grep -q waits "/tmp/$manner"; do usleep 20000; done
    cat "/tmp/$manner"
done
echo "guest: cut the power"
sleep 1000
