"""A control as columns of usable events; which of them are positive, and which stand for the negative ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation.modes import FAR, MIN_EVENTS, RATIO, robust_sd, split
from tregflow.errors import CompensationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.compensation.fit import Negatives
    from tregflow.fcs import Sample

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SCATTER = ("FSC-A", "SSC-A")
"""Channels in which negative events must look like the positive ones, where all controls have them."""
_MIDDLE = (0.05, 0.95)


class Tube:
    """The usable events of a control: finite in every detector, below the top of its range, and in the mask.

    Parameters
    ----------
    sample : Sample
        With all detectors read.
    detectors : sequence of str
        ``$PnN``.
    mask : (n_events,) bool, optional
        Events to use, such as those of a scatter gate.
    """

    def __init__(self, sample: Sample, detectors: Sequence[str], mask: Mask | None = None) -> None:
        self.sample = sample
        self.file = sample.file
        wanted = chosen_events(mask, sample)
        columns = {name: sample.values(name).astype(np.float64) for name in detectors}
        for column in columns.values():
            wanted &= np.isfinite(column)
        self.n_wanted = int(wanted.sum())
        top = np.zeros(sample.n_events, dtype=bool)
        for name in detectors:
            top |= at_top(sample, name)
        self.saturated = int((wanted & top).sum())
        self._usable = wanted & ~top
        self._columns = {name: column[self._usable] for name, column in columns.items()}
        self.size = int(self._usable.sum())

    def __getitem__(self, detector: str) -> Floats:
        """Return the usable values of a detector, data units."""
        return self._columns[detector]

    @cached_property
    def scatter(self) -> dict[str, Floats]:
        """The usable values of `SCATTER`, of the channels that were read."""
        names = [name for name in SCATTER if name in self.sample.columns]
        return {name: self.sample.values(name).astype(np.float64)[self._usable] for name in names}


@dataclass(frozen=True, slots=True, eq=False)
class Populations:
    """Positive events of a control, and the negative ones of it or of the unstained control.

    Attributes
    ----------
    tube, bright : Tube and (n,) bool
        The control, and which of its events are positive.
    base, dim : Tube or None and (m,) bool
        Where the negative events are; None: there are none, and zero stands for them.
    negatives : {"control", "unstained", "zero"}
    """

    tube: Tube
    bright: Mask
    base: Tube | None
    dim: Mask
    negatives: Negatives

    def of(self, detector: str) -> tuple[Floats, Floats]:
        """Return the values of the positive and the negative events in a detector."""
        return self.tube[detector][self.bright], self.dims(detector)

    def dims(self, detector: str) -> Floats:
        """Return the values of the negative events; one zero where there are none."""
        return np.zeros(1) if self.base is None else self.base[detector][self.dim]


def at_top(sample: Sample, channel: str) -> Mask:
    """Return which events a detector could not measure: those at the top of its range, ``$PnR`` - 1 and above.

    Where values lie above ``$PnR``, it is no limit of the detector, and no event is at the top.
    """
    stored, limit = sample.raw(channel), sample.channel(channel).range
    finite = np.isfinite(stored)
    if limit is None or limit <= 2 or (stored[finite] > limit).any():
        return np.zeros(sample.n_events, dtype=bool)
    return np.asarray(finite & (stored >= limit - 1))


def find_populations(detector: str, tube: Tube, others: Sequence[Tube], unstained: Tube | None) -> Populations | None:
    """Return the populations of a control in its dye's own detector; None where no events are positive.

    Parameters
    ----------
    detector : str
        The dye's own.
    tube : Tube
        The control.
    others : sequence of Tube
        The controls of other dyes: against the dimmest of them one sees whether a lone population is bright.
    unstained : Tube or None
        The unstained control.

    Raises
    ------
    CompensationError
        ``E_SINGLE_POSITIVE``: one population, and nothing to tell whether it is bright.
    """
    own = tube[detector]
    parted = split(own)
    if parted is not None:
        bright = own > parted.threshold
        if unstained is not None and parted.bright <= _bright_from(unstained[detector]):
            return None
        return _with_negatives(tube, bright, ~bright, unstained)
    references = [unstained] if unstained is not None else list(others)
    if not references:
        raise _nothing_to_tell(detector, tube)
    dimmest = min((each[detector] for each in references), key=lambda values: float(np.median(values)))
    bright = own > _bright_from(dimmest)
    if bright.sum() < MIN_EVENTS or np.median(own[bright]) < RATIO * np.median(dimmest):
        return None
    return _with_negatives(tube, bright, np.zeros_like(bright), unstained)


def looks_like(tube: Tube, as_in: Tube, bright: Mask) -> Mask:
    """Return the events of a tube whose scatter lies in the middle nine tenths of that of the bright events."""
    alike = np.ones(tube.size, dtype=bool)
    for name, values in as_in.scatter.items():
        if name in tube.scatter:
            low, high = np.quantile(values[bright], _MIDDLE)
            alike &= (tube.scatter[name] >= low) & (tube.scatter[name] <= high)
    return alike


def negatives_in(tube: Tube, as_in: Tube, bright: Mask, among: Mask | None = None) -> Mask | None:
    """Return the negative events of a tube: those like the bright ones in scatter; None where they are too few."""
    # Outliers stay: cut off on one side only, as those of a lognormal are, they would take the median with them.
    chosen = looks_like(tube, as_in, bright)
    if among is not None:
        chosen &= among
    return chosen if chosen.sum() >= MIN_EVENTS else None


def _with_negatives(tube: Tube, bright: Mask, dim: Mask, unstained: Tube | None) -> Populations:
    """Choose the negative events: the control's own, else those of the unstained control, else none."""
    own = negatives_in(tube, tube, bright, dim)
    if own is not None:
        return Populations(tube, bright, tube, own, "control")
    if unstained is not None:
        chosen = negatives_in(unstained, tube, bright)
        if chosen is None:  # cells beside beads: better the wrong scatter than no negative events at all
            chosen = np.ones(unstained.size, dtype=bool)
        return Populations(tube, bright, unstained, chosen, "unstained")
    return Populations(tube, bright, None, np.zeros(0, dtype=bool), "zero")


def _bright_from(values: Floats) -> float:
    """Return the value from which events are brighter than a negative population."""
    return float(np.median(values)) + FAR * robust_sd(values)


def chosen_events(mask: NDArray[Any] | None, sample: Sample) -> Mask:
    """Return a copy of a mask over the events of a sample; all events without one.

    Raises
    ------
    CompensationError
        ``E_SINGLE_MASK``: it is none, or of another length.
    """
    if mask is None:
        return np.ones(sample.n_events, dtype=bool)
    if mask.shape != (sample.n_events,) or mask.dtype != bool:
        raise CompensationError(
            "a mask that does not fit the sample",
            code="E_SINGLE_MASK",
            file=sample.file,
            expected=f"({sample.n_events},) bool, an entry per event",
            available=(f"{mask.shape} {mask.dtype}",),
        )
    return mask.copy()


def _nothing_to_tell(detector: str, tube: Tube) -> CompensationError:
    return CompensationError(
        "the control holds one population, and nothing tells whether it is bright",
        code="E_SINGLE_POSITIVE",
        file=tube.file,
        population=detector,
        expected=f"{MIN_EVENTS} negative events beside the positive ones, an unstained control, or a second control",
        remedy="give the unstained control of the same day",
    )
