"""What three minutes suffice for: counted instructions, and ratios of a few rounds. Prints rows; noise fails nothing."""

import os
import subprocess

import flush
import instructions
import memory
import start_time
from everything import folders
from guest_console import GuestFailed
from measure import median, ratios, say


def ratio(name, samples, ours, theirs, unit):
    print(
        f"bench: {name}: {median(samples[ours]):.3g} {unit}, {theirs} {median(samples[theirs]):.3g} {unit}, "
        f"ratio {median(ratios(samples[ours], samples[theirs])):.3g}",
        flush=True,
    )


def start(tmpfs, _):
    samples = start_time.measure(tmpfs, 5, device_counts=(1, 28), sizes=("64M",))
    ratio("start, 1 device", samples, "needletail/1/64M", "qemu-microvm/1/64M", "ms")
    ratio("start, 1 device", samples, "needletail/1/64M", "floor", "ms")
    ratio("start, 28 devices", samples, "needletail/28/64M", "needletail/1/64M", "ms")


def flushes(tmpfs, _):
    samples = flush.round_trips(os.path.join(tmpfs, "flush.img"), 5, 200)
    ratio("flush, 1 outstanding, tmpfs", samples, "needletail", "qemu-q35", "us")


def batches(_, ext4):
    path = os.path.join(ext4, "flush.img")
    ratio(
        "flushes per second, 64 outstanding, ext4", flush.batches(path, 3, 5, counts=(64,)), "needletail/64", "qemu-q35/64", "/s"
    )
    for name, count in flush.syncs_per_batch(path, 5).items():
        print(f"bench: syncs per 64 requests: {name} {count[0]:.3g}", flush=True)


def memories(tmpfs, _):
    samples = memory.measure(tmpfs, 1)
    ratio("memory beside the guest's", samples, "needletail", "qemu-microvm", "MiB")


def counts(tmpfs, _):
    for name, number in instructions.measure(tmpfs).items():
        print(f"bench: instructions, {name}: {number[0]:.2f} million", flush=True)


def main():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("bench: nothing measured: /dev/kvm is missing, or not for this user")
        return
    with folders() as (tmpfs, ext4):
        for part in (counts, start, flushes, batches, memories):
            say(part.__name__)
            try:
                part(tmpfs, ext4)
            except (GuestFailed, OSError, subprocess.SubprocessError) as error:
                print(f"bench: {part.__name__}: not measured: {error}", flush=True)


if __name__ == "__main__":
    main()
