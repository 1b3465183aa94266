"""Instructions that a monitor executes from its start to the end of a guest that powers off at once.

valgrind's callgrind counts them. They hardly vary from run to run, whatever else the machine does. What the
kernel does for the monitor is not in them.
"""

import os
import re
import subprocess

from monitors import BARE, FLOOR, NEEDLETAIL, Device, Machine, needletail, qemu_microvm


def _without_debug_information(program, folder):
    """valgrind gives up on debug information that it does not know."""
    copy = os.path.join(folder, os.path.basename(program))
    subprocess.run(["objcopy", "--strip-debug", program, copy], check=True)
    return copy


def count(command, folder):
    out = os.path.join(folder, "callgrind.out")
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    result = subprocess.run(
        valgrind + command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=150, check=False
    )
    found = re.search(r"Collected : (\d+)", result.stderr)
    if not found:
        raise subprocess.SubprocessError(f"valgrind counted nothing for {command[0]}: {result.stderr[-300:]}")
    return int(found[1])


def measure(folder):
    """Millions of instructions, by monitor and number of devices."""
    program = _without_debug_information(NEEDLETAIL, folder)

    def machine(devices):
        files = [os.path.join(folder, f"count-{number}.img") for number in range(devices)]
        return Machine(BARE, tuple(Device(path, "64M") for path in files), append="power-off")

    found = {"floor": count([FLOOR, BARE, "power-off"], folder)}
    for devices in (1, 28):
        found[f"needletail/{devices}"] = count([program] + needletail(machine(devices))[1:], folder)
    found["qemu-microvm/1"] = count(qemu_microvm(machine(1)) + ["-append", "power-off; out 0x64 1 0xfe"], folder)
    return {name: [number / 1e6] for name, number in found.items()}
