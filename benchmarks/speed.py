"""Speed against FlowIO, FlowKit, FlowUtils, matplotlib and FlowCal, each case in turns with its peers.

A case with several peers has a row for each. ``ratio`` is the median time of the peer over the median of ours, and
``ratio_min`` and ``ratio_max`` the extremes of what single turns give. ``peak_rss_mb`` is by how much memory grew while
ours ran, or, for commands, what their processes held together at most. ``equal_counts`` says whether both came to the
same values or counts. Kernels are compiled and loaded before the first turn, except where a case is a command, which
loads them from numba's cache. Files are in the page cache. Other work on the machine shows as a wide spread: run it
again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

import speed_cases
import tregflow._kernels  # noqa: F401 - loaded, so that reading uses them as it does in any process that gates
from common import arguments, head, table, write
from speed_data import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from speed_cases import Case

GROUPS = (speed_cases.reading, speed_cases.computing, speed_cases.gating)
N_EVENTS, QUICK_EVENTS, STARTUP_EVENTS = 1_000_000, 100_000, 100_000
TURNS = 5
PEERS = ("flowio", "flowkit", "flowutils", "matplotlib", "FlowCal")


def main() -> None:
    """Run, print, write."""
    given = arguments(__doc__ or "", needs_data=False)
    n_events = QUICK_EVENTS if given.quick else N_EVENTS
    result = {**head("speed", PEERS), "events": n_events, "bandwidth_gb_s": round(bandwidth(), 2)}
    result["cases"] = [row for case in cases(n_events) for row in measured(case)]
    report(result)
    write(result, given.json)


def cases(n_events: int) -> Iterator[Case]:
    """Yield every case, its data just before it."""
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(Path(folder), n_events)
        for group in GROUPS:
            yield from group(data)
        del data
        yield from speed_cases.starting(prepare(Path(folder), STARTUP_EVENTS))


def measured(case: Case) -> list[dict[str, Any]]:
    """Return a row per peer: everybody once to warm up and to compare, then in turns."""
    peak, expected = memory_of(case)
    equal = {peer: bool(case.equal(expected, run())) for peer, run in case.peers.items()}
    del expected
    gc.collect()
    gc.freeze()  # so that the collections between turns neither take long nor sweep the caches
    ours: list[float] = []
    theirs: dict[str, list[float]] = {peer: [] for peer in case.peers}
    for _ in range(TURNS):
        ours.append(seconds(case.ours))
        for peer, run in case.peers.items():
            theirs[peer].append(seconds(run))
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
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        before = resident("self", "VmRSS")
        result = case.ours()
        return round(max(resident("self", "VmHWM") - before, 0.0), 1), result
    except OSError:
        return None, case.ours()


def of_children(action: Callable[[], Any]) -> tuple[float | None, Any]:
    """Return the largest sum of what the processes that `action` starts hold, in MB, looked at every 10 ms."""
    sums: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            with contextlib.suppress(OSError):  # a process has just ended
                sums.append(sum(resident(each, "VmRSS") for each in descendants(str(os.getpid()))))

    thread = threading.Thread(target=watch)
    thread.start()
    result = action()
    done.set()
    thread.join()
    return (round(max(sums), 1) if any(sums) else None), result


def descendants(process: str) -> list[str]:
    """Return the processes that a process has started, and those that they have (Linux)."""
    of_threads = Path(f"/proc/{process}/task").glob("*/children")
    children = [child for path in of_threads for child in path.read_text(encoding="ascii").split()]
    return [found for child in children for found in (child, *descendants(child))]


def resident(process: str, which: str) -> float:
    """Return a size that Linux gives of a process, in MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(which)), 0.0)


def bandwidth() -> float:
    """Return the GB that one core copies in a second: what is read and what is written, both counted."""
    source, target = np.ones(10_000_000), np.zeros(10_000_000)
    times = [seconds(lambda: np.copyto(target, source)) for _ in range(9)]
    return 2 * source.nbytes / median(times) / 1e9


def report(result: dict[str, Any]) -> None:
    """Print a row per case and peer."""
    print(f"{result['events']:,} events x 20 channels; copying: {result['bandwidth_gb_s']} GB/s\n")
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
