"""Every gate of the published Gating-ML 1.5 suites, event by event: the geometry of our gates."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.gatingml15 import Gates15, Row, read_gates, recorded, summary, truth

from tregflow.fcs import read_fcs

if TYPE_CHECKING:
    from tregflow.gates import Mask

SUITES = {
    "01Rectangular": 14,
    "04PolygonGates": 20,
    "05CtSPolygonGates": 11,
    "08Ellipses": 20,
    "14BooleanGates": 25,
    "17ParentIdTest": 30,
}


def rows() -> list[Row]:
    """Return the gates to ask; a stand-in without data, which skips."""
    folder = Path(os.environ.get("TREGFLOW_DATA", "")) / "gatingml15"
    return summary(folder) if (folder / "summary.csv").is_file() else [Row("no data", "none", "none", 0)]


@cache
def gates(path: Path) -> Gates15:
    return read_gates(path)


@cache
def masks(path: Path, data: Path) -> dict[str, Mask]:
    return gates(path).masks(recorded(read_fcs(data)))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.suite}-{row.gate}")
def test_a_gate_holds_exactly_the_published_events(data_dir: Path, row: Row) -> None:
    folder = data_dir / "gatingml15"
    inside = masks(folder / "gates" / f"{row.suite}.xml", folder / "events" / row.data_file)[row.gate].inside
    assert inside.sum() == row.count
    assert np.array_equal(inside, truth(folder, row))


def test_all_suites_are_there(data_dir: Path) -> None:
    found = summary(data_dir / "gatingml15")
    assert {suite: sum(row.suite == suite for row in found) for suite in SUITES} == SUITES
    parents = gates(data_dir / "gatingml15" / "gates" / "17ParentIdTest.xml")
    on_trees = [row.gate for row in found if row.suite == "17ParentIdTest" and parents.needs_tree(row.gate)]
    assert (len(found), len(on_trees)) == (120, 10)
