"""Samples: taken in turns, so that whatever else the machine does meets every contestant alike, and summed up robustly."""

import statistics
import sys
import time

_begin = time.monotonic()


def say(text):
    """Tells of progress, with the time since the start."""
    seconds = int(time.monotonic() - _begin)
    print(f"[{seconds // 60:2}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)


def interleave(contestants, rounds):
    """Calls every function of `contestants` (name to function) once per round, in an order that turns: A B, B A, ...

    Returns name to list of samples; a sample is a number or a dictionary of numbers.
    """
    samples = {name: [] for name in contestants}
    names = list(contestants)
    for round_number in range(rounds):
        for name in names if round_number % 2 == 0 else reversed(names):
            samples[name].append(contestants[name]())
    return samples


class Samples(dict):
    """Samples by name; none for what was not measured."""

    def __missing__(self, _):
        return []


def median(samples):
    return statistics.median(samples)


def quartiles(samples):
    """Lower and upper quartile; the smallest and the largest where there are too few samples for that."""
    if len(samples) < 4:
        return min(samples), max(samples)
    lower, _, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return lower, upper


def ratios(ours, theirs):
    """Round by round, since the two samples of a round met the same noise."""
    return [a / b for a, b in zip(ours, theirs) if b > 0]
