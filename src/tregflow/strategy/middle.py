"""The median of a population while its events go by: exact, and without keeping them all.

From the first events of the population a window is taken in which its median will lie. Of later events that surely lie
beside it only the number is kept. Where the median comes to lie beside it all the same, it is found otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tregflow.strategy.screens import widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow._kernels.tables import Axes, Events

_ENOUGH = 1_000
"""Events from which a window is taken."""
_WIDTH = 3.0
"""Times 1 / sqrt(n): six standard errors of the share of n events that lie below the median."""


@dataclass(slots=True)
class Middle:
    """The values around the median of a population on an axis.

    Attributes
    ----------
    axis : int
        Its number.
    error : float
        Bound on the error of its values in float32.
    low, high : float
        The window; infinite as long as there is none.
    below : int
        Events that lie below it, and are not among `values`.
    total : int
        Events of the population.
    values : list of (n,) ndarray of float64
        All others that do not lie above it.
    ends : (float, float)
        An event whose float32 value lies beyond them has its value beyond the window.
    room : (n,) ndarray of float64
        Memory to collect values in.
    """

    axis: int
    error: float
    low: float = -np.inf
    high: float = np.inf
    below: int = 0
    total: int = 0
    values: list[NDArray[np.float64]] = field(default_factory=list)
    ends: tuple[float, float] = (-np.inf, np.inf)
    room: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def add(self, events: Events, chosen: NDArray[np.uint8], axes: Axes) -> None:
        """Take in the events that are 1 in `chosen`."""
        from tregflow._kernels.screen import collect

        if len(self.room) < chosen.size:
            self.room = np.empty(chosen.size)
        n_found, n_below, n_chosen = collect(events, chosen, self.axis, axes, *self.ends, self.room)
        self.values.append(self.room[:n_found].copy())
        self.below += n_below
        self.total += n_chosen
        if self.low == -np.inf and self.total >= _ENOUGH:
            half = _WIDTH / self.total**0.5
            low, high = np.quantile(np.concatenate(self.values), (0.5 - half, 0.5 + half))
            (below,), (above,) = widened(np.array([low]), np.array([high]), self.error)
            self.low, self.high, self.ends = float(low), float(high), (float(below), float(above))


def median_of(parts: Sequence[Middle], others: NDArray[np.float64]) -> float | None:
    """Return the median of what several parts have seen, and of further values that are finite.

    Returns
    -------
    float or None
        NaN where it does not lie in the window of every part; None without events.
    """
    total = sum(part.total for part in parts) + others.size
    if not total:
        return None
    low, high = max(part.low for part in parts), min(part.high for part in parts)
    values = np.concatenate([others, *(each for part in parts for each in part.values)])
    # The two values in the middle, which are one and the same of an odd number, by their number among all.
    middle = np.array([(total - 1) // 2, total // 2]) - sum(part.below for part in parts)
    if middle[0] < 0 or middle[1] >= values.size:
        return float("nan")
    lower, upper = np.partition(values, middle)[middle]
    if not low <= lower <= upper <= high:
        return float("nan")
    return float(lower if middle[0] == middle[1] else np.mean([lower, upper]))
