"""What the benchmarks share: arguments, the head of the JSON, a table on the terminal."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def arguments(
    description: str, more: Callable[[argparse.ArgumentParser], object] = lambda _: None, *, needs_data: bool = True
) -> argparse.Namespace:
    """Parse ``[--quick] [--data DIR] [--json FILE]`` and what `more` adds; without data, if needed, say so and stop."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a small part, under 40 s on 2 cores")
    parser.add_argument("--data", type=Path, default=os.environ.get("TREGFLOW_DATA"), help="folder of test data")
    parser.add_argument("--json", type=Path, help="write the results as JSON")
    more(parser)
    given = parser.parse_args()
    if not needs_data:
        return given
    if given.data is None or not Path(given.data).is_dir():
        sys.exit("no data: give --data DIR, or set TREGFLOW_DATA")
    given.data = Path(given.data)
    return given


def head(name: str, peers: Sequence[str]) -> dict[str, Any]:
    """Return the head that every result file begins with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
    return {
        "benchmark": name,
        "version": version("tregflow"),
        "machine": {"cores": os.cpu_count(), "memory": memory, "python": platform.python_version()},
        "peers": {peer: _version(peer) for peer in peers},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns, widths fitted."""
    texts = [tuple(map(str, row)) for row in (columns, *rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def write(result: dict[str, Any], path: Path | None) -> None:
    """Write the result as JSON where a file was named."""
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(f"\nwritten: {path}")
