"""Measures everything and writes docs/performance.md.

everything.py KERNEL_FOLDER INITRD DISK_IMAGE      Scripts/bench calls it
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

import flush
import instructions
import linux_host
import memory
import report
import start_time
from guest_console import GuestFailed
from measure import Samples, say
from monitors import PREFIX

# Of each kind, so that all of it stays below half an hour on two quiet cores.
START_ROUNDS, Q35_ROUNDS, FLUSH_ROUNDS, MEMORY_ROUNDS, LINUX_ROUNDS = 15, 3, 15, 3, 2
LINUX_MINUTES = 22


@contextlib.contextmanager
def folders():
    """A folder in memory and one on a disk, gone afterwards."""
    tmpfs = tempfile.mkdtemp(prefix=PREFIX, dir="/dev/shm")
    ext4 = tempfile.mkdtemp(prefix=PREFIX, dir="/var/tmp")
    try:
        yield tmpfs, ext4
    finally:
        shutil.rmtree(tmpfs)
        shutil.rmtree(ext4)


def bare(tmpfs, ext4):
    """What the bare guest measures on this machine's own /dev/kvm: samples by part, and what failed."""
    disk, memory_file = os.path.join(ext4, "flush.img"), os.path.join(tmpfs, "flush.img")
    parts = {
        "start": lambda: start_time.measure(tmpfs, START_ROUNDS),
        "start-q35": lambda: start_time.measure_q35(tmpfs, Q35_ROUNDS),
        "flush-tmpfs": lambda: flush.round_trips(memory_file, FLUSH_ROUNDS, 300),
        "flush-ext4": lambda: flush.round_trips(disk, FLUSH_ROUNDS, 300),
        "batches": lambda: flush.batches(disk, FLUSH_ROUNDS, 20),
        "batches-written": lambda: flush.batches(disk, FLUSH_ROUNDS, 5, counts=(64,), written_to=True),
        "syncs": lambda: flush.syncs_per_batch(disk, 20),
        "memory": lambda: memory.measure(tmpfs, MEMORY_ROUNDS),
        "instructions": lambda: instructions.measure(tmpfs),
    }
    results, failed = {}, []
    for name, part in parts.items():
        say(f"bare guest: {name}")
        results[name] = Samples()
        try:
            results[name].update(part())
        except (GuestFailed, OSError, subprocess.SubprocessError) as error:
            failed.append({"part": name, "why": str(error)[:500]})
    return results, failed


def kvm_runs_linux():
    """What Scripts/with-kvm found out about this machine since its last boot."""
    cache = os.environ.get("NEEDLETAIL_CACHE", os.path.join(report.ROOT, ".cache"))
    for path in glob.glob(os.path.join(cache, "probe-*")):
        if not path.endswith(".why"):
            with open(path, encoding="ascii") as file:
                return file.read().strip() == "yes"
    return False


def main():
    kernel, initrd, disk = sys.argv[1:]
    begin, load = time.monotonic(), os.getloadavg()[0]
    with folders() as (tmpfs, ext4):
        results, failed = bare(tmpfs, ext4)
    say("Linux guests")
    results["linux"] = linux_host.measure(kernel, initrd, disk, LINUX_ROUNDS, LINUX_MINUTES)
    results["failed"] = failed + results["linux"].pop("failed")
    results["here"] = kvm_runs_linux()
    results["minutes"] = (time.monotonic() - begin) / 60
    results["load"] = (load, os.getloadavg()[0])
    for row in report.write(results):
        print(" | ".join(row.cells()))
    say(f"written: {os.path.relpath(report.DOCUMENT)}")


if __name__ == "__main__":
    main()
