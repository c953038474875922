"""From cells to events: antigen, light, photo-electrons, volts, and the file that a cytometer would have written.

Observed in detector j, with F = e^z and z multivariate normal in each class:

    O_j = G_j g(t) · Poisson(Q_j (Σ_i S_ij F_i + AF_j e^η)) / Q_j  +  N(0, σ_j)

S spillover (rows are donors), η one number per cell (autofluorescence goes up and down in all detectors together), Q
photo-electrons per unit, G gain of the batch, g(t) drift, σ electronic noise. Nothing is subtracted: a negative
population lies at its autofluorescence, and only noise takes events below zero after compensation. Values at the top
of the detector are clipped there, as an 18-bit cytometer does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from tregflow.fcs import Sample
from tregflow.simulate.model import TIMESTEP, TOP
from tregflow.simulate.populations import PANEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.simulate.model import Batch, CellClass, Normal, PanelModel, Specimen, Variant

    Floats = NDArray[np.float64]

SCATTER = ("FSC-A", "FSC-H", "SSC-A")
DOUBLET = "doublet"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ETA = 0.25  # SD of ln autofluorescence between cells
_AREA_OVER_HEIGHT = (1.083, 0.030)  # median and robust SD of FSC-A / FSC-H of single cells in a blood file
_DEBRIS_FSC = (5e3, 40e3, 12e3)  # lowest, highest, scale of the exponential
_DEBRIS_SSC = (2e3, 30e3, 8e3)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Light of n cells: scatter (n, 3), antigen (n, m) and autofluorescence (n, m) in detector units."""

    scatter: Floats
    antigen: Floats
    autofluorescence: Floats


def simulate_sample(
    specimen: Specimen,
    *,
    batch: Batch,
    rng: np.random.Generator,
    panel: PanelModel = PANEL,
    file: str = "simulated.fcs",
) -> tuple[Sample, NDArray[np.str_]]:
    """Simulate one FCS file and say what each of its events is.

    Parameters
    ----------
    specimen : Specimen
        The cells and how they were stained and run.
    batch : Batch
        Name, date and gains.
    rng : numpy.random.Generator
        Source of every random number.
    panel : PanelModel
        Detectors, spillover, classes.
    file : str
        Name of the sample, for messages and ``$FIL``.

    Returns
    -------
    sample : Sample
        FSC-A, FSC-H, SSC-A, the detectors, Time; ``$SPILLOVER`` is the true matrix of the batch.
    labels : (n_events,) str
        Class of each event in the order of the file; ``doublet``, ``dead`` and ``debris`` are no live single cells.

    Raises
    ------
    SimulationError
        Where the specimen asks for what the panel cannot do.
    """
    cells, labels = _mixture(specimen.checked(panel), panel, rng)
    order = rng.permutation(labels.size)
    seconds = np.cumsum(rng.exponential(1.0 / specimen.rate, labels.size))
    drift = _drift(seconds, specimen.drift, rng)
    scatter = cells.scatter[order] * drift[:, np.newaxis] * [specimen.fsc_gain, specimen.fsc_gain, 1.0]
    stained = cells.antigen[order] * _staining(specimen, panel, rng)
    light = stained @ panel.spillover + cells.autofluorescence[order]
    fluorescence = _detected(light, panel, gain=batch.gain(panel) * drift[:, np.newaxis], rng=rng)
    values = np.column_stack([scatter, fluorescence]).clip(max=TOP)
    return _as_sample(values, np.floor(seconds / TIMESTEP), file=file, batch=batch, panel=panel), labels[order]


def _mixture(specimen: Specimen, panel: PanelModel, rng: np.random.Generator) -> tuple[_Cells, NDArray[np.str_]]:
    """Return all cells of a specimen, class after class, and their labels."""
    single = {**specimen.counts, "dead": specimen.dead, "debris": specimen.debris}
    groups = [_cells(panel.classes[name], count, specimen, panel, rng) for name, count in single.items()]
    labels = [np.full(count, name) for name, count in single.items()]
    groups.append(_doublets(specimen, panel, rng))
    labels.append(np.full(specimen.doublets, DOUBLET))
    return _joined(groups), np.concatenate(labels)


def _joined(groups: Sequence[_Cells]) -> _Cells:
    return _Cells(
        np.concatenate([group.scatter for group in groups]),
        np.concatenate([group.antigen for group in groups]),
        np.concatenate([group.autofluorescence for group in groups]),
    )


def _cells(kind: CellClass, n: int, specimen: Specimen, panel: PanelModel, rng: np.random.Generator) -> _Cells:
    weights = [variant.weight for variant in kind.variants]
    sizes = rng.multinomial(n, weights)
    shift = panel.day8.get(kind.name, {}) if specimen.day8 else {}
    boost = np.exp([shift.get(marker, 0.0) for marker in panel.markers])
    parts = [_antigens(part, int(size), panel, rng) for part, size in zip(kind.variants, sizes, strict=True)]
    eta = rng.normal(0.0, _ETA, (n, 1)) + np.log(rng.uniform(*kind.autofluorescence, (n, 1)))
    return _Cells(
        _scatter(kind, n, rng),
        np.concatenate(parts) * boost * panel.per_detector("scale"),
        np.exp(eta) * panel.per_detector("autofluorescence"),
    )


def _antigens(variant: Variant, n: int, panel: PanelModel, rng: np.random.Generator) -> Floats:
    """Return (n, m) antigens in source units: e^z, and 0 where a marker is not expressed."""
    z = rng.standard_normal((n, len(panel.markers)))
    cd25, cd127 = panel.markers.index("CD25"), panel.markers.index("CD127")
    r = variant.correlation
    z[:, cd127] = r * z[:, cd25] + np.sqrt(1.0 - r * r) * z[:, cd127]
    median, sd = np.array([variant.antigens.get(marker, (0.0, 0.0)) for marker in panel.markers]).T
    return np.asarray(median * np.exp(sd * z), dtype=np.float64)


def _scatter(kind: CellClass, n: int, rng: np.random.Generator) -> Floats:
    """Return (n, 3): FSC-A, FSC-H, SSC-A."""
    if kind.name == "debris":
        fsc, ssc = _truncated_exponential(_DEBRIS_FSC, n, rng), _truncated_exponential(_DEBRIS_SSC, n, rng)
    else:
        fsc, ssc = _positive_normal(kind.fsc, n, rng), _positive_normal(kind.ssc, n, rng)
    return np.column_stack([fsc, fsc / rng.normal(*_AREA_OVER_HEIGHT, n), ssc])


def _positive_normal(parameters: Normal, n: int, rng: np.random.Generator) -> Floats:
    mean, cv = parameters
    return rng.normal(mean, cv * mean, n).clip(min=0.05 * mean)


def _truncated_exponential(parameters: tuple[float, float, float], n: int, rng: np.random.Generator) -> Floats:
    low, high, scale = parameters
    inside = -np.expm1(-(high - low) / scale)
    return np.asarray(low - scale * np.log1p(-inside * rng.random(n)), dtype=np.float64)


def _doublets(specimen: Specimen, panel: PanelModel, rng: np.random.Generator) -> _Cells:
    """Return pairs of cells seen as one event: areas add up, the height is that of the higher one, a little more."""
    mixture = {**specimen.counts, "dead": specimen.dead}
    share = np.array(list(mixture.values())) / sum(mixture.values())
    counts = rng.multinomial(2 * specimen.doublets, share)
    cells = _joined(
        [
            _cells(panel.classes[name], int(count), specimen, panel, rng)
            for name, count in zip(mixture, counts, strict=True)
        ]
    )
    first, second = rng.permutation(2 * specimen.doublets).reshape(2, -1)
    scatter = cells.scatter[first] + cells.scatter[second]
    higher = np.maximum(cells.scatter[first, 1], cells.scatter[second, 1])
    scatter[:, 1] = higher * rng.uniform(1.0, 1.15, specimen.doublets)
    return _Cells(
        scatter,
        cells.antigen[first] + cells.antigen[second],
        cells.autofluorescence[first] + cells.autofluorescence[second],
    )


def _drift(seconds: Floats, largest: float, rng: np.random.Generator) -> Floats:
    """Return the relative gain at each time: a straight line through 1 at half time, its slope drawn for the file."""
    change = rng.uniform(-largest, largest)
    return np.asarray(1.0 + change * (seconds / seconds[-1] - 0.5), dtype=np.float64)


def _staining(specimen: Specimen, panel: PanelModel, rng: np.random.Generator) -> Floats:
    """Return how bright each antigen of this tube stains: (m,), around 1; 0 for a stain that was left out."""
    brightness = np.exp(rng.normal(0.0, specimen.staining_sd, len(panel.markers)))
    if specimen.stain == "unstained":
        return np.zeros_like(brightness)
    left_out = specimen.stain.removeprefix("fmo:")
    return np.where(np.array(panel.markers) == left_out, 0.0, brightness)


def _detected(light: Floats, panel: PanelModel, *, gain: Floats, rng: np.random.Generator) -> Floats:
    photons, noise = panel.per_detector("photons"), panel.per_detector("noise")
    return np.asarray(gain * rng.poisson(photons * light) / photons + rng.normal(0.0, noise, light.shape))


def _as_sample(values: Floats, ticks: Floats, *, file: str, batch: Batch, panel: PanelModel) -> Sample:
    names = (*SCATTER, *panel.channels)
    columns = dict(zip(names, values.astype(np.float32).T, strict=True)) | {"Time": ticks.astype(np.float32)}
    markers = dict(zip(panel.channels, panel.markers, strict=True))
    return Sample.from_columns(file, columns, markers=markers, keywords=keywords(batch, panel, file=file))


def keywords(batch: Batch, panel: PanelModel, *, file: str) -> dict[str, str]:
    """Return what the file says of itself; no names of persons."""
    spillover = batch.spillover(panel)
    matrix = ",".join(repr(round(float(value), 9)) for value in spillover.ravel())
    return {
        "$CYT": "tregflow simulator",
        "$DATE": _fcs_date(batch.date),
        "$FIL": file,
        "$TIMESTEP": repr(TIMESTEP),
        "$SPILLOVER": ",".join([str(len(panel.channels)), *panel.channels, matrix]),
        "TREGFLOW BATCH": batch.name,
    }


def _fcs_date(iso: str) -> str:
    """Return 2025-05-13 as 13-MAY-2025 (FCS 3.1, section 3.2, ``$DATE``), whatever the locale; empty stays empty."""
    if not iso:
        return ""
    day = date.fromisoformat(iso)
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year}"
