"""Cells of a grid that an edge comes near, whatever the widths of its columns and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEEP = 1e-5
"""Edges that advance by less than this part of the largest coordinate touch every row between their ends: where in a
column they are would be lost in rounding."""


@njit
def cells_near(
    x_low: NDArray[np.float64],
    x_high: NDArray[np.float64],
    y_low: NDArray[np.float64],
    y_high: NDArray[np.float64],
    edges: NDArray[np.float64],
    margins: tuple[float, float],
    largest: float,
) -> NDArray[np.bool_]:
    """Tell which cells an edge comes near.

    Parameters
    ----------
    x_low, x_high : (n_columns,) ndarray of float64
        From where to where each column reaches; columns may overlap, and one that is empty has its ends exchanged.
    y_low, y_high : (n_rows,) ndarray of float64
        The same of the rows.
    edges : (n_edges, 4) ndarray of float64
        x and y of both ends.
    margins : (float, float)
        How near is near, in x and y.
    largest : float
        Magnitude of x that rounding goes by.

    Returns
    -------
    (n_columns, n_rows) ndarray of bool
    """
    near = np.zeros((x_low.size, y_low.size), np.bool_)
    x_margin, y_margin = margins
    for edge in edges:
        ax, ay, bx, by = edge
        if ax > bx:
            ax, ay, bx, by = bx, by, ax, ay
        width = bx - ax
        for column in range(x_low.size):
            left, right = x_low[column] - x_margin, x_high[column] + x_margin
            if left > bx or right < ax:
                continue
            start, stop = ay, by
            if width > _STEEP * largest:
                start = ay + (by - ay) * ((max(left, ax) - ax) / width)
                stop = ay + (by - ay) * ((min(right, bx) - ax) / width)
            bottom, top = min(start, stop) - y_margin, max(start, stop) + y_margin
            for row in range(y_low.size):
                if y_low[row] <= top and y_high[row] >= bottom:
                    near[column, row] = True
    return near
