#!/bin/sh
# After a line on the console reads all of /dev/pmem0.
echo "guest: waiting"
read -r line
dd if=/dev/pmem0 of=/dev/null bs=64k 2>/dev/null
echo "guest: read it all"
