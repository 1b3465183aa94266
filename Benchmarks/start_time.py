"""From the start of the process to the first thing that the guest says, on the bare guest."""

import os
import re
import subprocess

from measure import interleave
from monitors import BARE, FLOOR, START_TIME, Device, Machine, needletail, qemu_microvm, qemu_q35

DEVICE_COUNTS = (1, 4, 8, 16, 28)
SIZES = ("64M", "1G", "32G", "256G", "1T")


def _milliseconds(command):
    def sample():
        output = subprocess.run([START_TIME, "1"] + command, capture_output=True, text=True, check=True).stdout
        return int(re.search(r"median=(\d+)", output)[1]) / 1000

    return sample


def _machine(folder, count, size):
    devices = tuple(Device(os.path.join(folder, f"start-{i}-{size}.img"), size) for i in range(count))
    return Machine(BARE, devices)


def measure(folder, rounds, device_counts=DEVICE_COUNTS, sizes=SIZES):
    """Samples in milliseconds, by monitor, number of devices and size of each.

    QEMU's microvm accepts the device and maps no memory for it; see `measure_q35`.
    """
    contestants = {"floor": _milliseconds([FLOOR, BARE, "echo"])}
    for count, size in [(n, "64M") for n in device_counts] + [(1, size) for size in sizes if size != "64M"]:
        machine = _machine(folder, count, size)
        contestants[f"needletail/{count}/{size}"] = _milliseconds(needletail(machine))
        contestants[f"qemu-microvm/{count}/{size}"] = _milliseconds(qemu_microvm(machine))
    return interleave(contestants, rounds)


def measure_q35(folder, rounds):
    """The same with QEMU's q35, which maps the device's memory; its firmware takes seconds where each instruction is emulated."""
    machine = _machine(folder, 1, "64M")
    return interleave({"needletail": _milliseconds(needletail(machine)), "qemu-q35": _milliseconds(qemu_q35(machine))}, rounds)
