"""Speed against FlowIO, FlowKit, FlowUtils, flowCore, matplotlib and FlowCal, each case in turns with its peers.

A case with several peers has a row for each. ``ratio`` is the median time of the peer over the median of ours, and
``ratio_min`` and ``ratio_max`` the extremes of what single turns give; what takes less than 0.1 s is done three times a
turn, and the median counts. ``peak_rss_mb`` is by how much memory grew while ours ran, or, for commands, what their
processes held together at most. ``equal_counts`` says whether both came to the same values or counts. Kernels are
compiled and loaded before the first turn, except where a case is a command, which loads them from numba's cache. Files
are in the page cache. Other work on the machine shows as a wide spread: run it again.

``compile_s`` is what a strategy costs once: how much longer the first file takes than the second. ``limit_s`` is the
time in which one core reads as many bytes as DATA has (`speed_bounds.limits`), and ``limit_ratio`` is file_to_counts
over it. ``regate_ms`` is what it takes to move each of the ten gates.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import speed_commands
import speed_files
import tregflow._kernels  # noqa: F401 - loaded, so that reading uses them as it does in any process that gates
from common import arguments, head, table, write
from speed_bounds import bandwidth, limits
from speed_cases import computing, gating, reading
from speed_data import prepare, write_file
from speed_flowcore import flowcore
from speed_memory import grown, of_children
from tregflow import Strategy
from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from speed_cases import Case
    from speed_data import Prepared

N_EVENTS, STARTUP_EVENTS, FEW_EVENTS = 1_000_000, 100_000, 2000
BATCH = (40, 200_000)
QUICK_EVENTS, QUICK_BATCH = 100_000, (6, 20_000)
TURNS, QUICK_TURNS = 5, 3
SHORT, REPEATS = 0.1, 3
PEERS = ("flowio", "flowkit", "flowutils", "matplotlib", "FlowCal")


def main() -> None:
    """Run, print, write."""
    given = arguments(__doc__ or "", _more, needs_data=False)
    n_events = QUICK_EVENTS if given.quick else N_EVENTS
    result = {**head("speed", PEERS), "events": n_events, "bandwidth_gb_s": round(bandwidth(), 2)}
    with tempfile.TemporaryDirectory() as folder:
        result |= in_process(prepare(Path(folder), n_events), given.only, QUICK_TURNS if given.quick else TURNS)
    with tempfile.TemporaryDirectory() as folder:
        result["cases"] += commands(Path(folder), given.only, quick=given.quick)
    report(result)
    write(result, given.json)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="only cases whose name begins like this")


def in_process(data: Prepared, only: str, turns: int) -> dict[str, Any]:
    """Return the rows of all cases that run here, and what else is measured on the same file."""
    rows: list[dict[str, Any]] = []
    with flowcore(data) as peer:
        groups = (reading, computing, gating, lambda data: speed_files.from_file(data, peer), speed_files.regating)
        for group in groups:
            rows += [row for case in group(data) if case.name.startswith(only) for row in measured(case, turns)]
    fastest = limits(data.fcs, data.table.nbytes)
    taken = next((row["tregflow_s"] for row in rows if row["name"] == "file_to_counts"), None)
    return {
        "compile_s": round(compile_seconds(data), 6),
        "limit_s": round(min(fastest.values()), 6),
        "limits_s": {name: round(value, 6) for name, value in fastest.items()},
        "limit_ratio": None if taken is None else round(taken / min(fastest.values()), 2),
        "regate_ms": {name: round(1e3 * quick_seconds(move), 3) for name, move in each_moved(data, only).items()},
        "cases": rows,
    }


def each_moved(data: Prepared, only: str) -> dict[str, Callable[[], Any]]:
    """Return what moves each gate, where `regate` is among the cases asked for."""
    return speed_files.each_gate_moved(data) if "regate".startswith(only) else {}


def compile_seconds(data: Prepared) -> float:
    """Return how much longer a strategy takes for its first file than for its second, both of few events."""
    few = data.folder / "few.fcs"
    write_file(few, FEW_EVENTS)
    extra = []
    for _ in range(TURNS):
        forget()
        strategy = Strategy.load(data.strategy)
        first, second = (seconds(lambda of=strategy: of.gate(read_fcs(few, lazy=True))) for _ in range(2))
        extra.append(first - second)
    return median(extra)


def forget() -> None:
    """Empty the caches of compiled gates: an equal strategy would find its own there."""
    for name, module in list(sys.modules.items()):
        if name.startswith("tregflow.strategy"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def commands(folder: Path, only: str, *, quick: bool) -> list[dict[str, Any]]:
    """Return the rows of the cases that are commands."""
    data = prepare(folder, STARTUP_EVENTS)
    n_files, n_events = QUICK_BATCH if quick else BATCH
    groups = {"startup": speed_commands.starting, "batch": lambda data: speed_commands.batch(data, n_files, n_events)}
    wanted = [group for name, group in groups.items() if name.startswith(only)]
    return [row for group in wanted for case in group(data) for row in measured(case, 1 if quick else TURNS)]


def measured(case: Case, turns: int) -> list[dict[str, Any]]:
    """Return a row per peer: everybody once to warm up and to compare, then in turns."""
    peak, expected = memory_of(case)
    equal = {peer: bool(case.equal(expected, run())) for peer, run in case.peers.items()}
    del expected
    gc.collect()
    gc.freeze()  # so that the collections between turns neither take long nor sweep the caches
    ours: list[float] = []
    theirs: dict[str, list[float]] = {peer: [] for peer in case.peers}
    for _ in range(turns):
        ours.append(quick_seconds(case.ours))
        for peer, run in case.peers.items():
            theirs[peer].append(quick_seconds(run))
    return [
        {
            "name": case.name,
            "tregflow_s": round(median(ours), 6),
            "peer": peer,
            "peer_s": round(median(times), 6),
            "ratio": round(median(times) / median(ours), 2),
            "ratio_min": round(min(b / a for a, b in zip(ours, times, strict=True)), 2),
            "ratio_max": round(max(b / a for a, b in zip(ours, times, strict=True)), 2),
            "threads": case.threads,
            "peak_rss_mb": peak,
            "equal_counts": equal[peer],
        }
        for peer, times in theirs.items()
    ]


def quick_seconds(action: Callable[[], Any]) -> float:
    """Return how long it takes, the median of three times if that is short."""
    first = seconds(action)
    return first if first > SHORT else median([first, *(seconds(action) for _ in range(REPEATS - 1))])


def seconds(action: Callable[[], Any]) -> float:
    """Return how long it takes, what it returns thrown away afterwards."""
    gc.collect()
    start = time.perf_counter()
    result = action()
    taken = time.perf_counter() - start
    del result
    return taken


def memory_of(case: Case) -> tuple[float | None, Any]:
    """Return the MB that ours takes, and what it returns; None where the system does not say."""
    if case.apart:
        return of_children(case.ours)
    case.ours()  # once before: compiling takes memory, too
    return grown(case.ours)


def report(result: dict[str, Any]) -> None:
    """Print a row per case and peer."""
    print(f"{result['events']:,} events x 20 channels; copying: {result['bandwidth_gb_s']} GB/s")
    bounds = ", ".join(f"{name} {1e3 * value:.2f} ms" for name, value in result["limits_s"].items())
    print(f"DATA read once: {bounds}; file_to_counts takes {result['limit_ratio']} times the shortest of them")
    moved = ", ".join(f"{name} {value:.1f}" for name, value in result["regate_ms"].items())
    print(f"the strategy is compiled in {1e3 * result['compile_s']:.1f} ms; a gate moved, in ms: {moved}\n")
    columns = ("case", "tregflow ms", "peer", "peer ms", "ratio", "from", "to", "threads", "MB", "equal")
    rows = [
        (
            row["name"],
            f"{1e3 * row['tregflow_s']:.2f}",
            row["peer"],
            f"{1e3 * row['peer_s']:.1f}",
            f"{row['ratio']:.1f}",
            f"{row['ratio_min']:.1f}",
            f"{row['ratio_max']:.1f}",
            row["threads"],
            "" if row["peak_rss_mb"] is None else row["peak_rss_mb"],
            "yes" if row["equal_counts"] else "NO",
        )
        for row in result["cases"]
    ]
    table(columns, rows)


if __name__ == "__main__":
    main()
