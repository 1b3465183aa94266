"""Linux guests: runs where KVM can run Linux, in the outer machine of Scripts/with-kvm or without one, as root.

    linux_guest.py KERNEL_FOLDER INITRD DISK_IMAGE ROUNDS

Prints its results as lines `result NAME JSON` on standard output, for linux_host.py. Times in the outer machine say something only
beside one another.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

from fault_counters import faults
from guest_console import BareGuest, GuestConsole, GuestFailed
from measure import interleave, say
from memory import beside_guest, of_image
from monitors import BARE, NEEDLETAIL, ROOT, Device, Machine, needletail, qemu_microvm, qemu_pc, qemu_q35

APPEND = "console=ttyS0 quiet panic=-1 cryptomgr.notests"
# Seconds without a word from the guest after which it is given up.
PATIENCE = 400
# MiB. Each device of a boot has another size, by which the guest's script tells them apart.
DISK, FLUSH, HUGE, SMALL, EXT4 = 640, 64, 1024, 256, 272
SHARED_MIB = 16
# The outer machine's processor has 40 bits of address, which 1 TiB would fill.
LARGE = "256G"
MACHINE_COUNTS = (1, 2, 4, 8, 16)
PLUGGED = 5


def tell(name, result):
    print("result", name, json.dumps(result), flush=True)


class Place:
    """Where the files of a run are: tmpfs with huge pages, without them, and a disk with ext4."""

    def __init__(self, kernel, initrd, disk):
        self.folder = "/dev/shm/needletail-benchmark"
        self.huge = os.path.join(self.folder, "huge")
        self.small = os.path.join(self.folder, "small")
        self.ext4 = "/mnt/disk" if os.path.ismount("/mnt/disk") else "/var/tmp/needletail-benchmark"
        os.makedirs(self.folder, exist_ok=True)
        for path, option in ((self.huge, "huge=always"), (self.small, "huge=never")):
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", option, "needletail-benchmark", path], check=True)
        os.makedirs(self.ext4, exist_ok=True)
        self.vmlinux = self._copy(os.path.join(kernel, "vmlinux"))
        self.vmlinuz = self._copy(os.path.join(kernel, "vmlinuz"))
        self.initrd = self._copy(initrd)
        self.disk = self._copy(disk, self.huge)

    def _copy(self, path, folder=None):
        return shutil.copy(path, folder or self.folder)

    def machine(self, append, devices=(), memory="512M", kernel=None, extra=()):
        return Machine(kernel or self.vmlinux, tuple(devices), memory, self.initrd, f"{APPEND} {append}", "host", tuple(extra))

    def remove(self, *paths):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def close(self):
        for path in (self.huge, self.small):
            subprocess.run(["umount", path], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(place, rounds):
    """Seconds from the start of the process to the guest's init, by monitor and form of the kernel."""

    def sample(words, kernel):
        def boot():
            with GuestConsole(words(place.machine("rdinit=/bin/started", kernel=kernel))) as guest:
                guest.until("guest: init")
                return time.monotonic() - guest.began

        return boot

    contestants = {
        "needletail": sample(needletail, place.vmlinux),
        "qemu-microvm": sample(qemu_microvm, place.vmlinux),
        "qemu-q35": sample(qemu_q35, place.vmlinux),
    }
    for contestant in contestants.values():
        contestant()
    say("start to init: warmed up")
    tell("start", interleave(contestants, rounds))


def bzimage(place):
    """What a compressed kernel costs: decompressed by the guest, and by the host beforehand."""
    found = {}
    for name, kernel in (("guest", place.vmlinuz), ("none", place.vmlinux)):
        with GuestConsole(needletail(place.machine("rdinit=/bin/started", kernel=kernel)), patience=PATIENCE) as guest:
            guest.until("guest: init")
            found[name] = time.monotonic() - guest.began
    with open(place.vmlinuz, "rb") as file:
        payload = file.read()
    begin = payload.find(b"\xfd7zXZ\x00")
    if begin >= 0:
        packed = os.path.join(place.folder, "payload")
        with open(packed, "wb") as file:
            file.write(payload[begin:])
        at = time.monotonic()
        with open(packed, "rb") as file:
            # It complains of what follows the kernel in the file.
            nothing = subprocess.DEVNULL
            subprocess.run(["xz", "--decompress", "--stdout"], stdin=file, stdout=nothing, stderr=nothing, check=False)
        found["host"] = time.monotonic() - at
        os.remove(packed)
    tell("bzimage", found)


def _work_devices(place):
    sizes = (("flush", FLUSH, place.huge), ("huge", HUGE, place.huge), ("small", SMALL, place.small), ("ext4", EXT4, place.ext4))
    files = [os.path.join(folder, name) for name, _, folder in sizes]
    devices = [Device(path, f"{size}M") for path, (_, size, _) in zip(files, sizes)]
    return files, [Device(place.disk, f"{DISK}M")] + devices


def work_in_one_boot(place, words, found):
    """Flush, first touch and steady state in one boot: a flat dictionary, with less in it if the boot failed half-way."""
    files, devices = _work_devices(place)
    append = f"nt.run=bench-work nt.flush={FLUSH} nt.huge={HUGE} nt.small={SMALL} nt.ext4={EXT4} nt.disk={DISK} nt.runtime=2"
    last, before = None, 0
    with GuestConsole(words(place.machine(append, devices)), patience=PATIENCE) as guest:
        while True:
            line = guest.until("guest: ")
            kind, *rest = line.removeprefix("guest: ").split()
            if kind == "at":
                if last and rest[0] == "filled":
                    found[f"faults/{last}"] = faults(guest.identifier) - before
                last, before = rest[0], faults(guest.identifier)
                guest.send("")
            elif kind == "flush":
                found["flush"] = int(rest[0]) / 1000
            elif kind in ("first", "again"):
                found[f"{kind}/{rest[0]}"] = int(rest[1]) / 1e6
            elif kind == "steady":
                name, value = rest[0].split("=")
                found[f"steady/{name}"] = int(value)
            elif kind == "exit":
                if rest != ["0"]:
                    raise GuestFailed(f"the guest's script failed: {guest.seen[-5:]}")
                break
    place.remove(*files)


def work(place, rounds):
    def sample(words):
        def boot():
            found = {}
            try:
                work_in_one_boot(place, words, found)
            except GuestFailed as error:
                tell("failed", {"part": "one boot of work", "why": str(error)[:500]})
            say(f"one boot of work: {found}")
            return found

        return boot

    samples = interleave({"needletail": sample(needletail), "qemu-q35": sample(qemu_q35)}, rounds)
    samples["native"] = [native_steady(place) for _ in range(rounds)]
    tell("work", samples)


def native_steady(place):
    """The same fio on the host, on a file in the same tmpfs."""
    path = os.path.join(place.huge, "native")
    script = os.path.join(ROOT, "Benchmarks", "guest", "bench-steady.sh")
    output = subprocess.run(
        ["sh", script, path], env={**os.environ, "nt_runtime": "2"}, capture_output=True, text=True, check=True
    ).stdout
    place.remove(path)
    return {f"steady/{name}": int(value) for name, value in re.findall(r"steady ([\w-]+)=(\d+)", output)}


def page_cache(place):
    """KiB by which the guest's page cache grows when it reads 256 MiB, with 256 MiB of memory, with DAX and without."""
    found = {}
    for name, words in (("needletail", needletail), ("qemu-q35", qemu_q35)):
        machine = place.machine("nt.run=page-cache", [Device(place.disk, f"{DISK}M")], memory="256M")
        with GuestConsole(words(machine), patience=PATIENCE) as guest:
            while True:
                words_said = guest.until("guest: cached", "guest: exit").split()
                if words_said[1] == "exit":
                    break
                _, _, options, before, after = words_said
                found[f"{name}/{options}"] = int(after) - int(before)
    tell("page-cache", found)


class Monitor:
    """The human monitor at a socket."""

    def __init__(self, path, patience=60):
        deadline = time.monotonic() + patience
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(patience)
        while True:
            try:
                self._socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._read()

    def _read(self):
        seen = b""
        while not seen.endswith(b"(qemu) "):
            part = self._socket.recv(4096)
            if not part:
                raise GuestFailed("the monitor closed its socket")
            seen += part

    def send(self, line):
        self._socket.sendall(line.encode() + b"\n")

    def ask(self, line):
        self.send(line)
        self._read()

    def close(self):
        self._socket.close()


def plug(place):
    """Seconds from device_add to /dev/pmemN, one sample per device, all in one boot."""
    found = {}
    path = os.path.join(place.folder, "monitor")
    for name, words in (("needletail", needletail), ("qemu-pc", qemu_pc)):
        first = Device(os.path.join(place.huge, "plug0"), "64M")
        extra = ("-monitor", f"unix:{path},server=on,wait=off")
        machine = place.machine(f"nt.run=bench-plug nt.count={PLUGGED}", [first], extra=extra)
        times = []
        with GuestConsole(words(machine), patience=PATIENCE) as guest:
            guest.until("guest: waiting")
            monitor = Monitor(path)
            for number in range(1, PLUGGED + 1):
                file = os.path.join(place.huge, f"plug{number}")
                monitor.ask(f"object_add memory-backend-file,id=mem{number},share=on,mem-path={file},size=64M")
                begin = time.monotonic()
                monitor.send(f"device_add virtio-pmem-pci,id=nv{number},memdev=mem{number}")
                guest.until(f"guest: plugged {number}")
                times.append(time.monotonic() - begin)
            monitor.close()
        place.remove(path, *(os.path.join(place.huge, f"plug{number}") for number in range(PLUGGED + 1)))
        found[name] = times
    tell("plug", found)


def large_start(place, rounds):
    """Milliseconds to the bare guest's first words with 64 MiB and with a large file, where KVM has hardware paging."""

    def sample(words, size):
        def run():
            machine = Machine(BARE, (Device(os.path.join(place.small, f"start-{size}"), size),))
            with BareGuest(words(machine), PATIENCE) as guest:
                return (time.monotonic() - guest.began) * 1000

        return run

    contestants = {size: sample(needletail, size) for size in ("64M", LARGE)}
    for contestant in contestants.values():
        contestant()
    tell("large-start", interleave(contestants, rounds))


def prealloc(place):
    """Faults of the guest's first touch of 64 MiB, with and without prealloc=on, on tmpfs with 4 KiB pages."""
    found = {}
    for name, words in (("needletail", needletail), ("qemu-q35", qemu_q35)):
        for option in ("off", "on"):
            path = os.path.join(place.small, "prealloc")
            machine = Machine(BARE, (Device(path, "64M", f",prealloc={option}"),), qemu_processor="host")
            with BareGuest(words(machine), PATIENCE) as guest:
                address = guest.ask("config")["start"]
                guest.ask(f"poke {address} 4 1")
                before = faults(guest.identifier)
                answer = guest.ask(f"touch {address} 64M")
                found[f"{name}/{option}"] = {
                    "faults": faults(guest.identifier) - before,
                    "seconds": int(answer["cycles"]) / int(guest.ask("tsc")["hertz"]),
                }
            place.remove(path)
    tell("prealloc", found)


def sharing(place):
    """MiB of the host that one image and all monitors have in use, by number of machines that have read all of the image."""
    path = os.path.join(place.small, "shared")
    with open(path, "wb") as file:
        for _ in range(SHARED_MIB):
            file.write(os.urandom(1 << 20))
    found = {}
    for name, words in (("needletail", needletail), ("qemu-q35", qemu_q35)):
        # Readers only: ours refuses a second writer.
        options = ",readonly=on"
        image = Device(path, f"{SHARED_MIB}M", options)
        if name != "needletail":
            image = Device(path, f"{SHARED_MIB}M")
        with contextlib.ExitStack() as stack:
            guests = []
            for count in MACHINE_COUNTS:
                while len(guests) < count:
                    guest = stack.enter_context(BareGuest(words(Machine(BARE, (image,), qemu_processor="host")), PATIENCE))
                    start = guest.ask("config")["start"]
                    guest.ask(f"look {start} {SHARED_MIB}M")
                    # Or it would poll the serial port for the next command, and keep the others from the processor.
                    guest.ask("halt")
                    guests.append(guest)
                found[f"{name}/{count}"] = {
                    "image": sum(of_image(guest.identifier, path) for guest in guests) / 1024,
                    "monitors": sum(beside_guest(guest.identifier, path) for guest in guests) / 1024,
                }
    place.remove(path)
    tell("sharing", found)


def main():
    kernel, initrd, disk, rounds = sys.argv[1:]
    rounds = int(rounds)
    subprocess.run([NEEDLETAIL, "-version"], check=True, stdout=subprocess.DEVNULL)
    place = Place(kernel, initrd, disk)
    parts = [
        ("prealloc", lambda: prealloc(place)),
        ("large file", lambda: large_start(place, 2 * rounds + 1)),
        ("sharing", lambda: sharing(place)),
        ("start to init", lambda: start(place, rounds)),
        ("compressed kernel", lambda: bzimage(place)),
        ("device_add", lambda: plug(place)),
        ("page cache", lambda: page_cache(place)),
        ("work", lambda: work(place, rounds)),
    ]
    wanted = os.environ.get("NEEDLETAIL_BENCHMARK_PARTS")
    try:
        for name, part in parts:
            if wanted and name not in wanted.split(","):
                continue
            say(f"Linux: {name}")
            try:
                part()
            except (GuestFailed, OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
                # The others may still work; the report says that this one did not.
                tell("failed", {"part": name, "why": str(error)[:500]})
    finally:
        place.close()


if __name__ == "__main__":
    main()
