"""The table: what is compared, what is to be reached, and what a row that misses it has to say for itself."""

from dataclasses import dataclass

from measure import median, quartiles, ratios

# Where a row is missed, this is why. A row that is reached says nothing.
LIMITS = {
    "floor": "What is above the floor is the program itself: its loader binds the C++ library that Swift's runtime needs and "
    "relocates 2 MiB of metadata, and the runtime looks up types and conformances when each is used first.",
    "devices": "Each device costs a memory slot, three events and a PCI function with its tables; KVM's part of that is not ours.",
    "terabyte": "This /dev/kvm has no hardware paging. Its kernel keeps books on every page of a memory slot, 2.4 GiB of them for "
    "1 TiB, and clears them when the slot is made: one call (KVM_SET_USER_MEMORY_REGION) takes all that time. With hardware paging "
    "size costs nothing: see the row of the outer machine.",
    "flush": "Every instruction of the guest is emulated here, and ringing the doorbell is an exit of about 8 microseconds that "
    "both pay; a wake-up of a sleeping thread goes through this virtual machine's own host.",
    "batch": "The emulated guest needs about 50 microseconds to make each of the 64 requests available, which is the same for "
    "both. And QEMU hands each request to a thread of its pool, and the host's file system merges their syncs: it pays "
    "with threads and calls for what is one call here.",
    "linux-flush": "The file system and block layer of the guest, on an emulated processor, are most of it and the same for both.",
    "linux-start": "The guest's kernel is most of it and the same for both.",
    "pss": "Most of it is code: the kernel maps sixteen pages around each that is touched.",
    "steady": "Both guests use the same mapped memory; neither monitor does anything meanwhile. What differs is noise, and "
    "against the native run the second level of address translation, which an emulated processor walks in software.",
    "noise": "The runs differ among themselves by more than the two monitors do, see the spread.",
}


@dataclass
class Row:
    """One line of the table, as text."""

    what: str
    ours: str
    theirs: str
    ratio: str
    reach: str
    verdict: str
    note: str = ""

    def cells(self):
        return [self.what, self.ours, self.theirs, self.ratio, self.reach, self.verdict]


def _figure(value):
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(samples, unit):
    low, high = quartiles(samples)
    middle = _figure(median(samples))
    if len(set(samples)) == 1:
        return f"{middle} {unit}".strip()
    return f"{middle} ({_figure(low)} to {_figure(high)}) {unit}".strip()


def not_measured(what, reach):
    return Row(what, "", "", "", reach, "not measured")


def compare(what, ours, theirs, unit, limit, why, by="QEMU", more_is_better=False):
    """Our samples beside others', by the median of the rounds' ratios; a row without figures if one side has none."""
    factor = f"{limit:g}" if limit > 0.01 else f"1/{1 / limit:.0f}"
    reach = f"{'>=' if more_is_better else '<='} {factor} of {by}"
    if not ours or not theirs:
        return not_measured(what, reach)
    ratio = median(ratios(ours, theirs))
    reached = ratio >= limit if more_is_better else ratio <= limit
    return Row(
        what,
        spread(ours, unit),
        spread(theirs, unit),
        f"{ratio:.3g}",
        reach,
        "reached" if reached else "**missed**",
        "" if reached else LIMITS[why],
    )


def at_most(what, ours, theirs, unit, limit, why, reach=None):
    """Our samples against a number; others' beside them for orientation."""
    reach = reach or f"<= {limit:g} {unit}"
    if not ours:
        return not_measured(what, reach)
    reached = median(ours) <= limit
    beside = spread(theirs, unit) if theirs else ""
    ratio = f"{median(ratios(ours, theirs)):.3g}" if theirs and min(theirs) > 0 else ""
    return Row(
        what, spread(ours, unit), beside, ratio, reach, "reached" if reached else "**missed**", "" if reached else LIMITS[why]
    )


def less(samples, *others):
    """The samples without the medians of what is not the monitor's, never below nothing."""
    if not all(others):
        return []
    return [max(sample - sum(median(other) for other in others), 0.1) for sample in samples]


def start_rows(start, q35):
    one = start["needletail/1/64M"]
    return [
        compare(
            "start to first guest instruction, 1 device; QEMU microvm", one, start["qemu-microvm/1/64M"], "ms", 0.45, "noise"
        ),
        compare("start to first guest instruction, 1 device; QEMU q35", q35["needletail"], q35["qemu-q35"], "ms", 0.45, "noise"),
        compare(
            "start to first guest instruction, 1 device; the floor (a minimal C monitor)",
            one,
            start["floor"],
            "ms",
            1.3,
            "floor",
            by="the floor",
        ),
        compare(
            "start to first guest instruction, 28 devices; 1 device",
            start["needletail/28/64M"],
            one,
            "ms",
            1.5,
            "devices",
            by="one device",
        ),
        compare(
            "start to first guest instruction, sparse file of 1 TiB; 64 MiB",
            start["needletail/1/1T"],
            one,
            "ms",
            1.5,
            "terabyte",
            by="64 MiB",
        ),
    ]


def flush_rows(results):
    tmpfs, ext4, batches, syncs = (results[name] for name in ("flush-tmpfs", "flush-ext4", "batches", "syncs"))
    name = "one flush, file on tmpfs"
    rows = [
        compare(
            f"{name}, without the guest's own instructions",
            less(tmpfs["needletail"], tmpfs["guest"]),
            less(tmpfs["qemu-q35"], tmpfs["guest"]),
            "us",
            0.5,
            "flush",
        ),
        compare(f"{name}, whole round trip", tmpfs["needletail"], tmpfs["qemu-q35"], "us", 0.5, "flush"),
        compare(
            "one flush, file on ext4, without the host's fdatasync and the guest's own instructions",
            less(ext4["needletail"], ext4["fdatasync"], ext4["guest"]),
            less(ext4["qemu-q35"], ext4["fdatasync"], ext4["guest"]),
            "us",
            0.5,
            "flush",
        ),
        compare(
            "flushes per second, 64 outstanding, ext4, the file written to meanwhile",
            results["batches-written"]["needletail/64"],
            results["batches-written"]["qemu-q35/64"],
            "/s",
            8,
            "batch",
            more_is_better=True,
        ),
        compare(
            "flushes per second, 64 outstanding, ext4, nothing to write",
            batches["needletail/64"],
            batches["qemu-q35/64"],
            "/s",
            8,
            "batch",
            more_is_better=True,
        ),
        at_most("syncs per 64 outstanding requests", syncs["needletail"], syncs["qemu-q35"], "", 2, "flush", "<= 2"),
    ]
    return rows


def memory_rows(memory):
    return [
        at_most("memory beside the guest's (Pss)", memory["needletail"], memory["qemu-microvm"], "MiB", 5, "pss"),
        at_most(
            "memory beside the guest's (Pss), with a QMP client",
            memory["needletail/qmp"],
            memory["qemu-microvm/qmp"],
            "MiB",
            9,
            "pss",
        ),
    ]


def linux_rows(linux):
    return [row for part in (_linux_start, _large, _work, _prealloc, _sharing, _page_cache, _plug) for row in part(linux)]


def _linux_start(linux):
    start = linux.get("start", {})
    ours = start.get("needletail")
    return [
        compare("Linux, process start to init; QEMU microvm", ours, start.get("qemu-microvm"), "s", 0.8, "linux-start"),
        compare("Linux, process start to init; QEMU q35", ours, start.get("qemu-q35"), "s", 0.5, "linux-start"),
    ]


def _large(linux):
    large = linux.get("large-start", {})
    return [
        compare(
            "start, sparse file of 256 GiB, in the outer machine (hardware paging); 64 MiB",
            large.get("256G"),
            large.get("64M"),
            "ms",
            1.5,
            "noise",
            by="64 MiB",
        )
    ]


def _column(work, name, key):
    return [sample[key] for sample in work.get(name, []) if key in sample]


def _work(linux):
    work = linux.get("work", {})

    def pair(key):
        return _column(work, "needletail", key), _column(work, "qemu-q35", key)

    rows = [compare("Linux, one flush, file on tmpfs (fio)", *pair("flush"), "us", 0.5, "linux-flush")]
    for key, name in (
        ("huge", "1 GiB, tmpfs with huge pages"),
        ("ext4", "272 MiB, ext4"),
        ("small", "256 MiB, tmpfs, 4 KiB pages"),
    ):
        rows.append(compare(f"first touch of {name}", *pair(f"first/{key}"), "s", 1, "noise"))
    # Of 1 GiB each; with pages of 4 KiB a quarter of it is touched, for each fault takes long on an emulated processor.
    huge = _column(work, "needletail", "faults/huge")
    small = [4 * count for count in _column(work, "needletail", "faults/small")]
    rows.append(
        compare(
            "faults of the first touch of 1 GiB on huge pages; 4 KiB pages",
            huge,
            small,
            "faults",
            1 / 256,
            "noise",
            by="4 KiB pages",
        )
    )
    for kind in ("sequential-read", "sequential-write", "random-read", "random-write"):
        ours, theirs = ([value / 1024 for value in column] for column in pair(f"steady/{kind}"))
        native = [value / 1024 for value in _column(work, "native", f"steady/{kind}")]
        name = f"{kind.replace('-', ' ')} through DAX (fio, mmap)"
        rows.append(compare(name, ours, theirs, "MiB/s", 0.95, "steady", more_is_better=True))
        rows.append(compare(f"{name}; native", ours, native, "MiB/s", 0.95, "steady", by="native", more_is_better=True))
    return rows


def _prealloc(linux):
    found = linux.get("prealloc", {})

    def faults(name):
        return [found[name]["faults"]] if name in found else []

    return [
        at_most(
            "faults of the first touch of 64 MiB after prealloc=on",
            faults("needletail/on"),
            faults("qemu-q35/on"),
            "",
            16,
            "noise",
            "none but for the page tables' own",
        )
    ]


def _sharing(linux):
    found = linux.get("sharing", {})
    one, sixteen = ([found[f"needletail/{n}"]["image"]] if found else [] for n in (1, 16))
    row = compare(
        "host memory for one image of 16 MiB, 16 machines; 1 machine", sixteen, one, "MiB", 1.05, "noise", by="1 machine"
    )
    if not found:
        return [row]
    per_machine = [[found[f"{name}/16"]["monitors"] / 16] for name in ("needletail", "qemu-q35")]
    return [row, compare("memory of each of 16 monitors", *per_machine, "MiB", 1, "noise")]


def _page_cache(linux):
    found = linux.get("page-cache", {})
    ours, theirs = ([found[f"{name}/dax=always"] / 1024] if found else [] for name in ("needletail", "qemu-q35"))
    row = at_most("guest's page cache, 256 MiB read with DAX in a guest of 256 MiB", ours, theirs, "MiB", 4, "noise", "unchanged")
    if not found:
        return [row]
    without = [[found[f"{name}/dax=never"] / 1024] for name in ("needletail", "qemu-q35")]
    return [
        row,
        Row(
            "guest's page cache, the same without DAX, for comparison",
            *(spread(samples, "MiB") for samples in without),
            "",
            "",
            "",
        ),
    ]


def _plug(linux):
    plug = linux.get("plug", {})
    return [compare("device_add to /dev/pmemN; QEMU pc", plug.get("needletail"), plug.get("qemu-pc"), "s", 1, "noise")]


def every_row(results):
    return (
        start_rows(results["start"], results["start-q35"])
        + flush_rows(results)
        + memory_rows(results["memory"])
        + linux_rows(results["linux"])
    )
