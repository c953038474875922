"""The sum that compensation and unmixing take of recorded columns: the same bits in every engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Recorded: TypeAlias = Callable[[str], NDArray[Any]]
"""From ``$PnN`` to the (n_events,) recorded values, linear and not compensated."""

_BLOCK = 65_536
"""Events at a time: the float64 sum and product (1 MB) stay in cache. The result does not depend on it."""


def compensated(
    detectors: Sequence[str], weights: NDArray[np.float64] | None, channel: str, recorded: Recorded
) -> NDArray[np.float64]:
    """Return a channel or a dye from what its detectors recorded; as it is, where there are no weights."""
    if weights is None:
        return recorded(channel).astype(np.float64)
    return weighted_sum([recorded(detector) for detector in detectors], weights)


def weighted_sum(columns: Sequence[NDArray[Any]], coefficients: ArrayLike) -> NDArray[np.float64]:
    """Return the sum of columns times their coefficients, added from the first column to the last.

    Parameters
    ----------
    columns : sequence of (n_events,) ndarray
        Recorded values, one column per detector.
    coefficients : (n_detectors,) array_like
        One per column.

    Returns
    -------
    (n_events,) ndarray of float64

    Examples
    --------
    >>> weighted_sum([np.array([1.0, 2.0]), np.array([10.0, 20.0])], [1.0, -0.5])
    array([-4., -8.])
    """
    factors = np.asarray(coefficients, np.float64).tolist()
    n_events = columns[0].size
    total = np.zeros(n_events, dtype=np.float64)
    product = np.empty(min(_BLOCK, n_events), dtype=np.float64)
    for start in range(0, n_events, _BLOCK):
        stop = min(start + _BLOCK, n_events)
        block, term = total[start:stop], product[: stop - start]
        for values, factor in zip(columns, factors, strict=True):
            # Two steps, never a fused or reordered sum: einsum and dot may do either. Coefficients of 0 are not
            # left out: an event with NaN or infinity in one detector is undefined in every channel, and 0 times
            # infinity is what says so.
            with np.errstate(invalid="ignore", over="ignore"):
                np.multiply(values[start:stop], factor, out=term, dtype=np.float64)
                block += term
    return total
