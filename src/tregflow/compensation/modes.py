"""Where dim and bright events part in one detector: the modes of its density, and the widest gap between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MIN_EVENTS = 100
"""Events without which a population counts as none: its median would be known to an eighth of its spread only."""

SIGMAS = 3.0
"""By so many standard deviations of counting a valley must lie below both its peaks; less is a bump of chance."""

FAR = 5.0
"""Robust standard deviations above a lone mode from which events are bright: one normal event in three million is."""

RATIO = 3.0
"""How many times brighter than the dim events the bright ones are, at least: pairs of beads are twice a bead."""

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_BIN = 0.05
_WIDTH = 3
"""Bins of the smoothing kernel's standard deviation: 0.15 in units of asinh, about 15 % of an intensity."""
_MOST_BINS = 4_000
_NOISE = 3.0
"""Standard deviations of the noise that lie on the linear part of the axis: fewer would split a mode around zero."""


@dataclass(frozen=True, slots=True)
class Split:
    """Dim and bright events of one detector.

    Attributes
    ----------
    threshold : float
        Data units; events above it are bright.
    dim, bright : float
        Medians of the events below and above.
    spread : float
        Robust standard deviation of the dim events.
    """

    threshold: float
    dim: float
    bright: float
    spread: float


def robust_sd(values: Floats) -> float:
    """Return 1.4826 times the median absolute deviation; the standard deviation where half of the values are equal."""
    if not values.size:
        return 0.0
    found = MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
    return found if found > 0 else float(values.std())


def split(values: Floats) -> Split | None:
    """Part the values of a detector at the widest gap between two modes, or above a lone mode.

    Parameters
    ----------
    values : (n,) ndarray of float64
        Finite, data units.

    Returns
    -------
    Split or None
        None where there is one population only: fewer than `MIN_EVENTS` on either side, or the bright events less than
        `RATIO` times as bright as the dim ones.
    """
    if values.size < 2 * MIN_EVENTS:
        return None
    cofactor = _cofactor(values)
    axis = np.arcsinh(values / cofactor)
    modes, valleys = _modes(axis)
    if valleys:
        gaps = np.diff(modes)
        threshold = valleys[int(np.argmax(gaps))]
    else:
        below = axis[axis < modes[0]]
        threshold = modes[0] + FAR * MAD_TO_SD * float(np.median(modes[0] - below)) if below.size else modes[0]
    return _accepted(values, float(np.sinh(threshold) * cofactor))


def _accepted(values: Floats, threshold: float) -> Split | None:
    bright = values > threshold
    dim = values[~bright]
    if min(dim.size, int(bright.sum())) < MIN_EVENTS:
        return None
    low, high, spread = float(np.median(dim)), float(np.median(values[bright])), robust_sd(dim)
    if high < RATIO * low or high - low < FAR * spread:
        return None
    return Split(threshold, low, high, spread)


def _cofactor(values: Floats) -> float:
    """Return where the axis turns from linear to logarithmic: beyond the noise, which events below zero show."""
    negative = values[values < 0]
    top = max(float(np.quantile(np.abs(values), 0.999)), 1e-6)
    noise = MAD_TO_SD * float(np.median(-negative)) if negative.size >= MIN_EVENTS // 4 else 0.0
    return max(_NOISE * noise, top * 1e-4)


def _modes(axis: Floats) -> tuple[Floats, list[float]]:
    """Return the places of the significant modes, ascending, and of the valleys between them."""
    low, high = np.quantile(axis, [0.0005, 0.9995])
    low, high = low - 4 * _BIN * _WIDTH, high + 4 * _BIN * _WIDTH
    bins = int(min(max((high - low) / _BIN, 8), _MOST_BINS))
    counts, edges = np.histogram(axis, bins, (low, high))
    offsets = np.arange(-4 * _WIDTH, 4 * _WIDTH + 1)
    kernel = np.exp(-0.5 * (offsets / _WIDTH) ** 2)
    density = np.convolve(counts, kernel / kernel.sum(), mode="same")
    centers = (edges[:-1] + edges[1:]) / 2
    peaks, valleys = _persistent(density, _significance(density))
    return centers[peaks], [float(centers[valley]) for valley in valleys]


def _significance(density: Floats) -> Floats:
    """Return the standard deviation of counting of each smoothed bin: (bins,)."""
    return np.asarray(np.sqrt(np.maximum(density, 1e-9) / (2 * np.sqrt(np.pi) * _WIDTH)), dtype=np.float64)


def _persistent(density: Floats, sd: Floats) -> tuple[list[int], list[int]]:
    """Return peaks and the valleys between them, those left out that chance alone may make."""
    rises = np.sign(np.diff(density, prepend=-1.0, append=-1.0))
    turns = rises[np.flatnonzero(rises)]
    places = np.flatnonzero(rises)
    peaks = [int(places[i + 1] - 1) for i in range(len(turns) - 1) if turns[i] > 0 > turns[i + 1]]
    valleys = [int(left + np.argmin(density[left : right + 1])) for left, right in pairwise(peaks)]
    while valleys:
        # The lower of two peaks stands over the valley by so many standard deviations of the difference.
        rise = [
            (density[low] - density[v]) / np.hypot(sd[low], sd[v])
            for v, (a, b) in zip(valleys, pairwise(peaks), strict=True)
            for low in [a if density[a] <= density[b] else b]
        ]
        weakest = int(np.argmin(rise))
        if rise[weakest] >= SIGMAS:
            break
        pair = peaks[weakest], peaks[weakest + 1]
        peaks[weakest : weakest + 2] = [max(pair, key=lambda place: density[place])]
        del valleys[weakest]
    return peaks, valleys
