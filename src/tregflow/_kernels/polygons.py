"""Polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit, paired
from tregflow._kernels.polygon_grid import has_grid, holds, in_polygon_by_grid
from tregflow.errors import GateError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LEAST_EVENTS, _EVENTS_PER_VERTEX = 2048, 8
"""Events from which a grid costs less than it saves: it takes 50 microseconds, and more where edges are many."""


def in_polygon(x: ArrayLike, y: ArrayLike, px: ArrayLike, py: ArrayLike) -> NDArray[np.bool_]:
    """Tell which events lie in a polygon: even-odd rule, boundary and vertices inside (Gating-ML 2.0, 5.2.1).

    Parameters
    ----------
    x, y : (n_events,) array_like
        Coordinates of the events on the axes of the gate. NaN and infinity are outside.
    px, py : (n_vertices,) array_like
        Vertices in order, finite, on the same axes; the last is joined to the first.

    Returns
    -------
    (n_events,) ndarray of bool
        Decided in float64 without tolerance and without fused multiply-add: an event is on an edge where the cross
        product of float64 numbers is zero.

    Raises
    ------
    GateError
        Coordinates are not one-dimensional or not of one length, or there is no vertex (``E_KERNEL``).

    Examples
    --------
    >>> in_polygon([0.0, 0.5, 1.0, 1.1], [0.0, 0.5, 1.0, 1.0], [0, 1, 1, 0], [0, 0, 1, 1])
    array([ True,  True,  True, False])
    """
    events_x, events_y = paired(x, y)
    vertices_x, vertices_y = paired(px, py)
    if not vertices_x.size:
        problem = "a polygon without vertices"
        raise GateError(problem, code="E_KERNEL")
    many = events_x.size >= max(_LEAST_EVENTS, _EVENTS_PER_VERTEX * vertices_x.size)
    if many and has_grid(vertices_x, vertices_y):
        return in_polygon_by_grid(events_x, events_y, vertices_x, vertices_y).view(np.bool_)
    return _in_polygon(events_x, events_y, vertices_x, vertices_y)


@njit
def _in_polygon(
    x: NDArray[np.float64], y: NDArray[np.float64], px: NDArray[np.float64], py: NDArray[np.float64]
) -> NDArray[np.bool_]:
    # NumPy, per edge a -> b, starting from inside = on = zeros:
    #   cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    #   on |= (cross == 0) & (min(ax, bx) <= x) & (x <= max(ax, bx)) & (min(ay, by) <= y) & (y <= max(ay, by))
    #   inside ^= ((ay <= y) != (by <= y)) & ((cross > 0) == (by > ay))
    # and in the end inside | on.
    x_low, x_high, y_low, y_high = px.min(), px.max(), py.min(), py.max()
    edges = np.arange(px.size).astype(np.int32)
    result = np.zeros(x.size, np.bool_)
    for i in range(x.size):
        # Most events are far away. NaN and infinity fail here as well: the vertices are finite.
        if x_low <= x[i] <= x_high and y_low <= y[i] <= y_high:
            result[i] = holds(x[i], y[i], px, py, edges, 0, edges.size)
    return result
