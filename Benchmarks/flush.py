"""Round trips of flush requests on the bare guest: the guest's clock tells how long each took."""

import contextlib
import os
import re
import threading
import time

from guest_console import BareGuest
from measure import interleave, median
from monitors import BARE, Device, Machine, needletail, qemu_q35

OUTSTANDING = (1, 2, 4, 8, 16, 32, 64)
MONITORS = {"needletail": needletail, "qemu-q35": qemu_q35}


def _machine(path):
    # Ours locks the file against a second writer; here both monitors have it, and none writes.
    return Machine(BARE, (Device(path, "64M"),))


def _microseconds(answer, key):
    return int(answer[key]) / int(answer["hertz"]) * 1e6


@contextlib.contextmanager
def _guests(path):
    """A guest of each monitor, frozen."""
    with contextlib.ExitStack() as stack:
        guests = {}
        for name, words in MONITORS.items():
            guests[name] = stack.enter_context(BareGuest(words(_machine(path))))
            guests[name].freeze()
        yield guests


def own_fdatasync(path, count=200):
    """Microseconds of the host's own fdatasync of the file, as the guests' flushes find it: nothing is dirty."""
    times = []
    descriptor = os.open(path, os.O_RDWR)
    try:
        for _ in range(count):
            begin = time.perf_counter_ns()
            os.fdatasync(descriptor)
            times.append((time.perf_counter_ns() - begin) / 1000)
    finally:
        os.close(descriptor)
    return median(times)


def round_trips(path, rounds, requests):
    """Microseconds of one request at a time, by monitor; of the guest's own instructions in it; and of the host's own fdatasync.

    The guests live through all rounds and take turns; who is not measured is frozen. They poll: QEMU 7.2's device has no message-signalled interrupts, which the
    bare guest would need to wait for one.
    """
    with _guests(path) as guests:

        def sample(guest, command):
            def run():
                with guest.awake():
                    guest.ask("init event=1")
                    guest.ask("bench-flush 20")
                    return _microseconds(guest.ask(f"{command} {requests}"), "median-cycles")

            return run

        contestants = {name: sample(guest, "bench-flush") for name, guest in guests.items()}
        contestants["guest"] = sample(guests["needletail"], "bench-ring")
        contestants["fdatasync"] = lambda: own_fdatasync(path, requests)
        return interleave(contestants, rounds)


@contextlib.contextmanager
def _written_to(path):
    """Somebody stores into a page of the file again and again, so that every sync finds something to write."""
    ended = threading.Event()

    def write():
        descriptor = os.open(path, os.O_WRONLY)
        try:
            page = 0
            while not ended.wait(0.0002):
                os.pwrite(descriptor, b"needletail", page * 4096)
                page = (page + 1) % 4096
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def batches(path, rounds, repeats, counts=OUTSTANDING, written_to=False):
    """Requests per second with several outstanding, by monitor and their number; each rings the doorbell, as Linux does.

    `written_to`: somebody stores into the file meanwhile, as guests would that have something to flush.
    """
    with _guests(path) as guests, contextlib.ExitStack() as stack:

        def sample(guest, count):
            def flush():
                with guest.awake():
                    guest.ask("init event=1")
                    answer = guest.ask(f"bench-flush-batch {max(repeats * 8 // count, repeats)} {count} kicks=each")
                return count / _microseconds(answer, "median-cycles") * 1e6

            return flush

        contestants = {f"{name}/{count}": sample(guest, count) for count in counts for name, guest in guests.items()}
        if written_to:
            stack.enter_context(_written_to(path))
        return interleave(contestants, rounds)


def syncs_per_batch(path, repeats, count=64):
    """How many syncs of the host `count` outstanding requests cost, by monitor, counted by strace.

    Ours gets them all at once, with one doorbell; QEMU takes one request per doorbell and would leave the others for good.
    """
    found = {}
    for name, words in MONITORS.items():
        trace = f"{path}.{name}.trace"
        strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o", trace]
        with BareGuest(strace + words(_machine(path))) as guest:
            guest.ask("init event=1")
            before = _calls(trace)
            guest.ask(f"bench-flush-batch {repeats} {count} kicks={'one' if name == 'needletail' else 'each'}")
            found[name] = [(_calls(trace) - before) / repeats]
            guest.send("power-off")
            guest.wait_for_end()
        os.remove(trace)
    return found


def _calls(trace):
    with open(trace, encoding="utf-8", errors="replace") as lines:
        return sum(1 for line in lines if re.search(r"\b(fsync|fdatasync|msync|sync_file_range)\(", line))
