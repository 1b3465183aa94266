#!/bin/sh
# Prints each virtio device's identifier and the features that it and the driver agreed on, the first bit first.
for device in /sys/bus/virtio/devices/*; do
    echo "guest: features $(cat "$device/device") $(cat "$device/features")"
done
