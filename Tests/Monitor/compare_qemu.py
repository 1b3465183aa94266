"""The same commands given to an installed QEMU and to needletail, their answers compared field by field.

Every difference must be listed below with its reason; a listed one that does not show any more is a failure as well."""

import asyncio
import re
import sys

from qemu.qmp import ExecuteError

from machines import client, machine, needletail_command, qemu_command

RAM = {"qom-type": "memory-backend-ram", "id": "m1", "size": 64 << 20}
FILE = {"qom-type": "memory-backend-file", "id": "m2", "size": 64 << 20, "mem-path": "m2.img", "share": True}
DEVICE = {"driver": "virtio-pmem-pci", "id": "d1", "memdev": "m1"}


def change(base, **more):
    """A copy with some members replaced, or left out (None)."""
    return {key: value for key, value in (base | {k.replace("_", "-"): v for k, v in more.items()}).items() if value is not None}


def hmp(line):
    return ("human-monitor-command", {"command-line": line})


# Each step: a name for messages is made of its place and command.
STEPS = [
    ("query-version", None), ("query-status", None), ("query-name", None), ("query-kvm", None), ("query-cpus-fast", None),
    ("query-commands", None), ("query-memdev", None), ("query-memory-devices", None),
    ("foo", None), ("query-status", {"x": 1}), ("qmp_capabilities", None),
    ("object-add", None), ("object-add", change(RAM, qom_type=None)), ("object-add", change(RAM, qom_type="foo")),
    ("object-add", change(RAM, id=None)), ("object-add", change(RAM, id=1)), ("object-add", change(RAM, id="1m")),
    ("object-add", change(RAM, size=None)), ("object-add", change(RAM, size=0)), ("object-add", change(RAM, size="1M")),
    ("object-add", change(RAM, size=1.5)), ("object-add", change(RAM, size=1 << 64)), ("object-add", change(RAM, share="on")),
    ("object-add", change(RAM, foo=1)), ("object-add", change(FILE, mem_path=None)),
    ("object-add", change(FILE, mem_path="/nodir/x")), ("object-add", change(FILE, mem_path="/dev/null")),
    ("object-add", RAM), ("object-add", RAM), ("object-add", FILE), ("query-memdev", None),
    ("device_add", None), ("device_add", {"driver": 1}), ("device_add", {"driver": "nope"}),
    ("device_add", change(DEVICE, memdev=None)), ("device_add", change(DEVICE, memdev="nope")),
    ("device_add", change(DEVICE, bus="x")), ("device_add", change(DEVICE, memaddr="0x1000")),
    ("device_add", change(DEVICE, memaddr=1.5)), ("device_add", change(DEVICE, addr="99")),
    ("device_add", change(DEVICE, foo=1)), ("device_add", change(DEVICE, ats="maybe")),
    ("device_add", change(DEVICE, id="1d")), ("device_add", change(DEVICE, addr="00.0")),
    ("query-memory-devices", None), ("device_add", change(DEVICE, addr=5, ats=False)), ("device_add", DEVICE),
    ("device_add", change(DEVICE, id="d2")), ("device_add", change(DEVICE, id="d2", memdev="m2", addr="05.0")),
    ("device_add", change(DEVICE, id="d2", memdev="m2", addr="06.0")), ("query-memory-devices", None), ("query-pci", None),
    ("object-del", None), ("object-del", {"id": "nope"}), ("object-del", {"id": "m1"}), ("object-del", {"id": "m1", "y": 1}),
    ("device_del", None), ("device_del", {"id": 1}), ("device_del", {"id": "nope"}), ("device_del", {"id": "d1"}),
    ("device-list-properties", {"typename": "virtio-pmem-pci"}), ("device-list-properties", {"typename": "nope"}),
    ("device-list-properties", {"typename": "memory-backend-ram"}), ("device-list-properties", None),
    ("human-monitor-command", None), ("human-monitor-command", {"command-line": "info name", "cpu-index": 9}),
    hmp("info status"), hmp("info name"), hmp("info version"), hmp("info kvm"), hmp("info cpus"), hmp("info memdev"), hmp("info memory-devices"),
    hmp("info foo"), hmp("info status bar"), hmp("foo"), hmp(""), hmp("stop x"), hmp("help stop"), hmp("help cont"),
    hmp("help quit"), hmp("help device_add"), hmp("help device_del"), hmp("help object_add"), hmp("help object_del"),
    hmp("help system_reset"), hmp("help system_powerdown"), hmp("help info status"), hmp("help info memdev"), hmp("help foo"),
    hmp("object_add"), hmp("object_del"), hmp("device_del"), hmp("device_add"), hmp("object_del nope"), hmp("device_del nope"),
    hmp("object_del m1"), hmp("object_add foo"), hmp("object_add memory-backend-ram,id=m1,size=64M"),
    hmp("object_add memory-backend-ram,id=q,size=1M,foo=1"), hmp("object_add memory-backend-ram,id=q,size=1M,share"),
    hmp("device_add nope"), hmp('device_add "virtio-pmem-pci'), hmp("device_add virtio-pmem-pci,id=z"),
    ("stop", None), ("query-status", None), ("cont", None), ("query-status", None), ("cont", None), ("stop", None),
    ("query-status", None), ("system_powerdown", None), ("system_reset", None), ("quit", None),
]

ADVICE = "an error at the human monitor"
# Command (with the text of a human-monitor-command), the path in the answer, and why it may differ.
DIFFERENCES = [
    ("query-version", r"\.(qemu|package).*", "each tells its own version"),
    ("query-kvm", r"\.enabled", "QEMU runs without KVM here"),
    ("query-cpus-fast", r"\[\d\]\.(thread-id|qom-path)", "threads of the host; QEMU's object tree"),
    ("query-cpus-fast", r"\[\d\]\.props\.(node-id|die-id)", "there are no NUMA nodes; dies are always told"),
    ("query-commands", r"\[x-needletail-[\w-]+\]", "ours, by their prefix"),
    ("query-memory-devices", r"\[\d\]\.data\.memaddr", "right above RAM, on a multiple of 1 GiB; QEMU has a window of its own"),
    ("query-pci", r"\[\w+\]\.(irq|irq_pin|regions)", "no interrupt pin, message-signalled interrupts only; BARs laid out otherwise"),
    ("object-add", r"\.error.*/dev/null.*", "the message says what to do; QEMU maps a character device and fails"),
    ("object-add", r"\.error.*/nodir/x.*", "the message says what to do"),
    ("device_add", r"\.error.*in use by.*", "the host bridge is not QEMU's"),
    ("device_del d1", r"(|\.error.*cannot be unplugged.*)$", "QEMU has no hot-unplug for virtio-pmem"),
    ("device-list-properties", r"\[[\w-]+\].*", "a property that can have but one value here says so; QEMU's internal ones are not"),
    ("info version", r".*", "each tells its own version"),
    ("info kvm", r".*", "QEMU runs without KVM here"),
    ("info cpus", r".*", "threads of the host"),
    ("info memory-devices", r".*memaddr.*", "see query-memory-devices"),
    ('device_add "virtio-pmem-pci', r".*", "QEMU sends the first of the two lines to its standard error"),
    (ADVICE, r".*", "after QEMU's line comes one that says what to do"),
    ("object_add memory-backend-ram,id=q,size=1M,share", r".*", "accepted with a warning, as on the command line"),
]


async def transcript(make_command):
    """For each step the answer and the events that came with it."""
    answers = []
    async with machine(make_command, "-S") as (process, folder):
        async with client(folder) as qmp:
            for command, arguments in STEPS:
                with qmp.listener() as listener:
                    answers.append(await answer(qmp, command, arguments))
                    await asyncio.sleep(0.02)
                    while not listener.empty():
                        event = await listener.get()
                        del event["timestamp"]
                        # A guest may reset itself at any time.
                        if event["event"] in {"STOP", "RESUME", "POWERDOWN", "SHUTDOWN", "RESET"}:
                            answers[-1].setdefault("events", []).append(dict(event))
        await asyncio.wait_for(process.wait(), 10)
    return answers


async def answer(qmp, command, arguments):
    try:
        return {"return": by_name(name_of(command, arguments), await qmp.execute(command, arguments))}
    except ExecuteError as error:
        return {"error": f"{error.error.error.class_}: {error.error.error.desc}"}


def by_name(command, value):
    """Lists whose order means nothing, as objects by name."""
    if command == "query-memdev":
        return {entry["id"]: entry for entry in value}
    if command == "info memdev":
        return sorted(entry.strip() for entry in value.split("memory backend: "))
    if command == "query-commands":
        return {entry["name"]: True for entry in value}
    if command == "device-list-properties":
        return {entry["name"]: entry for entry in value}
    if command == "query-pci":
        return {entry["qdev_id"]: entry for entry in value[0]["devices"] if entry["qdev_id"]}
    return value


def differences(command, qemu, ours, path=""):
    """The paths at which two values differ."""
    if isinstance(qemu, dict) and isinstance(ours, dict):
        for key in sorted(qemu.keys() | ours.keys()):
            # QEMU has many commands and properties that we have not.
            if key not in ours and command in ("query-commands", "device-list-properties"):
                continue
            is_name = path == "" and command in ("query-pci", "query-commands", "device-list-properties", "query-memdev")
            yield from differences(
                command, qemu.get(key), ours.get(key), path + (f"[{key}]" if is_name else f".{key}"))
    elif isinstance(qemu, list) and isinstance(ours, list) and len(qemu) == len(ours):
        for index, pair in enumerate(zip(qemu, ours)):
            yield from differences(command, *pair, f"{path}[{index}]")
    elif qemu != ours:
        yield path, qemu, ours


def name_of(command, arguments):
    if arguments and arguments.keys() == {"command-line"}:
        return arguments["command-line"]
    return f"{command} {arguments['id']}" if arguments and arguments.keys() == {"id"} else command


def reason_for(name, part, path, left, right):
    if isinstance(left, str) and left.startswith("Error: ") and isinstance(right, str) and right.startswith(left):
        name = ADVICE
    told = path if part == "return" else f".{part} {left!r} | {right!r}"
    if name == "info memory-devices":
        told = f"{left!r} | {right!r}"
    return next((row for row in DIFFERENCES if row[0] == name and re.match(row[1], told, re.S)), None)


def compare(step, qemu, ours, used):
    command, arguments = step
    name = name_of(command, arguments)
    for part in ("return", "error", "events"):
        theirs, mine = qemu.get(part), ours.get(part)
        for path, left, right in differences(command, theirs, mine):
            reason = reason_for(name, part, path, left, right)
            if reason is None:
                yield f"{name} {arguments or ''}: {part}{path}\n    QEMU:       {left!r}\n    needletail: {right!r}"
            else:
                used.add(reason)


async def main():
    qemu, ours = await transcript(qemu_command), await transcript(needletail_command)
    used, surprises = set(), []
    for step, left, right in zip(STEPS, qemu, ours):
        surprises += compare(step, left, right, used)
    for row in DIFFERENCES:
        if row not in used:
            surprises.append(f"a listed difference does not show: {row}")
    for command, path, reason in sorted(used):
        print(f"differs as listed: {command} {path}: {reason}")
    if surprises:
        sys.exit("compare_qemu: differences that are not listed:\n" + "\n".join(surprises))
    print(f"compare_qemu: {len(STEPS)} commands, {len(used)} kinds of differences, each listed with its reason")


asyncio.run(main())
