"""Measures everything and writes docs/performance.md.

    everything.py KERNEL_FOLDER INITRD DISK_IMAGE      Scripts/bench calls it
"""

import contextlib
import glob
import os
import shutil
import sys
import tempfile
import time

import flush
import instructions
import linux_host
import memory
import report
import start_time
from measure import say
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
    """What the bare guest measures on this machine's own /dev/kvm."""
    results = {}
    say("start to first guest instruction")
    results["start"] = start_time.measure(tmpfs, START_ROUNDS)
    results["start-q35"] = start_time.measure_q35(tmpfs, Q35_ROUNDS)
    say("one flush at a time, tmpfs")
    results["flush-tmpfs"] = flush.round_trips(os.path.join(tmpfs, "flush.img"), FLUSH_ROUNDS, 300)
    say("one flush at a time, ext4")
    results["flush-ext4"] = flush.round_trips(os.path.join(ext4, "flush.img"), FLUSH_ROUNDS, 300)
    say("many flushes outstanding, ext4")
    results["batches"] = flush.batches(os.path.join(ext4, "flush.img"), FLUSH_ROUNDS, 20)
    results["syncs"] = flush.syncs_per_batch(os.path.join(ext4, "flush.img"), 20)
    say("memory")
    results["memory"] = memory.measure(tmpfs, MEMORY_ROUNDS)
    say("instructions")
    results["instructions"] = instructions.measure(tmpfs)
    return results


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
        results = bare(tmpfs, ext4)
    say("Linux guests")
    results["linux"] = linux_host.measure(kernel, initrd, disk, LINUX_ROUNDS, LINUX_MINUTES)
    results["here"] = kvm_runs_linux()
    results["minutes"] = (time.monotonic() - begin) / 60
    results["load"] = (load, os.getloadavg()[0])
    for row in report.write(results):
        print(" | ".join(row.cells()))
    say(f"written: {os.path.relpath(report.DOCUMENT)}")


if __name__ == "__main__":
    main()
