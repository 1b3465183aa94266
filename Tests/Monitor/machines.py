"""Starts the monitors that the tests talk to: needletail on /dev/kvm with the bare guest, and an installed QEMU."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import tempfile

from qemu.qmp import QMPClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDLETAIL = os.environ.get("NEEDLETAIL", str(ROOT / ".build/debug/needletail"))
GUEST = os.environ.get("BARE_GUEST", str(ROOT / ".build/bare-guest/bare"))
# What both take in the same words.
COMMON = ["-m", "512M,slots=8,maxmem=16G", "-smp", "2", "-name", "box", "-display", "none", "-kernel", GUEST]


def needletail_command(sockets, *more):
    return [NEEDLETAIL, *COMMON, *monitors(sockets), *more]


def qemu_command(sockets, *more):
    # Its own PC is the one machine of QEMU's that takes virtio-pmem on bus 0 while the guest runs.
    machine = ["-machine", "pc", "-accel", "tcg", "-nodefaults"]
    return [shutil.which("qemu-system-x86_64"), *machine, *COMMON, *monitors(sockets), *more]


def monitors(sockets):
    return [
        "-qmp", f"unix:{sockets}/qmp,server=on,wait=off",
        "-qmp", f"unix:{sockets}/other,server=on,wait=off",
        "-monitor", f"unix:{sockets}/hmp,server=on,wait=off",
    ]


@contextlib.asynccontextmanager
async def machine(make_command, *more):
    """A running machine: its process, and the folder of its sockets, which is also the folder for files."""
    with tempfile.TemporaryDirectory(prefix="needletail-") as folder:
        process = await asyncio.create_subprocess_exec(
            *make_command(folder, *more), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, cwd=folder)
        try:
            for _ in range(200):
                if process.returncode is not None:
                    raise SystemExit(f"{make_command(folder)[0]} ended with status {process.returncode}")
                if all(os.path.exists(f"{folder}/{name}") for name in ("qmp", "other", "hmp")):
                    break
                await asyncio.sleep(0.05)
            yield process, folder
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def client(folder, name="qmp"):
    """A connection by the published client, unmodified."""
    qmp = QMPClient("test")
    await asyncio.wait_for(qmp.connect(f"{folder}/{name}"), 20)
    try:
        yield qmp
    finally:
        with contextlib.suppress(Exception):
            await qmp.disconnect()
