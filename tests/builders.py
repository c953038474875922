"""Samples whose truth is known because it was counted in, and small strategies in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.fcs import Sample
from tregflow.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

DETECTORS = {
    "R780-A": "CD3",
    "V655-A": "CD4",
    "V710-A": "CD8",
    "B515-A": "CD25",
    "G560-A": "CD127",
    "R660-A": "FoxP3",
    "V450-A": "CD45RA",
    "V605-A": "CD19",
}
"""$PnN -> $PnS of the samples made here, beside FSC-A and SSC-A."""
HIGH, LOW = 20_000.0, 50.0
POSITIVE = {
    "Treg": ("CD3", "CD4", "CD25", "FoxP3"),
    "naive": ("CD3", "CD4", "CD127", "CD45RA"),
    "Teff": ("CD3", "CD4", "CD127"),
    "CD8": ("CD3", "CD8", "CD127"),
    "B": ("CD19",),
    "debris": (),
}
"""Class of cells -> the markers of which it has HIGH; it has LOW of the others."""
TREE = (
    "Lymphocytes: {polygon: [FSC-A, SSC-A], points: [[5e4, 1e4], [1.6e5, 1e4], [1.6e5, 9e4], [5e4, 9e4]]}",
    "CD3+: {in: Lymphocytes, above: {CD3: 1000}}",
    "CD4+: {in: CD3+, above: {CD4: 1000}, below: {CD8: 1000}}",
    "CD25hiCD127lo: {in: CD4+, polygon: [CD25, CD127], points: [[1e3, 0], [1e3, 1e3], [3e4, 1e3], [3e4, 0]]}",
    "Treg: {in: CD25hiCD127lo, above: {FoxP3: 1000}}",
    "Tconv: {in: CD4+, not: CD25hiCD127lo}",
    "Teff: {in: Tconv, below: {CD45RA: 1000}, optional: true}",
    "B: {in: Lymphocytes, above: {CD19: 1000}, below: {CD3: 1000}}",
)
"""Gates that find the classes of `cells` without error."""
KEYS = (
    "in, name, optional, polygon, points, open, rectangle, ellipsoid, mean, covariance, distance2, indefinite, "
    "quadrant, cell, units, bins, outside, above, below, not, all, any, auto, on, adapt"
)
"""Every key that a gate may have, as messages list them."""
REPORT = "{Treg_of_CD4: Treg / CD4+, Teff_of_Lymphocytes: Teff / Lymphocytes, B_of_CD4: B / CD4+}"


def cells(file: str = "P01_D8.fcs", *, keywords: Mapping[str, str] | None = None, **counts: int) -> Sample:
    """Return a sample of so many cells of each class of `POSITIVE`: ``cells(Treg=50, Teff=950)``."""
    classes = [name for name, count in counts.items() for _ in range(count)]
    columns: dict[str, ArrayLike] = {
        "FSC-A": [1e3 if name == "debris" else 1e5 for name in classes],
        "SSC-A": [1e3 if name == "debris" else 3e4 for name in classes],
    }
    for detector, marker in DETECTORS.items():
        columns[detector] = [HIGH if marker in POSITIVE[name] else LOW for name in classes]
    return Sample.from_columns(file, columns, markers=DETECTORS, keywords=keywords)


def events(file: str = "a.fcs", *, keywords: Mapping[str, str] | None = None, **columns: ArrayLike) -> Sample:
    """Return a sample with a column per name, which serves as $PnN: ``events(CD4=[1, 2])``."""
    return Sample.from_columns(
        file, {name: np.asarray(values, np.float64) for name, values in columns.items()}, keywords=keywords
    )


def strategy_text(*gates: str, **sections: str) -> str:
    """Return a strategy file: ``strategy_text("A: {above: {CD4: 5}}", report="{a: A / root}")``.

    Lines 1 to 3 are tregflow, name and compensation, then comes a line per further section, then ``gates:``.
    """
    head = {"tregflow": "1", "name": "test", "compensation": "none"} | sections
    return "\n".join(
        [*(f"{key}: {value}" for key, value in head.items()), "gates:", *(f"  {gate}" for gate in gates), ""]
    )


def strategy(*gates: str, **sections: str) -> Strategy:
    """Return a strategy, checked, which messages call ``t.yaml``."""
    return Strategy.loads(strategy_text(*gates, **sections), name="t.yaml")


def overrides_text(*rules: str) -> str:
    """Return an overrides file, a rule per line from line 3 on; by, at and why are filled in."""
    if not rules:
        return "tregflow: 1\noverrides: []\n"
    signed = "by: AB, at: 2026-05-04, why: seen"
    return "\n".join(["tregflow: 1", "overrides:", *(f"  - {{{rule}, {signed}}}" for rule in rules), ""])
