#!/bin/sh
# Says when each of $nt_count devices that are plugged in one after the other is there.
number=1
echo "guest: waiting"
while [ "$number" -le "$nt_count" ]; do
    await-device "/dev/pmem$number"
    echo "guest: plugged $number"
    number=$((number + 1))
done
read -r _
