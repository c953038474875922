"""Events counted into a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit, paired
from tregflow.errors import ScaleError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def raster(x: ArrayLike, y: ArrayLike, extent: tuple[float, float, float, float], n_bins: int) -> NDArray[np.int64]:
    """Count events into a square raster; what is off scale piles up in the edge bins, as on a cytometer's screen.

    Parameters
    ----------
    x, y : (n_events,) array_like
        Coordinates of the events on the axes of the plot. NaN and infinity are not counted.
    extent : (x_low, x_high, y_low, y_high)
        Ends of the axes.
    n_bins : int
        Bins per axis.

    Returns
    -------
    (n_bins, n_bins) ndarray of int64
        Rows are y, columns x, both ascending: ``imshow(counts, origin="lower", extent=extent)``.

    Raises
    ------
    GateError
        `x` and `y` are not one-dimensional or not of one length (``E_KERNEL``).
    ScaleError
        `extent` is not two ascending pairs of finite numbers, or `n_bins` is below 1 (``E_RASTER``).

    Examples
    --------
    >>> raster([0.1, 0.9, 7.0], [0.1, 0.1, 0.9], (0.0, 1.0, 0.0, 1.0), 2)
    array([[1, 1],
           [0, 1]])
    """
    events_x, events_y = paired(x, y)
    x_low, x_high, y_low, y_high = map(float, extent)
    # numba checks no bounds: an extent of NaN would write outside the raster.
    if not (all(map(math.isfinite, extent)) and x_low < x_high and y_low < y_high and n_bins >= 1):
        problem = f"no raster of {n_bins} bins fits on x from {x_low} to {x_high}, y from {y_low} to {y_high}"
        raise ScaleError(problem, code="E_RASTER", expected="finite ends, low < high, 1 bin or more")
    return _raster(events_x, events_y, x_low, x_high, y_low, y_high, int(n_bins))


@njit
def _raster(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_low: float,
    x_high: float,
    y_low: float,
    y_high: float,
    n_bins: int,
) -> NDArray[np.int64]:
    # NumPy: np.histogram2d of the finite events, y first, with column = clip((x - x_low) * (n_bins / (x_high - x_low)),
    # 0, n_bins - 1) and bins 0 ... n_bins, and likewise for rows.
    counts = np.zeros((n_bins, n_bins), np.int64)
    x_scale, y_scale = n_bins / (x_high - x_low), n_bins / (y_high - y_low)
    for i in range(x.size):
        if not (math.isfinite(x[i]) and math.isfinite(y[i])):
            continue
        # Clamp before int(): beyond the int64 range a float has no defined integer value.
        column = int(min(max((x[i] - x_low) * x_scale, 0.0), n_bins - 1.0))
        row = int(min(max((y[i] - y_low) * y_scale, 0.0), n_bins - 1.0))
        counts[row, column] += 1
    return counts
