"""What all tests share: where the real files are, and how hypothesis works."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before any test imports pyplot: no test opens a window, whatever the machine's default is.
os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline: the first call of a kernel compiles it, and tests time nothing. In CI the same examples every time, so
# that a red run is the fault of a change; at a desk new ones each time, so that new faults are found.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real files, read in place; skip where there is none."""
    named = os.environ.get("TREGFLOW_DATA")
    if not named:
        pytest.skip("TREGFLOW_DATA names no folder of real FCS files")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"TREGFLOW_DATA is {named!r}, which is not a folder")
    return folder
