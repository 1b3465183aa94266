#!/bin/sh
# Says that the guest is alive, again and again, for as long as somebody lets it.
count=0
while true; do
    count=$((count + 1))
    echo "guest: tick $count"
    sleep 1
done
