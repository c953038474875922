"""Whole studies with known truth: FCS files, sample sheet, study file, strategy, and what every event is.

The truth of a sample is exact, since the number of live single cells of each class is what is simulated; dead cells,
debris and doublets come on top.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tregflow._files import csv_bytes, write_whole
from tregflow.errors import SimulationError
from tregflow.fcs import write_fcs
from tregflow.simulate.model import Batch, Specimen
from tregflow.simulate.physics import simulate_sample
from tregflow.simulate.populations import CD4, LIVE, LYMPHOCYTES, PANEL, TCONV, TEFF, TREG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tregflow._files import Cell
    from tregflow.fcs import Sample

SHEET = ("sample", "file", "subject", "visit", "date", "batch", "role")
"""Columns of samples.csv."""
DERIVED = {"CD4": CD4, "Treg": TREG, "Tconv": TCONV, "Teff": TEFF, "lymphocytes": LYMPHOCYTES}
"""Sums of classes in truth.csv; B cells are a class of their own."""
TRUTH = ("sample", "subject", "visit", "batch", *LIVE, *DERIVED)
"""Columns of truth.csv."""
CONTROL_EVENTS = 3000
_MAX_PATIENTS = 999
_VISITS = ("D0", "D8")
_FIRST_DAY = date(2025, 1, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tube:
    """A row of the sample sheet and what is in the tube."""

    sample: str
    batch: Batch
    specimen: Specimen
    date: str
    subject: str = ""
    visit: str = ""
    role: str = "sample"

    @property
    def file(self) -> str:
        """Name of the FCS file."""
        return f"{self.sample}.fcs"

    def row(self) -> dict[str, Cell]:
        """Return the row of samples.csv."""
        return {"sample": self.sample, "file": self.file, "subject": self.subject, "visit": self.visit,
                "date": self.date, "batch": self.batch.name, "role": self.role}  # fmt: skip

    def truth(self) -> dict[str, Cell]:
        """Return the row of truth.csv: live single cells by class, and sums of classes."""
        counts = self.specimen.counts
        sums = {name: sum(counts[part] for part in parts) for name, parts in DERIVED.items()}
        names = {"sample": self.sample, "subject": self.subject, "visit": self.visit, "batch": self.batch.name}
        return {**names, **{name: counts[name] for name in LIVE}, **sums}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What stays the same between a patient's visits.

    Attributes
    ----------
    cd4 : float
        CD4 T cells among lymphocytes at baseline.
    b : float
        B cells among lymphocytes.
    naive : float
        Naive cells among Tconv at baseline.
    activated : float
        Activated cells among Tconv.
    treg_naive : float
        Naive cells among Treg.
    nk : float
        NK cells among the lymphocytes that are neither CD4 T nor B cells.
    monocytes, dead, debris, doublets : float
        Events per lymphocyte.
    """

    cd4: float = 0.48
    b: float = 0.11
    naive: float = 0.53
    activated: float = 0.02
    treg_naive: float = 0.32
    nk: float = 0.36
    monocytes: float = 0.10
    dead: float = 0.04
    debris: float = 0.07
    doublets: float = 0.027

    def baseline(self, cd4: int, treg: int) -> dict[str, int]:
        """Return live single cells by class, of which `cd4` are CD4 T cells and `treg` of these Treg."""
        tconv = cd4 - treg
        naive = round(self.naive * tconv)
        lymphocytes = cd4 / self.cd4
        b = round(self.b * lymphocytes)
        return self._classes(lymphocytes=round(lymphocytes), treg=treg, naive=naive, teff=tconv - naive, b=b)

    def later(self, before: Mapping[str, int], cd4: int, treg: int) -> dict[str, int]:
        """Return the classes at a later visit: Teff and B keep their shares of lymphocytes, to a whole cell.

        Treg take their larger share of CD4 from NK and CD8 T cells; Tconv stay what they were among lymphocytes.
        """
        sums = {name: sum(before[part] for part in parts) for name, parts in DERIVED.items()}
        lymphocytes = round(sums["lymphocytes"] * (cd4 - treg) / sums["Tconv"])
        teff = round(lymphocytes * sums["Teff"] / sums["lymphocytes"])
        b = round(lymphocytes * before["B"] / sums["lymphocytes"])
        return self._classes(lymphocytes=lymphocytes, treg=treg, naive=cd4 - treg - teff, teff=teff, b=b)

    def _classes(self, *, lymphocytes: int, treg: int, naive: int, teff: int, b: int) -> dict[str, int]:
        treg_naive = round(self.treg_naive * treg)
        activated, low = round(self.activated * (naive + teff)), round(0.05 * (naive + teff))
        rest = lymphocytes - b - naive - teff - treg
        nk = round(self.nk * rest)
        counts = {
            "monocyte": round(self.monocytes * lymphocytes), "B": b, "NK": nk, "CD8": rest - nk, "Tconv_naive": naive,
            "Tconv_memory": teff - activated - low, "Tconv_activated": activated, "Tconv_CD127lo": low,
            "Treg_naive": treg_naive, "Treg_memory": treg - treg_naive,
        }  # fmt: skip
        return {name: counts[name] for name in LIVE}

    def specimen(self, counts: Mapping[str, int], *, day8: bool, drift: float = 0.05) -> Specimen:
        """Return a fully stained tube of these cells, with dead cells, debris and doublets on top."""
        lymphocytes = sum(counts[name] for name in LYMPHOCYTES)
        dead, debris, doublets = (round(part * lymphocytes) for part in (self.dead, self.debris, self.doublets))
        return Specimen(counts=counts, dead=dead, debris=debris, doublets=doublets, day8=day8, drift=drift)


def control_tubes(batch: Batch, events: int = CONTROL_EVENTS) -> tuple[Tube, Tube]:
    """Return the FoxP3 FMO and the unstained control of a batch, of about `events` events, from an untreated donor."""
    person = Person()
    lymphocytes = events / (1 + person.monocytes + person.dead + person.debris + person.doublets)
    cd4 = round(person.cd4 * lymphocytes)
    full = person.specimen(person.baseline(cd4, round(0.05 * cd4)), day8=False)

    def tube(name: str, role: str) -> Tube:
        fields = {slot: getattr(full, slot) for slot in ("counts", "dead", "debris", "doublets")}
        specimen = Specimen(**fields, stain=role)
        return Tube(sample=f"{batch.name}_{name}", batch=batch, specimen=specimen, date=batch.date, role=role)

    return tube("FMO_FoxP3", "fmo:FoxP3"), tube("unstained", "unstained")


def simulate_tubes(tubes: Sequence[Tube], seed: int) -> Iterator[tuple[Tube, Sample, NDArray[np.str_]]]:
    """Simulate tubes one by one, each from its own stream of random numbers: (tube, sample, label of each event)."""
    for tube, stream in zip(tubes, np.random.SeedSequence(seed).spawn(len(tubes)), strict=True):
        rng = np.random.default_rng(stream)
        yield tube, *simulate_sample(tube.specimen, batch=tube.batch, rng=rng, file=tube.file)


def write_tubes(directory: Path, tubes: Sequence[Tube], *, seed: int, labels: bool) -> None:
    """Write the FCS files, samples.csv and truth.csv of a study; with `labels` also truth/SAMPLE.csv.gz per event."""
    for tube, sample, kinds in simulate_tubes(tubes, seed):
        write_fcs(directory / tube.file, sample)
        if labels:
            write_whole(directory / "truth" / f"{tube.sample}.csv.gz", _labels_gz(kinds))
    write_whole(directory / "samples.csv", csv_bytes(SHEET, (tube.row() for tube in tubes)))
    patients = [tube for tube in tubes if tube.role == "sample"]
    write_whole(directory / "truth.csv", csv_bytes(TRUTH, (tube.truth() for tube in patients)))


def template(name: str = "treg") -> bytes:
    """Return a shipped strategy, whose coordinates are this simulator's."""
    return (resources.files("tregflow") / "strategies" / f"{name}.yaml").read_bytes()


def simulate_cohort(
    directory: Path | str,
    *,
    patients: int = 9,
    seed: int = 1,
    cd4: int = 6000,
    batches: int | None = None,
    gain_sd: float = 0.15,
    labels: bool = True,
) -> None:
    """Simulate a trial like the example, of any size and seed, with what is true of every event.

    Treg % of CD4 at baseline N(6, 2) within 2 and 12; fold at day 8 N(1.8, 0.5) within 0.8 and 3.2; Teff and B cells as
    shares of lymphocytes unchanged; gains of a batch exp N(0, `gain_sd`).

    Parameters
    ----------
    directory : Path or str
        Folder to fill: empty, or not there yet.
    patients : int
        From 1 to 999.
    seed : int
        The same seed gives the same files.
    cd4 : int
        CD4 T cells in each sample, 200 or more.
    batches : int, optional
        Days of staining; the visits of a patient share one. Default: two, or one for one patient.
    gain_sd : float
        Standard deviation of ln gain between batches, per detector.
    labels : bool
        Write truth/SAMPLE.csv.gz, the class of each event.

    Raises
    ------
    SimulationError
        ``E_COHORT``: a number out of its range; ``E_NOT_EMPTY``: the folder holds something.
    """
    batches = min(2, patients) if batches is None else batches
    folder = Path(directory)
    _check_cohort(patients=patients, seed=seed, cd4=cd4, batches=batches)
    _check_empty(folder)
    rng = np.random.default_rng([seed, 0])
    days = [_FIRST_DAY + timedelta(days=60 + 7 * number) for number in range(batches)]
    made = [_batch(f"B{number}", day, gain_sd, rng) for number, day in enumerate(days, start=1)]
    tubes = [
        tube for number in range(patients) for tube in _patient_tubes(number, made[number % batches], cd4=cd4, rng=rng)
    ]
    tubes += [tube for batch in made for tube in control_tubes(batch)]
    write_tubes(folder, tubes, seed=seed, labels=labels)
    write_whole(folder / "treg.yaml", template())
    write_whole(folder / "study.yaml", study_yaml("SIMULATED").encode())


def study_yaml(name: str, *, further: str = "") -> str:
    """Return study.yaml of a simulated trial, with `further` lines at its end."""
    return _STUDY.format(name=name) + further


def _check_cohort(*, patients: int, seed: int, cd4: int, batches: int) -> None:
    ranges = {"patients": (patients, 1, _MAX_PATIENTS), "seed": (seed, 0, 2**63), "cd4": (cd4, 200, 10**7),
              "batches": (batches, 1, patients)}  # fmt: skip
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise SimulationError(
                f"{name} is {value}", code="E_COHORT", expected=f"{low} to {high}", remedy=f"give {name} in this range"
            )


def _check_empty(folder: Path) -> None:
    """Refuse a folder with files in it: those of a simulation among them would pass for real ones."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SimulationError(
            "there is something already", code="E_NOT_EMPTY", file=str(folder), expected="an empty folder, or none yet",
            remedy="name another folder",
        )  # fmt: skip


def _batch(name: str, day: date, gain_sd: float, rng: np.random.Generator) -> Batch:
    gains = np.exp(rng.normal(0.0, gain_sd, len(PANEL.markers)))
    return Batch(name=name, date=day.isoformat(), gains=dict(zip(PANEL.markers, map(float, gains), strict=True)))


def _patient_tubes(number: int, batch: Batch, *, cd4: int, rng: np.random.Generator) -> tuple[Tube, ...]:
    person = Person(
        cd4=rng.uniform(0.42, 0.54), b=rng.uniform(0.07, 0.15), naive=rng.uniform(0.42, 0.60),
        activated=rng.uniform(0.01, 0.04), treg_naive=rng.uniform(0.24, 0.40), nk=rng.uniform(0.25, 0.45),
        monocytes=rng.uniform(0.08, 0.14), dead=rng.uniform(0.02, 0.06), debris=rng.uniform(0.05, 0.10),
    )  # fmt: skip
    share = np.clip(rng.normal(0.06, 0.02), 0.02, 0.12)
    fold = np.clip(rng.normal(1.8, 0.5), 0.8, 3.2)
    before = person.baseline(cd4, round(share * cd4))
    after = person.later(before, cd4, round(fold * share * cd4))
    subject, first = f"P{number + 1:02d}", _FIRST_DAY + timedelta(days=number % 30)
    return tuple(
        Tube(sample=f"{subject}_{visit}", subject=subject, visit=visit, batch=batch,
             date=(first + timedelta(days=8 if visit == "D8" else 0)).isoformat(),
             specimen=person.specimen(counts, day8=visit == "D8"))
        for visit, counts in zip(_VISITS, (before, after), strict=True)
    )  # fmt: skip


def _labels_gz(labels: NDArray[np.str_]) -> bytes:
    """Return a table of one column, `class`, a row per event; no time stamp, so that the bytes repeat."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as file:
        file.write("\n".join(["class", *labels.tolist(), ""]).encode())
    return buffer.getvalue()


_STUDY = """\
tregflow: 1
name: {name}
strategy: treg.yaml
compensation: fcs
samples: samples.csv
visits:
  D0: {{day: 0, window: [-7, 0]}}
  D8: {{day: 8, window: [7, 10]}}
baseline: D0
endpoints:
  primary: {{ratio: Treg_of_CD4, visit: D8, test: t_fold}}
  teff:    {{ratio: Teff_of_Lymphocytes, visit: D8, claim: unchanged, margin: [0.80, 1.25]}}
  b_cells: {{ratio: B_of_Lymphocytes, visit: D8, claim: unchanged, margin: [0.80, 1.25]}}
few_events: {{not_detected: 20, not_quantifiable: 50, finding: 100, cd4_finding: 5000, cd4_fail: 2000}}
"""
