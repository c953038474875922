"""How the time grows with events, gates, files and workers.

``events``: a file of so many events to the counts of ten gates; memory is that of a process that does just this.
``gates``: a file of a million events to the counts of so many gates: the ten of `speed_data`, then further ones on
pairs of channels that no other gate has, below the ten in turn. ``files``: a study of so many small files to all its
tables. ``workers``: a study of some files by either engine and by one worker or two; ``identical``: whether its tables
are the same to the byte; ``threads``: the same for one file. "Flat" is the largest over the smallest cost per event;
of files, the largest over the smallest cost of a further file from one number to the next: what a study costs by
itself is spread over its files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from common import arguments, head, table, write
from speed_data import FLUORESCENT, GATES, strategy_text, write_file
from speed_memory import of_children
from tregflow import Strategy, run
from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVENTS, QUICK_EVENTS = (100_000, 300_000, 1_000_000, 2_000_000, 5_000_000), (100_000, 300_000, 600_000)
GATE_NUMBERS = (1, 2, 5, 10, 20, 40)
FILES, QUICK_FILES = (10, 100, 300, 1000), (10, 40, 120)
EVENTS_OF_A_FILE = 2000
STUDY, QUICK_STUDY = (16, 200_000), (4, 50_000)
SHORTEST = 0.2
ONE_FILE = """
import sys, tregflow as tf
tf.Strategy.load(sys.argv[1]).gate(tf.read_fcs(sys.argv[2], lazy=True), masks=False).populations
"""
TURNS, STUDY_TURNS = 5, 3


def main() -> None:
    """Run, print, write."""
    given = arguments(__doc__ or "", needs_data=False)
    sizes, numbers = (QUICK_EVENTS, QUICK_FILES) if given.quick else (EVENTS, FILES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {n_events: folder / f"{n_events}.fcs" for n_events in sizes}
        for n_events, path in paths.items():
            write_file(path, n_events)
        middle = paths[min(sizes, key=lambda size: abs(size - 1_000_000))]
        result = head("scaling", ()) | {
            "events": by_events(paths),
            "gates": by_gates(middle),
            "threads": by_threads(middle),
            "files": by_files(folder / "files", numbers),
            "workers": by_workers(folder / "study", *(QUICK_STUDY if given.quick else STUDY)),
        }
    result |= summary(result)
    report(result)
    write(result, given.json)


# ---------------------------------------------------------------------------------------------------------- one file


def by_events(paths: dict[int, Path]) -> list[dict[str, Any]]:
    """Return the time for files of so many events; turns go round the files, so that none has the machine's best."""
    strategy = Strategy.loads(strategy_text())
    actions = {n_events: counting(strategy, path) for n_events, path in paths.items()}
    times = in_turns(actions)
    written_to = written(next(iter(paths.values())).parent)
    peaks = {n_events: peak_of("-c", ONE_FILE, str(written_to), str(path)) for n_events, path in paths.items()}
    return [{"events": n, "seconds": round(times[n], 6), "peak_rss_mb": peaks[n]} for n in paths]


def by_gates(path: Path) -> list[dict[str, Any]]:
    """Return the time for so many gates."""
    times = in_turns({number: counting(with_gates(number), path) for number in GATE_NUMBERS})
    return [{"gates": number, "seconds": round(seconds, 6)} for number, seconds in times.items()]


def by_threads(path: Path) -> list[dict[str, Any]]:
    """Return the time for one file with one thread and with two, and whether every event is where it was."""
    strategy = Strategy.loads(strategy_text())
    times = in_turns({threads: counting(strategy, path, threads=threads) for threads in (1, 2)})
    expected = strategy.gate(read_fcs(path), engine="reference")
    found = {threads: strategy.gate(read_fcs(path, lazy=True), threads=threads) for threads in times}
    return [
        {
            "threads": threads,
            "seconds": round(seconds, 6),
            "speedup": round(times[1] / seconds, 2),
            "identical": all(np.array_equal(found[threads][name], expected[name]) for name in GATES),
        }
        for threads, seconds in times.items()
    ]


def counting(strategy: Strategy, path: Path, *, threads: int = 1) -> Callable[[], object]:
    """Return what goes from the file to counts."""
    return lambda: strategy.gate(read_fcs(path, lazy=True), threads=threads, masks=False).populations


def with_gates(number: int) -> Strategy:
    """Return a strategy of so many gates."""
    strategy = Strategy.loads(strategy_text())
    names = list(GATES)
    gates = {name: strategy.data["gates"][name] for name in names[:number]}
    used = {frozenset(gate[1:3]) for gate in GATES.values()}
    pairs = ((x, y) for i, x in enumerate(FLUORESCENT) for y in FLUORESCENT[i + 1 :] if {x, y} not in used)
    for extra, (x, y) in zip(range(len(gates), number), pairs, strict=False):
        size = 1 + 0.02 * extra
        points = [[900 * size, -2e4], [2.6e5, -2e4], [2.6e5, 9000 * size], [6000 * size, 4000], [900, 2000 * size]]
        gates[f"X{extra}"] = {"in": names[1 + extra % 9], "polygon": [x, y], "points": points}
    return strategy.revised({**strategy.data, "gates": gates, "report": {}}, name=f"{number} gates")


# ----------------------------------------------------------------------------------------------------------- studies


def by_files(folder: Path, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Return the time per file of studies of so many small files, the fastest of three."""
    rows = []
    for number in numbers:
        study = folder / str(number)
        study.mkdir(parents=True)
        for index in range(number):
            write_file(study / f"S{index:04}.fcs", EVENTS_OF_A_FILE, seed=index)
        strategy, out = written(folder), study.with_suffix(".out")
        peak = peak_of("-m", "tregflow", "run", str(study), "--strategy", str(strategy), "--out", str(out), "--quiet")
        seconds = min(studied(study, strategy, out) for _ in range(3))
        rows.append({"files": number, "seconds_per_file": round(seconds / number, 6), "peak_rss_mb": peak})
    return rows


def by_workers(study: Path, n_files: int, n_events: int) -> list[dict[str, Any]]:
    """Return the time of a study by either engine and one worker or two, against the fused engine with one."""
    study.mkdir()
    for index in range(n_files):
        write_file(study / f"S{index:02}.fcs", n_events, seed=index)
    strategy = written(study.parent)
    ways = [(engine, jobs) for engine in ("fused", "reference") for jobs in (1, 2)]
    out = {way: study.with_name(f"{way[0]}{way[1]}") for way in ways}
    taken: dict[Any, list[float]] = {way: [] for way in ways}
    for _ in range(1 + STUDY_TURNS):
        for way in ways:
            taken[way].append(studied(study, strategy, out[way], engine=way[0], jobs=way[1]))
    times = {way: median(found[1:]) for way, found in taken.items()}
    return [
        {
            "engine": engine,
            "workers": jobs,
            "seconds": round(seconds, 3),
            "speedup": round(times[engine, 1] / seconds, 2),
            "identical": all(
                (out[engine, jobs] / name).read_bytes() == (out["fused", 1] / name).read_bytes()
                for name in ("populations.csv", "frequencies.csv", "mfi.csv", "findings.csv")
                if (out["fused", 1] / name).exists()
            ),
        }
        for (engine, jobs), seconds in times.items()
    ]


def studied(study: Path, strategy: Path, out: Path, **how: Any) -> float:
    """Return how long a study takes into a new folder: an old one would give it its results."""
    shutil.rmtree(out, ignore_errors=True)
    return timed(lambda: run(study, strategy=strategy, out=out, **how))


def peak_of(*arguments: str) -> float | None:
    """Return the MB that a process of its own holds at most, interpreter and packages included."""
    return of_children(lambda: subprocess.run([sys.executable, *arguments], check=True))[0]


def written(folder: Path) -> Path:
    """Return the strategy as a file."""
    path = folder / "ten.yaml"
    path.write_text(strategy_text(), encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------------------- times


def in_turns(actions: dict[Any, Callable[[], object]]) -> dict[Any, float]:
    """Return the median time of each action, taken in turns after a first time; short ones are repeated in a turn."""
    for action in actions.values():
        action()
    times: dict[Any, list[float]] = {name: [] for name in actions}
    for _ in range(TURNS):
        for name, action in actions.items():
            times[name].append(timed(action))
            while sum(times[name][-3:]) < SHORTEST and len(times[name]) % 3:
                times[name].append(timed(action))
    return {name: median(taken) for name, taken in times.items()}


def timed(action: Callable[[], object]) -> float:
    """Return how long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# ----------------------------------------------------------------------------------------------------------- results


def summary(result: dict[str, Any]) -> dict[str, float]:
    """Return how flat the costs are, and what a further gate costs as a part of ten."""
    per_event = [row["seconds"] / row["events"] for row in result["events"]]
    whole = [(row["files"], row["files"] * row["seconds_per_file"]) for row in result["files"]]
    per_file = [(after - before) / (m - n) for (n, before), (m, after) in pairwise(whole)]
    gates = {row["gates"]: row["seconds"] for row in result["gates"]}
    last = max(gates)
    return {
        "flat_events": round(max(per_event) / min(per_event), 2),
        "flat_files": round(max(per_file) / min(per_file), 2),
        "further_gate": round((gates[last] - gates[10]) / (last - 10) / gates[10], 4),
    }


def report(result: dict[str, Any]) -> None:
    """Print the rows, and the ratios that they come to."""
    events = [{**row, "ns_per_event": round(1e9 * row["seconds"] / row["events"], 2)} for row in result["events"]]
    for rows in (events, result["gates"], result["threads"], result["files"], result["workers"]):
        table(tuple(rows[0]), [tuple(row.values()) for row in rows])
        print()
    print(f"cost per event, largest over smallest: {result['flat_events']}")
    print(f"cost of a further file, likewise:     {result['flat_files']}")
    print(f"a further gate, as a part of ten:      {100 * result['further_gate']:.1f} %")


if __name__ == "__main__":
    main()
