"""The example trial: nine patients on day 0 and day 8, shaped like the published trial of low-dose interleukin-2.

Treg rise 1.1- to 2.7-fold (mean 1.8, SD 0.51) from 3.8–7.0 % of CD4 T cells, exactly, in whole cells; effector T cells
and B cells keep their shares of lymphocytes. Nobody's data: every cell is simulated.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from tregflow._files import write_whole
from tregflow.simulate.cohort import Person, Tube, control_tubes, study_yaml, template, write_tubes
from tregflow.simulate.model import Batch

SEED = 2025
"""Chosen before anything was simulated; the gates were set on other seeds."""

BASELINE = (4.1, 5.0, 6.2, 3.8, 5.5, 4.7, 7.0, 5.2, 3.9)
"""Treg at baseline, % of CD4 T cells."""
FOLD = (1.1, 1.4, 1.4, 1.5, 1.8, 1.9, 2.1, 2.3, 2.7)
CD4_BEFORE = 6000
CD4_AFTER = (10000, 6000, 7500, 6000, 6000, 10000, 6000, 7500, 10000)
"""CD4 T cells on day 8: the fewest that make baseline × fold a whole number of Treg, and 6,000 or more."""

BATCHES = (
    Batch(name="B1", date="2025-05-13"),
    Batch(
        name="B2", date="2025-06-17",
        gains={"CD19": 0.72, "Viability": 1.00, "CD8": 0.92, "CD127": 0.84, "CD45RA": 0.69, "CD25": 1.12, "CD4": 0.89,
               "FoxP3": 1.04, "CD3": 1.11},
    ),
)  # fmt: skip
"""B1 is the day on which the cytometer was set up, so its gains are 1; those of B2 are one draw of exp N(0, 0.15)."""

PERSONS = (
    Person(cd4=0.46, b=0.12, naive=0.50, activated=0.020, treg_naive=0.30, nk=0.35, monocytes=0.10, dead=0.03),
    Person(cd4=0.51, b=0.09, naive=0.56, activated=0.015, treg_naive=0.35, nk=0.40, monocytes=0.12, dead=0.05),
    Person(cd4=0.48, b=0.13, naive=0.45, activated=0.025, treg_naive=0.28, nk=0.30, monocytes=0.09, dead=0.04),
    Person(cd4=0.53, b=0.08, naive=0.58, activated=0.010, treg_naive=0.38, nk=0.42, monocytes=0.11, dead=0.03),
    Person(cd4=0.49, b=0.11, naive=0.52, activated=0.020, treg_naive=0.32, nk=0.33, monocytes=0.10, dead=0.06),
    Person(cd4=0.47, b=0.14, naive=0.47, activated=0.030, treg_naive=0.27, nk=0.38, monocytes=0.13, dead=0.04),
    Person(cd4=0.50, b=0.10, naive=0.54, activated=0.020, treg_naive=0.33, nk=0.36, monocytes=0.09, dead=0.05),
    Person(cd4=0.52, b=0.07, naive=0.60, activated=0.015, treg_naive=0.36, nk=0.45, monocytes=0.12, dead=0.03),
    Person(cd4=0.48, b=0.12, naive=0.43, activated=0.035, treg_naive=0.29, nk=0.31, monocytes=0.10, dead=0.04),
)  # fmt: skip
_FIRST_VISIT = date(2025, 2, 3)
_DAYS_BETWEEN = (8, 8, 7, 8, 9, 8, 8, 10, 8)
_LOW_SCATTER = {"P06_D8": 0.90}
"""Forward scatter of one tube reads 10 % low: what a sample's own override is for."""


def example_tubes() -> tuple[Tube, ...]:
    """Return the tubes of the example trial: two visits of nine patients, then two controls of each batch."""
    tubes = [tube for number in range(len(FOLD)) for tube in _patient(number)]
    return (*tubes, *(tube for batch in BATCHES for tube in control_tubes(batch)))


def write_example(directory: Path | str) -> None:
    """Write the example trial: FCS files, study.yaml, samples.csv, overrides.yaml, treg.yaml and truth.csv.

    Parameters
    ----------
    directory : Path or str
        Folder to fill; made where it does not exist.
    """
    folder = Path(directory)
    write_tubes(folder, example_tubes(), seed=SEED, labels=False)
    write_whole(folder / "treg.yaml", template())
    write_whole(folder / "overrides.yaml", _OVERRIDES.encode())
    write_whole(folder / "study.yaml", study_yaml("TREG-DEMO", further=_FURTHER).encode())


def _patient(number: int) -> tuple[Tube, Tube]:
    person, share, fold = PERSONS[number], BASELINE[number] / 100, FOLD[number]
    cd4 = CD4_AFTER[number]
    before = person.baseline(CD4_BEFORE, round(share * CD4_BEFORE))
    after = person.later(before, cd4, round(share * fold * cd4))
    # Both visits share a batch, and the batches take patients in turn, so that fold and batch are not confounded.
    batch = BATCHES[number % len(BATCHES)]
    first = _FIRST_VISIT + timedelta(days=7 * number)
    days = {"D0": (before, first), "D8": (after, first + timedelta(days=_DAYS_BETWEEN[number]))}
    day0, day8 = (
        Tube(sample=f"P{number + 1:02d}_{visit}", subject=f"P{number + 1:02d}", visit=visit, batch=batch,
             date=day.isoformat(), specimen=person.specimen(counts, day8=visit == "D8"))
        for visit, (counts, day) in days.items()
    )  # fmt: skip
    return day0, replace(day8, specimen=replace(day8.specimen, fsc_gain=_LOW_SCATTER.get(day8.sample, 1.0)))


_FURTHER = """\
overrides: overrides.yaml
confirmed: {by: example reader, at: "2025-06-23"}
"""

_OVERRIDES = """\
tregflow: 1
overrides:
  - id: B2-CD25-CD127
    when: {batch: B2}
    gate: CD25hiCD127lo
    move: {CD25: {gain: 1.12}, CD127: {gain: 0.84}}
    by: example reader
    at: "2025-06-18"
    why: Reference beads of B2 read 1.12 (PE-A) and 0.84 (V780-A) times those of B1.
  - id: B2-CD45RA
    when: {batch: B2}
    gate: Teff
    move: {CD45RA: {gain: 0.69}}
    by: example reader
    at: "2025-06-18"
    why: Reference beads of B2 read 0.69 (FITC-A) times those of B1.
  - id: P06_D8-scatter
    when: {sample: P06_D8}
    gate: Lymphocytes
    move: {FSC-A: {gain: 0.90}}
    by: example reader
    at: "2025-06-18"
    why: Forward scatter of this tube reads 10 % low, in lymphocytes and monocytes alike.
"""
