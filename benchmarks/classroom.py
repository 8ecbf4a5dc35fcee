"""A class of 100 that shares a few machines: how long is the queue? `python -m benchmarks.classroom`.

A simulation of one lesson. Everybody asks for a first run at some moment of its first minutes, waits for its turn and
for its end, thinks for a while (exponentially distributed), and asks for the next one. All runs wait in one queue and
are served in the order in which they were asked for, as the runs folder's queue and Ray do. How long a run takes is
measured here, at the beginning: presets are trained for real by `python -m cnn.train`, and each simulated run takes one
of the measured times of whole processes. So a simulated machine is one like this; with --runs-at-once K it has the
cores and the memory of K of them. Nobody gives up, and whoever waits when the lesson ends waits on: the waiting times
are those until the run began, also where that was after the lesson. Thinking and arriving are assumptions, and options.
"""

import argparse
import heapq
import math
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.report import machine
from benchmarks.training import train
from cnn.config import presets


class Job(NamedTuple):
    """A run in the simulation: when it was asked for, began and ended, in seconds from the start of the lesson."""

    asked: float
    began: float
    ended: float


def simulate(
    first: Sequence[float], servers: int, duration: Callable[[], float], pause: Callable[[], float], until: float
) -> list[Job]:
    """Serve everybody who asks, first come first served.

    Args:
        first: when each person asks for a first run.
        servers: runs that are served at the same time.
        duration: draws how long a run takes.
        pause: draws how long somebody thinks after the end of a run; infinity: asks for no other.
        until: nobody asks for anything from this time on.

    Returns:
        The runs in the order in which they were asked for, each served to its end.
    """
    requests = [time for time in first if time < until]
    heapq.heapify(requests)
    free = [0.0] * servers  # when each server will be free, as a heap too
    jobs = []
    while requests:  # what is asked for later cannot overtake the earliest: a new request comes after its run's end
        asked = heapq.heappop(requests)
        began = max(asked, free[0])
        ended = began + duration()
        heapq.heapreplace(free, ended)
        jobs.append(Job(asked, began, ended))
        if (again := ended + pause()) < until:
            heapq.heappush(requests, again)
    return jobs


@dataclass(frozen=True)
class Outcome:
    """One lesson: times in seconds, shares in [0, 1]."""

    asked: int  # runs
    finished: int  # before its end
    utilisation: float  # share of the machines' time in which they trained
    mean: float
    median: float
    late: float  # the 95th percentile
    longest: float
    over_a_minute: float  # share of the runs that waited longer than that
    waiting: int  # runs that had not begun when the lesson ended


def outcome(jobs: Sequence[Job], servers: int, lesson: float) -> Outcome:
    """What became of the runs of a lesson of so many seconds, all asked for within it."""
    waits = sorted(job.began - job.asked for job in jobs)
    busy = sum(max(0.0, min(job.ended, lesson) - job.began) for job in jobs)
    return Outcome(
        asked=len(jobs),
        finished=sum(job.ended <= lesson for job in jobs),
        utilisation=busy / (servers * lesson),
        mean=statistics.fmean(waits),
        median=statistics.median(waits),
        late=waits[math.ceil(0.95 * len(waits)) - 1],
        longest=waits[-1],
        over_a_minute=sum(wait > 60 for wait in waits) / len(waits),
        waiting=sum(job.began > lesson for job in jobs),
    )


def measured(names: Sequence[str], repeats: int) -> dict[str, list[float]]:
    """Seconds that a run of each preset takes here, from the start of its process to its end."""
    times: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CNN_RUNS"] = folder
        for repeat in range(1, repeats + 1):
            for name in names:
                print(f"Training {name}, {repeat} of {repeats}", file=sys.stderr, flush=True)
                times[name].append(round(train(presets()[name])[1], 1))
    return times


_ROWS: dict[str, tuple[str, float, str]] = {  # name: field of Outcome, factor, format
    "runs asked for": ("asked", 1, "{:.0f}"),
    "runs finished in the lesson": ("finished", 1, "{:.0f}"),
    "machines in use": ("utilisation", 100, "{:.0f}%"),
    "minutes of waiting, mean": ("mean", 1 / 60, "{:.1f}"),
    "minutes of waiting, median": ("median", 1 / 60, "{:.1f}"),
    "minutes of waiting, 95th percentile": ("late", 1 / 60, "{:.1f}"),
    "minutes of waiting, longest": ("longest", 1 / 60, "{:.1f}"),
    "waited longer than 1 minute": ("over_a_minute", 100, "{:.0f}%"),
    "not begun at the lesson's end": ("waiting", 1, "{:.0f}"),
}


def table(columns: dict[int, list[Outcome]]) -> str:
    """A column for each number of machines, in Markdown: the mean over the lessons, and their range."""
    rows = [["", *(f"{count} machine{'s' * (count > 1)}" for count in columns)]]
    for name, (field, factor, form) in _ROWS.items():
        cells = []
        for lessons in columns.values():
            values = [factor * getattr(lesson, field) for lesson in lessons]
            middle, low, high = (form.format(value) for value in (statistics.fmean(values), min(values), max(values)))
            cells.append(f"{middle} ({low} to {high})")
        rows.append([name, *cells])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, cells, widths)) + " |" for cells in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def lessons(options: argparse.Namespace, times: dict[str, list[float]], machines: int) -> list[Outcome]:
    """Every lesson of the same class with so many machines; the seed of a lesson decides all that is random in it."""
    servers, lesson = machines * options.runs_at_once, 60 * options.lesson
    names, weights = zip(*options.mix.items(), strict=True)
    found = []
    for seed in range(1, options.seeds + 1):
        chance = random.Random(seed)
        first = [chance.uniform(0, 60 * options.arrival) for _ in range(options.students)]
        jobs = simulate(
            first,
            servers,
            duration=lambda chance=chance: chance.choice(times[chance.choices(names, weights)[0]]),
            pause=lambda chance=chance: chance.expovariate(1 / (60 * options.think)),
            until=lesson,
        )
        found.append(outcome(jobs, servers, lesson))
    return found


def _parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--runs-at-once", type=int, default=1, help="of one machine, each on the cores of this one")
    parser.add_argument("--lesson", type=float, default=90, metavar="MINUTES")
    parser.add_argument("--arrival", type=float, default=10, metavar="MINUTES", help="in which the first runs come")
    parser.add_argument("--think", type=float, default=8, metavar="MINUTES", help="between two runs, on average")
    parser.add_argument(
        "--mix",
        nargs="+",
        type=_pair,
        default=[("tiny", "1"), ("fast", "1")],
        metavar="PRESET=WEIGHT",
        help="how often each preset is trained",
    )
    parser.add_argument("--repeats", type=int, default=3, help="real trainings of each preset")
    parser.add_argument(
        "--times",
        nargs="+",
        type=_pair,
        metavar="PRESET=SECONDS,...",
        help="of an earlier run of this benchmark, instead of training",
    )
    parser.add_argument("--seeds", type=int, default=20, help="simulated lessons")
    options = parser.parse_args(arguments)
    try:
        options.mix = {name: float(weight) for name, weight in options.mix}
        options.times = {name: [float(text) for text in texts.split(",")] for name, texts in options.times or ()}
    except ValueError as error:
        parser.error(f"{error}: write for example --mix tiny=2 fast=1 --times tiny=9.5,9.8 fast=40")
    if unknown := options.mix.keys() - presets().keys():
        parser.error(f"there is no preset {', '.join(sorted(unknown))}: choose from {', '.join(presets())}")
    if options.times and (missing := options.mix.keys() - options.times.keys()):
        parser.error(f"--times says nothing of {', '.join(sorted(missing))}")
    return options


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def main() -> None:
    options = _parse()
    print(machine())
    times = options.times or measured(list(options.mix), options.repeats)
    source = "given" if options.times else f"measured here, each preset {options.repeats}×"
    print(f"Seconds of a run's whole process, {source}; to simulate again without training:")
    print("  --times", *(f"{name}={','.join(map(str, values))}" for name, values in times.items()))
    weights = ", ".join(f"{name} {weight / sum(options.mix.values()):.0%}" for name, weight in options.mix.items())
    print(
        f"{options.students} students, {options.lesson:g} minutes; the first runs within {options.arrival:g} minutes, "
        f"then {options.think:g} minutes of thought between two runs on average; {weights}.\n"
        f"A machine trains {options.runs_at_once} at once, each on as many cores as here "
        f"({len(os.sched_getaffinity(0))}).\nMean of {options.seeds} simulated lessons (range over the lessons).\n"
    )
    print(table({count: lessons(options, times, count) for count in options.machines}))


if __name__ == "__main__":
    main()
