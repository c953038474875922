"""FlowKit's way through a folder of files to one table of counts: ``flowkit_batch.py FOLDER GATES OUT PROCESSES``."""

from __future__ import annotations

import csv
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import flowkit

_kept: dict[str, Any] = {}


def prepare(gates: str) -> None:
    """Read the gates, once per process."""
    _kept["gates"] = flowkit.parse_gating_xml(gates)


def counted(path: Path) -> list[tuple[str, str, int]]:
    """Return sample, population and count of a file."""
    sample = flowkit.Sample(str(path), sample_id=path.stem)
    report = _kept["gates"].gate_sample(sample, cache_events=True).report
    _kept["gates"].clear_cache()
    return [(path.stem, name, int(count)) for name, count in zip(report["gate_name"], report["count"], strict=True)]


def main() -> None:
    """Gate every file of the folder, in one process or in a pool."""
    folder, gates, out, processes = sys.argv[1:]
    paths = sorted(Path(folder).glob("*.fcs"))
    if processes == "1":
        prepare(gates)
        tables = [counted(path) for path in paths]
    else:
        # Spawned: a process that was forked from one with threads may hang, and is no faster with 20 MB a file.
        context = multiprocessing.get_context("spawn")
        with context.Pool(int(processes), initializer=prepare, initargs=(gates,)) as pool:
            tables = pool.map(counted, paths, chunksize=1)
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("sample", "population", "count"))
        rows.writerows(row for table in tables for row in table)


if __name__ == "__main__":
    main()
