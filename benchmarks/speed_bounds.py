"""What no program can beat: the time in which one core reads the file's DATA once."""

from __future__ import annotations

import mmap
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMES = 15
_BUFFER = 1 << 18
_POPULATE = getattr(mmap, "MAP_POPULATE", 0)  # Linux: pages are mapped at once, not one fault after the other


def limits(path: Path, n_bytes: int) -> dict[str, float]:
    """Return how long one core takes at least to read as many bytes as DATA has, in seconds, in several ways.

    ``resident``: a sum over an array that the process holds already, eight bytes at a time; ``mapped``: the same over
    the file, mapped anew from the page cache; ``copied``: the file read by the kernel into a small buffer, as a program
    must that is not to die when a file shrinks under it. The first is the bound that `file_to_counts` is held against:
    it does not even open a file.
    """
    resident = np.random.default_rng(1).integers(0, 1 << 62, max(n_bytes // 8, 1), dtype=np.uint64)
    buffer = bytearray(_BUFFER)
    ways = {
        "resident": resident.sum,
        "mapped": lambda: _mapped(path),
        "copied": lambda: _copied(path, buffer),
    }
    return {name: min(_times(way)) for name, way in ways.items()}


def bandwidth() -> float:
    """Return the GB that one core copies in a second: what is read and what is written, both counted."""
    source, target = np.ones(10_000_000), np.zeros(10_000_000)
    return 2 * source.nbytes / median(_times(lambda: np.copyto(target, source))) / 1e9


def _mapped(path: Path) -> int:
    flags = (
        {"flags": mmap.MAP_SHARED | _POPULATE, "prot": mmap.PROT_READ} if _POPULATE else {"access": mmap.ACCESS_READ}
    )
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, **flags) as view:
        words = np.frombuffer(view, np.uint64, len(view) // 8)
        total = int(words.sum())
        del words  # a view that is looked at cannot be closed
        return total


def _copied(path: Path, buffer: bytearray) -> None:
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _times(action: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times
