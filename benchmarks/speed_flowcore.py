"""flowCore beside us, where R has it: a process of R that gates the file each time it is asked to."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speed_data import FLUORESCENT, GATES
from tregflow import Logicle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speed_data import Prepared

SCRIPT = Path(__file__).with_name("flowcore_counts.R")
DECADES = 4.5
"""flowCore's logicle axis ends there, ours at 1."""


class FlowCore:
    """A process of R with flowCore loaded; `counts` asks it to go from the file to counts."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def counts(self) -> dict[str, int]:
        """Return the counts of the ten gates."""
        if self._process.stdin is None or self._process.stdout is None:
            message = "R was started without pipes"
            raise RuntimeError(message)
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        words = self._process.stdout.readline().split()
        return {name: int(count) for name, count in (word.split("=") for word in words)}


@contextmanager
def flowcore(data: Prepared) -> Iterator[FlowCore | None]:
    """Yield flowCore, ready to gate the file; None, with the reason printed, where R lacks it."""
    reason = missing()
    if reason:
        print(f"flowCore is left out: {reason}")
        yield None
        return
    gates = data.folder / "flowcore.txt"
    gates.write_text("\n".join(map(_line, GATES)) + "\n", encoding="utf-8")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(["Rscript", "--vanilla", str(SCRIPT), str(data.fcs), str(gates)], **pipes) as process:
        yield FlowCore(process)
        process.stdin.close()  # R comes to the end of what it reads, and ends


def missing() -> str:
    """Return why there is no flowCore; an empty text if there is."""
    if shutil.which("Rscript") is None:
        return "there is no Rscript"
    asked = ["Rscript", "--vanilla", "-e", 'quit(status = !requireNamespace("flowCore", quietly = TRUE))']
    found = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return "" if found else "R has no package flowCore"


def _line(name: str) -> str:
    """Return a gate for R: name, parent, channels, then x and y of its vertices where flowCore's axes have them."""
    parent, x, y, points = GATES[name]
    columns = [_positions(axis, column) for axis, column in zip((x, y), np.array(points).T, strict=True)]
    numbers = " ".join(repr(float(value)) for value in np.column_stack(columns).ravel())
    return f"{name} {parent or 'root'} {x} {y} {numbers}"


def _positions(axis: str, values: np.ndarray) -> np.ndarray:
    return Logicle().apply(values) * DECADES if axis in FLUORESCENT else values
