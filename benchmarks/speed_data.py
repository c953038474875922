"""What speed is measured on: a file of 20 float32 channels, 13 of them fluorescent, and ten polygon gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow import Spillover, Strategy
from tregflow.fcs import Sample, read_fcs, write_fcs
from tregflow.interop.gatingml import write_gatingml

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SCATTER = ("FSC-A", "FSC-H", "FSC-W", "SSC-A", "SSC-H", "SSC-W")
FLUORESCENT = tuple(f"FL{number:02}-A" for number in range(1, 14))
CHOSEN = ("FSC-A", "FSC-H", "SSC-A", *FLUORESCENT[:5])
"""Eight channels: what a strategy of a few gates reads."""

# (parent, x, y, vertices in compensated data units): each looks at a part of what passed its parent.
# No float32 lies on an edge along an axis: there FlowKit leaves out on two sides what Gating-ML takes in.
GATES = {
    "Singlets": (
        "",
        "FSC-A",
        "FSC-H",
        ((20000.001, 1.5e4), (250000.001, 2e5), (250000.001, 2.6e5), (1e5, 1.1e5), (20000.001, 2.4e4)),
    ),
    "Cells": (
        "Singlets",
        "FSC-A",
        "SSC-A",
        ((30000.001, 2000.0001), (190000.001, 2000.0001), (190000.001, 9e4), (1.2e5, 1.2e5), (30000.001, 6e4)),
    ),
    "G1": ("Cells", "FL01-A", "SSC-A", ((-2e4, -1), (2000, -1), (2500, 5e4), (1500, 120000.001), (-2e4, 120000.001))),
    "G2": ("Cells", "FL02-A", "SSC-A", ((1500, -1), (2.6e5, -1), (2.6e5, 120000.001), (1800, 120000.001), (1200, 5e4))),
    "G3": ("G2", "FL03-A", "FL04-A", ((1500, -2e4), (2.6e5, -2e4), (2.6e5, 3000), (3e4, 2500), (1500, 1800))),
    "G4": ("G2", "FL03-A", "FL04-A", ((-2e4, 1500), (1800, 1500), (3000, 2.6e5), (500, 2.6e5), (-2e4, 2.6e5))),
    "G5": ("G3", "FL05-A", "FL06-A", ((900, -2e4), (2.6e5, -2e4), (2.6e5, 9000), (6000, 4000), (900, 2000))),
    "G6": ("G3", "FL07-A", "FL08-A", ((1200, 1200), (2.6e5, 900), (2.6e5, 2.6e5), (4e4, 2.6e5), (900, 2e4))),
    "G7": ("G4", "FL09-A", "FL10-A", ((-2e4, -2e4), (2000, -2e4), (2200, 800), (1500, 1500), (-2e4, 1800))),
    "G8": ("G1", "FL11-A", "FL12-A", ((1000, -2e4), (2.6e5, -2e4), (2.6e5, 2.6e5), (2e4, 2.6e5), (800, 1e4))),
}


MFI = {"Cells": ("FL01-A", "FL02-A"), "G3": ("FL05-A",), "G6": ("FL07-A", "FL08-A")}
"""Population -> channels whose median is asked for, in the cases that ask for some."""


@dataclass(frozen=True)
class Prepared:
    """Files, and the same events in memory; `with_mfi` is the strategy that asks for `MFI`."""

    folder: Path
    fcs: Path
    strategy: Path
    with_mfi: Path
    gatingml: Path
    sample: Sample
    table: NDArray[np.float32]
    spill: NDArray[np.float64]

    @property
    def fluorescent(self) -> list[int]:
        """Columns of `table` that are compensated."""
        return [self.sample.names.index(name) for name in FLUORESCENT]


def prepare(folder: Path, n_events: int) -> Prepared:
    """Write a file of so many events, and its gates for tregflow and for FlowKit."""
    fcs, strategy, with_mfi = folder / "speed.fcs", folder / "speed.yaml", folder / "speed_mfi.yaml"
    write_file(fcs, n_events)
    strategy.write_text(strategy_text(), encoding="utf-8")
    asked = ", ".join(f"{name}: [{', '.join(axes)}]" for name, axes in MFI.items())
    with_mfi.write_text(f"{strategy_text()}mfi: {{{asked}}}\n", encoding="utf-8")
    sample = read_fcs(fcs)
    gatingml = folder / "speed.xml"
    write_gatingml(gatingml, Strategy.load(strategy), sample=sample)
    table = np.ascontiguousarray(sample.array())
    spill = Spillover.from_sample(sample).matrix
    return Prepared(folder, fcs, strategy, with_mfi, gatingml, sample, table, spill)


def write_file(path: Path, n_events: int, seed: int = 20) -> None:
    """Write an FCS file of so many events; another seed gives other events of the same kind."""
    rng = np.random.default_rng(20)
    spill = np.eye(13) + np.triu(rng.uniform(0, 0.12, (13, 13)), 1) + np.tril(rng.uniform(0, 0.02, (13, 13)), -1)
    columns = simulated(n_events, spill, np.random.default_rng(seed))
    text = ",".join(["13", *FLUORESCENT, *(f"{value:.6g}" for value in spill.ravel())])
    write_fcs(path, Sample.from_columns(path.name, columns, keywords={"$SPILLOVER": text}))


def simulated(n_events: int, spill: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return 20 columns: scatter of two clouds, fluorescence on or off by chance, spilled over, noise, a clock."""
    small = rng.random(n_events) < 0.6
    size = np.where(small, 8e4, 1.4e5) * rng.lognormal(0, 0.15, n_events)
    grain = np.where(small, 2.5e4, 6e4) * rng.lognormal(0, 0.25, n_events)
    columns = {"FSC-A": size, "FSC-H": size * rng.normal(0.95, 0.04, n_events), "FSC-W": rng.normal(7e4, 4e3, n_events)}
    columns |= {
        "SSC-A": grain,
        "SSC-H": grain * rng.normal(0.9, 0.05, n_events),
        "SSC-W": rng.normal(7e4, 5e3, n_events),
    }
    bright = np.array([rng.random(n_events) < share for share in np.linspace(0.7, 0.25, 13)])
    dye = np.where(bright, 2e4, 150.0) * rng.lognormal(0, 0.5, (13, n_events))
    recorded = spill.T @ dye + rng.normal(0, 1, (13, n_events)) * np.sqrt(1e4 + 3 * dye)
    columns |= dict(zip(FLUORESCENT, recorded, strict=True))
    columns["Time"] = np.sort(rng.uniform(0, 1e4, n_events))
    return {name: column.astype(np.float32) for name, column in columns.items()}


def strategy_text() -> str:
    """Return the gates as a strategy."""
    lines = ["tregflow: 1", "name: speed", "compensation: fcs", "gates:"]
    for name, (parent, x, y, points) in GATES.items():
        above = f"in: {parent}, " if parent else ""
        listed = ", ".join(f"[{a!r}, {b!r}]" for a, b in points)
        lines.append(f"  {name}: {{{above}polygon: [{x}, {y}], points: [{listed}]}}")
    return "\n".join([*lines, "report: {G6: G6 / Cells}", ""])
