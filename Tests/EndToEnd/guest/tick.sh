#!/bin/sh
# Says that the guest is alive, again and again, until the machine ends.
count=0
while true; do
    count=$((count + 1))
    echo "guest: tick $count"
    sleep 1
done
