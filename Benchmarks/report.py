"""docs/performance.md and its plots, made wholly from the template and the results."""

import datetime
import os
import re
import subprocess
import textwrap

from flush import OUTSTANDING
from linux_guest import MACHINE_COUNTS
from measure import median
from monitors import NEEDLETAIL, ROOT
from plot import line_plot
from rows import every_row, spread
from start_time import DEVICE_COUNTS, SIZES

TEMPLATE = os.path.join(ROOT, "Benchmarks", "performance.md.in")
DOCUMENT = os.path.join(ROOT, "docs", "performance.md")
PLOTS = os.path.join(ROOT, "docs", "performance")


def _table(header, lines):
    rows = [header, ["---"] * len(header)] + lines
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _notes(rows):
    """Why rows were missed; each reason once, with the rows that it is about."""
    reasons = {}
    for row in rows:
        if row.note:
            reasons.setdefault(row.note, []).append(row.what)
    if not reasons:
        return "Every row was reached."
    return "\n".join(_bullet(f"{'; '.join(names)}: {note}") for note, names in reasons.items())


def _bullet(text):
    return textwrap.fill(text, 130, initial_indent="- ", subsequent_indent="  ")


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _machine(results):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return _table(
        ["", ""],
        [
            ["date", datetime.date.today().isoformat()],
            ["commit", _output("git", "-C", ROOT, "describe", "--always", "--dirty")],
            ["processor", f"{model[1] if model else 'unknown'}, {os.cpu_count()} of them"],
            ["kernel", f"{os.uname().release}; KVM {'runs' if results['here'] else 'cannot run'} Linux"],
            ["load while it ran", f"{results['load'][0]:.1f} before, {results['load'][1]:.1f} after"],
            ["Needletail", _output(NEEDLETAIL, "-version").splitlines()[0]],
            ["QEMU", _output("qemu-system-x86_64", "--version").splitlines()[0]],
            ["it took", f"{results['minutes']:.0f} minutes"],
        ],
    )


def _medians(samples, pattern, keys):
    return [median(samples[pattern.format(key)]) if samples.get(pattern.format(key)) else None for key in keys]


def _plots(results):
    """File name to SVG."""
    start, batches, linux = results["start"], results["batches"], results["linux"]
    monitors = {"Needletail": "needletail", "QEMU microvm": "qemu-microvm"}
    with_memory = {"Needletail": "needletail", "QEMU q35": "qemu-q35"}
    plots = {
        "start-devices.svg": line_plot(
            "Start to first guest instruction",
            "devices of 64 MiB",
            "milliseconds",
            DEVICE_COUNTS,
            {title: _medians(start, f"{name}/{{}}/64M", DEVICE_COUNTS) for title, name in monitors.items()},
        ),
        "start-size.svg": line_plot(
            "Start to first guest instruction",
            "size of the one device (no hardware paging)",
            "milliseconds",
            SIZES,
            {title: _medians(start, f"{name}/1/{{}}", SIZES) for title, name in monitors.items()},
        ),
        "flush-outstanding.svg": line_plot(
            "Flushes per second, ext4, nothing to write",
            "requests outstanding",
            "flushes per second",
            OUTSTANDING,
            {title: _medians(batches, f"{name}/{{}}", OUTSTANDING) for title, name in with_memory.items()},
        ),
    }
    if "sharing" in linux:
        plots["sharing.svg"] = line_plot(
            "One image of 16 MiB that all machines read",
            "machines",
            "MiB of the host, image and monitors",
            MACHINE_COUNTS,
            {
                title: [sum(linux["sharing"][f"{name}/{count}"].values()) for count in MACHINE_COUNTS]
                for title, name in with_memory.items()
            },
        )
    return plots


def _growth(results):
    lines = []
    for key, samples in results["start"].items():
        name, count, size = key.split("/") if "/" in key else (key, "none", "")
        lines.append([name, count, size, spread(samples, "ms")])
    lines.sort(key=lambda line: line[0])
    return _table(["monitor", "devices", "size of each", "start to first guest instruction"], lines)


def _compressed_kernel(linux):
    found = linux.get("bzimage")
    if not found:
        return "not measured, see below"
    text = f"{found['guest'] - found['none']:.1f} s when the guest decompresses it"
    return text + (f", {found['host']:.1f} s for `xz` on the host" if "host" in found else "")


def _instructions(counts):
    lines = [[name, f"{value[0]:.2f}"] for name, value in counts.items()]
    return _table(["start to end of a guest that powers off at once", "million instructions"], lines)


def _failures(failed, rows):
    lines = [_bullet(f"{failure['part']}: {failure['why']}") for failure in failed]
    missing = [row.what for row in rows if row.verdict == "not measured"]
    if missing:
        lines.append(_bullet(f"without figures for that reason, or because time ran out: {'; '.join(missing)}"))
    return "\n".join(lines) or "Nothing failed."


def write(results):
    """All or nothing: the document replaces the old one after the plots have."""
    rows = every_row(results)
    with open(TEMPLATE, encoding="utf-8") as file:
        text = file.read()
    parts = {
        "machine": _machine(results),
        "rows": _table(
            ["what; beside what, if not QEMU", "Needletail", "beside it", "ratio", "to reach", ""], [row.cells() for row in rows]
        ),
        "notes": _notes(rows),
        "growth": _growth(results),
        "instructions": _instructions(results["instructions"]),
        "compressed-kernel": _compressed_kernel(results["linux"]),
        "failures": _failures(results["failed"], rows),
    }
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    left = re.search(r"\{\{.*?\}\}", text)
    if left:
        raise ValueError(f"the template asks for {left[0]}, which nobody makes")
    os.makedirs(PLOTS, exist_ok=True)
    for name, plot in _plots(results).items():
        _replace(os.path.join(PLOTS, name), plot)
    _replace(DOCUMENT, text)
    return rows


def _replace(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
