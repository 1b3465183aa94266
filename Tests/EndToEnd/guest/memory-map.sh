#!/bin/sh
# Prints the guest's memory map as Linux sees it: "map START-END NAME", addresses in hexadecimal.
sed -n 's/^ *\([0-9a-f]*-[0-9a-f]*\) : \(System RAM\|namespace[0-9.]*\)/guest: map \1 \2/p' /proc/iomem
