"""How much memory something takes: by how much this process grew, or what the processes it started held (Linux)."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def grown(action: Callable[[], Any]) -> tuple[float | None, Any]:
    """Return by how many MB this process grew, None where the system does not say, and what `action` returns."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        before = resident("self", "VmRSS")
        result = action()
        return round(max(resident("self", "VmHWM") - before, 0.0), 1), result
    except OSError:
        return None, action()


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
