"""Runs linux_guest.py where KVM runs Linux, and collects what it found."""

import json
import os
import subprocess
import sys

from measure import say
from monitors import ROOT


def measure(kernel, initrd, disk, rounds, minutes):
    """Results by name; `failed` is a list of what could not be measured, with the reason."""
    found = {"failed": []}
    environment = {
        **os.environ,
        "WITH_KVM_DISK": "4G",
        "WITH_KVM_MEMORY": "7G",
        "WITH_KVM_TIMEOUT": str(minutes * 60),
        # The first of Debian's kernels with KVM_PRE_FAULT_MEMORY.
        "WITH_KVM_SUITE": "bookworm-backports",
    }
    command = [
        os.path.join(ROOT, "Scripts", "with-kvm"),
        "python3",
        os.path.join(ROOT, "Benchmarks", "linux_guest.py"),
        kernel,
        initrd,
        disk,
        str(rounds),
    ]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            words = line.rstrip("\n").split(" ", 2)
            if words[0] != "result":
                print(line, end="", file=sys.stderr)
                continue
            say(f"Linux: {words[1]} is there")
            if words[1] == "failed":
                found["failed"].append(json.loads(words[2]))
            else:
                found[words[1]] = json.loads(words[2])
    if process.returncode != 0:
        found["failed"].append({"part": "Linux guests", "why": f"with-kvm ended with status {process.returncode}"})
    return found
