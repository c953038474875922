"""What is simulated: the classes of cells with their antigens, the panel with its detectors, a batch, a specimen.

Class medians are in the units of the cytometers on which they were measured (the package docstring cites them); the
panel scales them to its own detectors, as the voltages of a cytometer do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tregflow.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Lognormal = tuple[float, float]
"""Median, and standard deviation of the natural logarithm."""
Normal = tuple[float, float]
"""Mean, and coefficient of variation."""

TIMESTEP = 0.001
"""Seconds per tick of the Time channel: a small file lasts a few seconds, so 10 ms would be coarse."""
TOP = 262143.0
"""Highest value of an 18-bit cytometer; brighter events pile up there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A part of a class with its own antigens: the CD56bright among the NK cells, the naive among the CD8 T cells.

    Attributes
    ----------
    weight : float
        Share of the class.
    antigens : mapping of str to (median, SD of ln)
        Marker to antigen; a marker that is not named is not expressed.
    correlation : float
        Of ln CD25 with ln CD127.
    """

    antigens: Mapping[str, Lognormal]
    weight: float = 1.0
    correlation: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellClass:
    """A class of cells: scatter (FSC-A, SSC-A), variants of its antigens, autofluorescence relative to a lymphocyte."""

    name: str
    fsc: Normal
    ssc: Normal
    variants: tuple[Variant, ...]
    autofluorescence: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A fluorescence channel: name, marker, scale from source units, autofluorescence, photo-electrons, noise.

    Attributes
    ----------
    channel, marker : str
        ``$PnN`` and ``$PnS``.
    scale : float
        Detector units per unit of the class table.
    autofluorescence : float
        Median of an unstained lymphocyte, detector units.
    photons : float
        Photo-electrons per detector unit (Q).
    noise : float
        Standard deviation of the electronic noise, detector units.
    """

    channel: str
    marker: str
    scale: float
    autofluorescence: float
    photons: float
    noise: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelModel:
    """The detectors, their spillover and the classes of cells.

    Attributes
    ----------
    detectors : tuple of Detector
    spillover : (n, n) float64
        Rows are donors, diagonal 1, for detectors of gain 1.
    classes : mapping of str to CellClass
    day8 : mapping of class to marker to float
        What the treatment adds to ln antigen on day 8.
    """

    detectors: tuple[Detector, ...]
    spillover: NDArray[np.float64]
    classes: Mapping[str, CellClass]
    day8: Mapping[str, Mapping[str, float]]

    @property
    def channels(self) -> tuple[str, ...]:
        """``$PnN`` of the detectors, in order."""
        return tuple(detector.channel for detector in self.detectors)

    @property
    def markers(self) -> tuple[str, ...]:
        """``$PnS`` of the detectors, in order."""
        return tuple(detector.marker for detector in self.detectors)

    def per_detector(self, attribute: str) -> NDArray[np.float64]:
        """Return a number of each detector: (n,) float64."""
        return np.array([getattr(detector, attribute) for detector in self.detectors], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A day of staining and acquisition: its name, its date (ISO), and the gain of each detector by marker (else 1)."""

    name: str
    date: str = ""
    gains: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def gain(self, panel: PanelModel) -> NDArray[np.float64]:
        """Return the gain of each detector of `panel`: (n,) float64."""
        return np.array([self.gains.get(marker, 1.0) for marker in panel.markers])

    def spillover(self, panel: PanelModel) -> NDArray[np.float64]:
        """Return the matrix that single-stained controls of this batch would give: S_ij · G_j / G_i, (n, n) float64."""
        gain = self.gain(panel)
        return panel.spillover * gain[np.newaxis, :] / gain[:, np.newaxis]


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A tube: exactly how many live single cells of each class, what comes on top, and how it was stained and run.

    Attributes
    ----------
    counts : mapping of str to int
        Live single cells by class.
    dead, debris, doublets : int
        Events beside them; a doublet is two further cells of the live and dead ones' mixture.
    day8 : bool
        Whether the day-8 effect is on.
    stain : str
        ``full``, ``unstained`` or ``fmo:MARKER``.
    staining_sd : float
        SD of ln staining intensity between tubes, per marker.
    drift : float
        Largest relative change of all signals from the first event to the last; the file's own is drawn below it.
    rate : float
        Events per second.
    fsc_gain : float
        Gain of forward scatter in this tube.
    """

    counts: Mapping[str, int]
    dead: int = 0
    debris: int = 0
    doublets: int = 0
    day8: bool = False
    stain: str = "full"
    staining_sd: float = 0.08
    drift: float = 0.05
    rate: float = 1500.0
    fsc_gain: float = 1.0

    def checked(self, panel: PanelModel) -> Specimen:
        """Return the specimen.

        Raises
        ------
        SimulationError
            ``E_UNKNOWN_CLASS``, ``E_NEGATIVE_COUNT``, ``E_NO_EVENTS`` or ``E_UNKNOWN_STAIN``.
        """
        _check_counts(self, panel)
        stains = ("full", "unstained", *(f"fmo:{marker}" for marker in panel.markers))
        if self.stain not in stains:
            raise SimulationError(f"no stain is called '{self.stain}'", code="E_UNKNOWN_STAIN", available=stains)
        return self


def _check_counts(specimen: Specimen, panel: PanelModel) -> None:
    extras = {"dead": specimen.dead, "debris": specimen.debris, "doublets": specimen.doublets}
    known = [name for name in panel.classes if name not in extras]
    for name in specimen.counts:
        if name not in known:
            raise SimulationError(f"no class of live cells is called '{name}'", code="E_UNKNOWN_CLASS", available=known)
    for name, count in {**specimen.counts, **extras}.items():
        if count < 0:
            raise SimulationError(f"{count} events of '{name}'", code="E_NEGATIVE_COUNT", expected="0 or more")
    if not sum(specimen.counts.values()):
        raise SimulationError("the specimen holds no live cell", code="E_NO_EVENTS", expected="counts above 0")
