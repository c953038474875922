"""The slope between two populations: how much a second detector rises from the dim to the bright events of a first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation.modes import robust_sd

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 100
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope without unit, and its standard error; NaN where the populations are equally bright."""

    value: float
    error: float


def slope_between(own: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Slope:
    """Return the slope that brings the medians of two populations to one height.

    It is the s at which `other` - s `own` has the same median in the bright and in the dim events: what compensation
    of a single stain is to reach (Roederer, Cytometry 2001, 45:194). For populations of no width it is the quotient of
    the differences of medians (Bagwell and Adams, Ann N Y Acad Sci 1993, 677:167). Grouping leaves the slope unbiased
    although both detectors are noisy (Wald, Ann Math Stat 1940, 11:284), where a regression within the bright events
    alone would be too flat.

    Parameters
    ----------
    own, other : (bright, dim) of (n,) and (m,) ndarray of float64
        Values of both populations in the dye's own detector and in the other one.

    Returns
    -------
    Slope
        The error is that of the two medians of the residual, sqrt(pi/2 (σb²/n + σd²/m)) over the distance of the
        populations in `own`, σ by the median absolute deviation: noise of the events, not autofluorescence that differs
        between dim and bright events.
    """
    distance = float(np.median(own[0]) - np.median(own[1]))
    if distance == 0:
        return Slope(np.nan, np.nan)

    def apart(slope: float) -> float:
        bright, dim = _residuals(slope, own, other)
        return float(np.median(bright) - np.median(dim)) / distance

    value = _root(apart, float(np.median(other[0]) - np.median(other[1])) / distance)
    bright, dim = _residuals(value, own, other)
    variance = robust_sd(bright) ** 2 / bright.size + robust_sd(dim) ** 2 / dim.size
    return Slope(value, float(np.sqrt(np.pi / 2 * variance)) / abs(distance))


def _residuals(value: float, own: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    return other[0] - value * own[0], other[1] - value * own[1]


def _root(falling: Callable[[float], float], start: float) -> float:
    """Return where a function that falls, by about 1 per unit, is 0.

    Regula falsi by the Illinois rule (Dowell and Jarratt, BIT 1971, 11:168). To add what is left, time and again, runs
    away where populations are so broad that the median of what is left turns faster than the slope.
    """
    old, new = start, start
    at_old = at_new = at_start = falling(start)
    for power in range(_STEPS):  # until 0 lies between old and new
        if at_new * at_start <= 0:
            break
        old, at_old = new, at_new
        new = start + 2.0**power * at_start
        at_new = falling(new)
    for _ in range(_STEPS):
        if abs(at_new) <= _SMALL or at_new == at_old:
            break
        guess = new - at_new * (new - old) / (at_new - at_old)
        at_guess = falling(guess)
        if at_guess * at_new < 0:
            old, at_old = new, at_new
        else:
            at_old /= 2  # the end that stays gives way, too
        new, at_new = guess, at_guess
    return new
