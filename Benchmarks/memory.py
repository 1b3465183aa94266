"""What a monitor costs beside the guest's memory: the proportional set size (Pss) of the process without the guest's mappings."""

import contextlib
import json
import os
import socket
import time

from guest_console import BareGuest
from measure import interleave
from monitors import BARE, Device, Machine, needletail, qemu_microvm

RAM_KIB = 128 << 10
# Seconds after which a machine that does nothing is idle.
SETTLE = 2.5


def mappings(process):
    """Each mapping of a process: (size, Pss, path), sizes in KiB."""
    found, head, size = [], None, 0
    with open(f"/proc/{process}/smaps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if not words[0].endswith(":"):
                head = " ".join(words[5:])
            elif words[0] == "Size:":
                size = int(words[1])
            elif words[0] == "Pss:":
                found.append((size, int(words[1]), head))
    return found


def beside_guest(process, image):
    """KiB that are neither the guest's RAM (the mapping of its size without a file) nor the device's image."""
    return sum(pss for size, pss, path in mappings(process) if path != image and not (size == RAM_KIB and path == ""))


def of_image(process, image):
    return sum(pss for _, pss, path in mappings(process) if path == image)


@contextlib.contextmanager
def _qmp_client(path):
    """A client that has said hello and is silent."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        stream = client.makefile("rw")
        stream.readline()
        stream.write(json.dumps({"execute": "qmp_capabilities"}) + "\n")
        stream.flush()
        stream.readline()
        yield


def _sample(words, image, socket_path=None):
    def sample():
        extra = ("-qmp", f"unix:{socket_path},server=on,wait=off") if socket_path else ()
        machine = Machine(BARE, (Device(image, "64M"),), extra=extra)
        with BareGuest(words(machine)) as guest, contextlib.ExitStack() as stack:
            guest.ask("init")
            guest.ask("flush 4 kicks=each")
            if socket_path:
                stack.enter_context(_qmp_client(socket_path))
            guest.ask("halt")
            time.sleep(SETTLE)
            return beside_guest(guest.identifier, image) / 1024

    return sample


def measure(folder, rounds):
    """MiB beside the guest's, by monitor, without and with QMP: one device that has been used, one vCPU, halted."""
    image = os.path.join(folder, "memory.img")
    contestants = {}
    for name, words in (("needletail", needletail), ("qemu-microvm", qemu_microvm)):
        contestants[name] = _sample(words, image)
        contestants[f"{name}/qmp"] = _sample(words, image, os.path.join(folder, "qmp"))
    return interleave(contestants, rounds)
