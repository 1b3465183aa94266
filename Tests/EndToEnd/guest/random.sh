#!/bin/sh
# What /dev/hwrng gives: of the device that is there from the start, and of one that the operator plugs and takes out again.
name() { cat /sys/class/misc/hw_random/rng_current; }

echo "guest: hwrng $(name) $(dd if=/dev/hwrng bs=64 count=16 iflag=fullblock 2>/dev/null | tr -cd 'needletail' | wc -c)"
echo "guest: waiting for a second"
until grep -q 'virtio_rng.1' /sys/class/misc/hw_random/rng_available; do usleep 50000; done
echo virtio_rng.1 >/sys/class/misc/hw_random/rng_current
echo "guest: hwrng $(name) $(dd if=/dev/hwrng bs=64 count=16 iflag=fullblock 2>/dev/null | wc -c)"
echo "guest: waiting for its end"
while grep -q 'virtio_rng.1' /sys/class/misc/hw_random/rng_available; do usleep 50000; done
echo "guest: hwrng $(name) $(dd if=/dev/hwrng bs=64 count=16 iflag=fullblock 2>/dev/null | wc -c)"
