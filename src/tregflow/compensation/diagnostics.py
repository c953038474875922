"""Is a matrix right for a sample? Condition, negatives off zero, and what is left between pairs of detectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.checks import condition_of
from tregflow.compensation.modes import FAR, MIN_EVENTS, Split, robust_sd, split
from tregflow.compensation.slopes import slope_between
from tregflow.compensation.tubes import at_top
from tregflow.fcs import Sample
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from tregflow.compensation.spillover import Spillover

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

CONDITION = 20.0
"""Condition number above which compensation multiplies noise: matrices of conventional panels stay below 10."""
HIGH = 0.5
"""Coefficient from which two dyes are hardly apart."""
BELOW_ZERO = -0.005
"""Coefficient below which a dye would take light away."""
UNDER_ZERO = -1.0
"""Median of the negative events, in their robust standard deviations, below which they are over-compensated."""
OVER_ZERO = 5.0
"""... and above which they are under-compensated, or of strong autofluorescence."""
RESIDUAL = 0.02
"""Slope left between two stained detectors that is said: below it lie differences of autofluorescence between cells."""
RESIDUAL_SINGLE = 0.01
"""Slope left in a detector without a dye of its own that is said."""
ERRORS = 4.0
"""A slope must be so many standard errors from 0 as well."""
ENOUGH = 200
"""Events of the bright and of the dim population that a slope takes, at least."""
_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Negatives:
    """The negative population of a detector, compensated data units.

    Attributes
    ----------
    detector : str
    n : int
        Events.
    median, spread : float
        Median and robust standard deviation.
    off : float
        Median over spread: 0 where the population lies at zero.
    parted : bool
        Whether a positive population lies beside it. A lone one may be positive itself.
    """

    detector: str
    n: int
    median: float
    spread: float
    off: float
    parted: bool


@dataclass(frozen=True, slots=True)
class Residual:
    """What the matrix left of a dye in another detector.

    Attributes
    ----------
    dye, detector : str
        The bright detector, and the other one.
    slope, error : float
        By how much the other rises with the bright one after compensation, and the standard error. Above 0:
        under-compensated; below 0: over-compensated. NaN where too few events allow no slope.
    level : float
        Median of the bright events in the other detector, compensated data units.
    n : int
        Bright events that it rests on.
    alone : bool
        Whether the other detector has no dye of its own in this sample.
    flagged : bool
        Beyond its limit.
    """

    dye: str
    detector: str
    slope: float
    error: float
    level: float
    n: int
    alone: bool
    flagged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Diagnostics:
    """How a matrix fits a sample.

    Attributes
    ----------
    file : str
        The sample.
    condition : float
        Condition number of the matrix.
    negatives : tuple of Negatives
        One per detector.
    residuals : tuple of Residual
        One per pair of a stained detector and another one.
    findings : tuple of Finding
        What is beyond a limit.
    """

    file: str
    condition: float
    negatives: tuple[Negatives, ...]
    residuals: tuple[Residual, ...]
    findings: tuple[Finding, ...]

    @property
    def table(self) -> pd.DataFrame:
        """A row per pair: the attributes of `Residual`."""
        import pandas as pd

        return pd.DataFrame([{name: getattr(each, name) for name in Residual.__slots__} for each in self.residuals])

    @property
    def negatives_table(self) -> pd.DataFrame:
        """A row per detector: the attributes of `Negatives`."""
        import pandas as pd

        return pd.DataFrame([{name: getattr(each, name) for name in Negatives.__slots__} for each in self.negatives])

    def __repr__(self) -> str:
        """Return what was noticed in one line."""
        flagged = sum(each.flagged for each in self.residuals)
        return (
            f"<Diagnostics of {self.file}: condition number {self.condition:.3g}, "
            f"{flagged} of {len(self.residuals)} pairs flagged, {len(self.findings)} findings>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<li>{escape(f'{each.code}: {each.where}: {each.text}')}</li>" for each in self.findings)
        tables = f"{self.negatives_table.to_html(index=False)}{self.table.to_html(index=False)}"
        return f"<p>{escape(repr(self))}</p>{tables}<ul>{notes}</ul>"


def diagnose(
    sample: Sample | Mapping[str, ArrayLike],
    spillover: Spillover,
    *,
    stained: Collection[str] | None = None,
    mask: Mask | None = None,
) -> Diagnostics:
    """Look whether a matrix fits a sample.

    Parameters
    ----------
    sample : Sample, or mapping of str to (n_events,) array_like
        With all detectors of the matrix read, not compensated.
    spillover : Spillover
        The matrix.
    stained : collection of str, optional
        Detectors that have a dye of their own; ``("B515-A",)`` for a single-stained control. Default: all.
    mask : (n_events,) bool ndarray, optional
        Events to look at, such as those of a scatter gate.

    Returns
    -------
    Diagnostics

    Raises
    ------
    CompensationError
        ``E_SPILL``, ``E_COMPENSATED_TWICE``: the matrix cannot be applied to the sample.

    Notes
    -----
    Dim and bright events of each detector are parted as in `spillover_from_controls`; events at the top of a range are
    left out. Where both detectors are stained, a slope is taken of the events that are negative in the second: those as
    far below the middle of its negative population as the positive ones begin above. So the cells that carry both dyes
    do not count, unless they lie below zero, where no dye takes them. Cells that are bright in one detector also differ
    from the others in autofluorescence and in what they carry a little of. Between two stained detectors a fall is
    therefore flagged only where the bright events lie below zero, and a rise is said for the record: a single-stained
    control tells more.
    """
    given = Sample.from_columns("columns", sample) if isinstance(sample, Mapping) else sample
    columns = _columns(given, spillover, mask)
    dyed = tuple(name for name in spillover.detectors if stained is None or name in stained)
    parts = {name: split(column) for name, column in columns.items()}
    negatives = tuple(_negatives(name, columns[name], parts[name]) for name in spillover.detectors)
    residuals = tuple(
        _residual(dye, other, columns, parts, alone=other not in dyed, single=stained is not None and len(dyed) == 1)
        for dye in dyed
        for other in spillover.detectors
        if other != dye
    )
    condition = condition_of(spillover.matrix)
    findings = (
        *_of_matrix(spillover, condition),
        *(finding for each in negatives for finding in _of_negatives(each, dyed=each.detector in dyed)),
        *(_of_residual(each) for each in residuals if each.flagged),
    )
    return Diagnostics(given.file, condition, negatives, residuals, findings)


def _columns(sample: Sample, spillover: Spillover, mask: Mask | None) -> dict[str, Floats]:
    """Return the compensated values of the events that every detector could measure."""
    columns = {name: spillover.compensated(sample, name) for name in spillover.detectors}
    usable = np.ones(sample.n_events, dtype=bool) if mask is None else mask.copy()
    for name, column in columns.items():
        usable &= np.isfinite(column) & ~at_top(sample, name)
    return {name: column[usable] for name, column in columns.items()}


def _negatives(detector: str, values: Floats, part: Split | None) -> Negatives:
    dim = values if part is None else values[values <= part.threshold]
    if not dim.size:
        return Negatives(detector, 0, np.nan, np.nan, np.nan, parted=False)
    median, spread = float(np.median(dim)), robust_sd(dim)
    return Negatives(detector, int(dim.size), median, spread, median / spread if spread else 0.0, part is not None)


def _residual(
    dye: str,
    other: str,
    columns: Mapping[str, Floats],
    parts: Mapping[str, Split | None],
    *,
    alone: bool,
    single: bool,
) -> Residual:
    nothing = Residual(dye, other, np.nan, np.nan, np.nan, 0, alone, flagged=False)
    own, seen, part = columns[dye], columns[other], parts[dye]
    if part is None and not single:
        return nothing
    bright = np.ones(own.size, dtype=bool) if part is None else own > part.threshold
    dim = ~bright
    if not alone:
        level = _negative_in(seen, parts[other], bright)
        if level is None:
            return nothing
        bright, dim = bright & level, dim & level
    return _slope(nothing, own, seen, bright, dim, single=single)


def _negative_in(seen: Floats, part: Split | None, bright: Mask) -> Mask | None:
    """Return the events that are negative in a stained detector; None where that cannot be told."""
    if part is None:  # one population: negative, or positive as a whole
        lone = abs(float(np.median(seen))) <= FAR * robust_sd(seen) if seen.size else False
        return np.ones(seen.size, dtype=bool) if lone else None
    reach = part.threshold - part.dim
    below = seen < part.dim - reach
    if 2 * np.count_nonzero(below & bright) > np.count_nonzero(bright):
        return seen <= part.threshold  # most bright events lie far below zero, where no dye takes them
    level = np.abs(seen - part.dim) <= reach
    enough = np.count_nonzero(level & bright) >= _SHARE * np.count_nonzero(bright)
    return level if enough else None


def _slope(nothing: Residual, own: Floats, seen: Floats, bright: Mask, dim: Mask, *, single: bool) -> Residual:
    n, base = int(np.count_nonzero(bright)), int(np.count_nonzero(dim))
    alike = single and base < MIN_EVENTS  # beads without negative ones: zero stands for them, as in the fit
    if n < ENOUGH or (base < ENOUGH and not alike):
        return nothing
    zero = np.zeros(1)
    found = slope_between(
        (own[bright], zero if alike else own[dim]),
        (seen[bright], zero if alike else seen[dim]),
    )
    limit = RESIDUAL_SINGLE if nothing.alone else RESIDUAL
    level = float(np.median(seen[bright]))
    below = level < -ERRORS * float(np.sqrt(np.pi / 2 / n)) * robust_sd(seen[bright])
    flagged = abs(found.value) > max(limit, ERRORS * found.error) and (nothing.alone or found.value > 0 or below)
    return replace(nothing, slope=found.value, error=found.error, level=level, n=n, flagged=flagged)


def _of_matrix(spillover: Spillover, condition: float) -> Iterator[Finding]:
    if condition > CONDITION:
        text = f"the condition number is {condition:.3g}: above {CONDITION:g} compensation multiplies the noise"
        yield Finding("spillover-condition", "warning", spillover.source, text)
    for i, dye in enumerate(spillover.detectors):
        for j, detector in enumerate(spillover.detectors):
            share, where = float(spillover.matrix[i, j]), f"{dye} -> {detector}"
            if i != j and HIGH <= share < 1.0:  # from 1 on reading the matrix says so itself
                text = f"the coefficient is {share:.3g}: cells bright in {dye} cannot be told dim in {detector}"
                yield Finding("spillover-high", "warning", where, text)
            if i != j and share < BELOW_ZERO:
                yield Finding("spillover-below-zero", "warning", where, f"the coefficient is {share:.3g}, below zero")


def _of_negatives(found: Negatives, *, dyed: bool) -> Iterator[Finding]:
    if found.n < MIN_EVENTS:
        return
    said = f"the negative events lie {abs(found.off):.2g} of their robust SD"
    median = f"zero (median {found.median:.4g}, {found.n} events)"
    if found.off < UNDER_ZERO:
        text = f"{said} below {median}: over-compensated"
        yield Finding("negatives-off-zero", "warning", found.detector, text)
    elif found.off > OVER_ZERO and (found.parted or not dyed):
        text = f"{said} above {median}: autofluorescence, or under-compensated"
        yield Finding("negatives-off-zero", "info", found.detector, text)


def _of_residual(found: Residual) -> Finding:
    where = f"{found.dye} -> {found.detector}"
    said = f"{abs(found.slope):.3g} ± {found.error:.1g} of {found.dye}"
    if found.slope < 0:
        text = f"{found.detector} falls by {said} along its {found.n} bright events: over-compensated"
        return Finding("over-compensated", "warning", where, text)
    text = f"{found.detector} rises by {said} along its {found.n} bright events: under-compensated"
    if found.alone:
        return Finding("under-compensated", "warning", where, text)
    return Finding("under-compensated", "info", where, f"{text}, or these cells carry a little of both")
