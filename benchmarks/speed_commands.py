"""Commands from the shell to a table of counts, start of the process included: one file, and a folder of them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speed_cases import Case
from speed_data import write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from speed_data import Prepared

    Counts = dict[tuple[str, str], int]

FLOWKIT = Path(__file__).with_name("flowkit_batch.py")
ONE, POOL = "1", "2"


def starting(data: Prepared) -> list[Case]:
    """Return the case of one file of 100,000 events."""
    study = data.folder / "study"
    study.mkdir(exist_ok=True)
    shutil.copy(data.fcs, study / "S1.fcs")
    return [_case("startup", data, study, ONE)]


def batch(data: Prepared, n_files: int, n_events: int) -> list[Case]:
    """Return the case of a folder of files; FlowKit's best way is a pool of two processes that are spawned."""
    study = data.folder / "batch"
    study.mkdir()
    for number in range(n_files):
        write_file(study / f"S{number:02}.fcs", n_events, seed=number)
    return [_case("batch", data, study, POOL)]


def _environment() -> dict[str, str]:
    """Return the environment of a command; compiled Python files are kept, as those of an installed package are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _case(name: str, data: Prepared, study: Path, processes: str) -> Case:
    ours, theirs = data.folder / f"{name}_out", data.folder / f"{name}.csv"
    run = [sys.executable, "-m", "tregflow", "run", str(study), "--strategy", str(data.strategy), "--quiet"]
    script = [sys.executable, str(FLOWKIT), str(study), str(data.gatingml), str(theirs), processes]

    def with_tregflow() -> Counts:
        shutil.rmtree(ours, ignore_errors=True)
        subprocess.run([*run, "--out", str(ours)], check=True, env=_environment())
        return _counts(ours / "populations.csv")

    def with_flowkit() -> Counts:
        subprocess.run(script, check=True, env=_environment() | {"PYTHONWARNINGS": "ignore"})
        return _counts(theirs)

    peers: dict[str, Callable[[], Counts]] = {"FlowKit": with_flowkit}
    return Case(name, with_tregflow, peers, dict.__eq__, threads=2 if processes == POOL else 1, apart=True)


def _counts(path: Path) -> Counts:
    with path.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["population"] != "root"]
    return {(row["sample"], row["population"]): int(row["count"]) for row in rows}
