"""Polygons for many events: a grid that knows the answer wherever no edge is near.

The rectangle around the polygon is cut into cells. A cell that no edge comes near lies inside or outside as a whole,
and so do its events; in the others each event is tested against the edges that reach its row. The answers are those of
the test against all edges, bit for bit.

Rows. The row of a height y is the whole part of v = (y - y_low) * rows_per_unit in float64, which never falls where y
rises. So an edge that reaches the height of an event also reaches its row: to test the edges of a row is to test them
all, however the numbers are rounded.

Cells far from edges. Let eps = 2**-53, and a cell be the unit of length. The coordinates u, v of events and vertices
are wrong by 3 eps of themselves, less than 1e-13. An edge marks every cell within _MARGIN = 1e-6 of it, row by row: in
each row, widened by the margin, the columns between its two ends there, widened by the margin. The ends are
interpolated where the edge rises by _FLAT = 1e-3 or more, with an error below 256 * 1e-13 / 1e-3 < 3e-8; flatter edges
mark all their columns. So an event in a cell without a mark is more than 9e-7 away, along its row, from each edge that
reaches its height. The test takes the sign of

    cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax),

which is by - ay times this distance. Its roundings amount to 4 eps (|bx - ax| |by - ay| + |by - ay| |x - ax|) at most:
as a distance 8 eps times the width of the grid, 3e-13. So the sign is right, and the answer is that of geometry: one
for all cells of a row from one mark to the next, and that of the middle of the first of them, for which vertices that
are wrong by 1e-13 make no difference. Products could vanish or overflow where numbers are tiny or huge: `has_grid`
sends those polygons elsewhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 256
"""Rows and columns: 64 kB of cells stay in cache, and the edges of a usual polygon come near 1 event in 50."""

_MARGIN = 1e-6
_FLAT = 1e-3
_BLOCK = 1024
"""Events at a time: what one phase leaves for the next stays in the first-level cache."""
_OUTSIDE, _INSIDE, _NEAR = np.uint8(0), np.uint8(1), np.uint8(2)
_LEAST, _MOST = 2.0**-400, 2.0**400
"""Widths and heights for which no product under- or overflows, if the edges also rise by _LEAST_RISE, or not at all."""
_LEAST_RISE = 2.0**-500


@njit
def has_grid(px: NDArray[np.float64], py: NDArray[np.float64]) -> bool:
    """Tell whether the numbers of a polygon are neither so tiny nor so huge that the reasoning above fails."""
    width, height = px.max() - px.min(), py.max() - py.min()
    for j in range(py.size):
        if 0.0 < abs(py[j] - py[j - 1]) < _LEAST_RISE:
            return False
    return bool(_LEAST <= width <= _MOST and _LEAST <= height <= _MOST)


@njit
def holds(
    x: float, y: float, px: NDArray[np.float64], py: NDArray[np.float64], edges: NDArray[np.int32], first: int, end: int
) -> bool:
    """Tell whether an event lies in the polygon, as far as ``edges[first:end]`` tell; edge j ends in vertex j.

    Only for events in the rectangle around the vertices: an ulp beside it, at the height of a vertex, rounding may say
    yes.
    """
    inside = False
    for i in range(first, end):
        j = edges[i]
        ax, ay, bx, by = px[j - 1], py[j - 1], px[j], py[j]
        # An edge that does not reach the event's height is neither touched nor crossed.
        if min(ay, by) <= y <= max(ay, by):
            cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            if cross == 0.0 and min(ax, bx) <= x <= max(ax, bx):
                return True
            # The half-open comparison counts a vertex for one of its two edges only; the sign of the cross product
            # keeps the edges on one side of the event.
            if (ay <= y) != (by <= y) and (cross > 0.0) == (by > ay):
                inside = not inside
    return inside


@njit
def in_polygon_by_grid(
    x: NDArray[np.float64], y: NDArray[np.float64], px: NDArray[np.float64], py: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return 1 for each event in the polygon, 0 for the others; see `has_grid`."""
    x_low, x_high, y_low, y_high = px.min(), px.max(), py.min(), py.max()
    columns_per_unit, rows_per_unit = SIDE / (x_high - x_low), SIDE / (y_high - y_low)
    u, v = (px - x_low) * columns_per_unit, (py - y_low) * rows_per_unit
    edges, starts = _edges_of_rows(v)
    cells = _cells(u, v, edges, starts)

    result = np.empty(x.size, np.uint8)
    places, near = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.int32)
    for start in range(0, x.size, _BLOCK):
        first, size = np.uintp(start), np.uintp(min(_BLOCK, x.size - start))

        # Phase 1: the cell of each event, without a branch. One more cell stands for all that lies beside the grid, NaN
        # and infinity among it.
        for i in range(size):
            ex, ey = x[first + i], y[first + i]
            within = (x_low <= ex) & (ex <= x_high) & (y_low <= ey) & (ey <= y_high)
            column = np.int32(min((ex - x_low) * columns_per_unit, SIDE - 1.0) if within else 0.0)
            row = np.int32(min((ey - y_low) * rows_per_unit, SIDE - 1.0) if within else 0.0)
            places[i] = row * np.int32(SIDE) + column if within else np.int32(SIDE * SIDE)

        # Phase 2: what is known of the cell, and a list of the events for which this does not decide.
        n_near = np.uintp(0)
        for i in range(size):
            state = cells[np.uintp(places[i])]
            result[first + i] = state
            near[n_near] = i
            n_near += np.uintp(state == _NEAR)

        # Phase 3: those are tested against the edges of their row.
        for k in range(n_near):
            event, on = first + np.uintp(near[k]), places[near[k]] // SIDE
            result[event] = holds(x[event], y[event], px, py, edges, starts[on], starts[on + 1])
    return result


@njit
def _row(v: float) -> int:
    return int(min(v, SIDE - 1.0))


@njit
def _edges_of_rows(v: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the edges that reach each row, row after row, and where each row begins in that list."""
    starts = np.zeros(SIDE + 1, np.int64)
    for j in range(v.size):
        for row in range(_row(min(v[j - 1], v[j])), _row(max(v[j - 1], v[j])) + 1):
            starts[row + 1] += 1
    starts = np.cumsum(starts)
    edges, ends = np.empty(starts[SIDE], np.int32), starts.copy()
    for j in range(v.size):
        for row in range(_row(min(v[j - 1], v[j])), _row(max(v[j - 1], v[j])) + 1):
            edges[ends[row]] = j
            ends[row] += 1
    return edges, starts


@njit
def _cells(
    u: NDArray[np.float64], v: NDArray[np.float64], edges: NDArray[np.int32], starts: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return what is known of each cell, row after row, and of what lies beside the grid."""
    cells = np.full(SIDE * SIDE + 1, _OUTSIDE)
    for j in range(u.size):
        _mark(cells, u[j - 1], v[j - 1], u[j], v[j])
    for row in range(SIDE):
        known = False
        state = _OUTSIDE
        for column in range(SIDE):
            cell = row * SIDE + column
            if cells[cell] == _NEAR:
                known = False
                continue
            if not known:  # the first cell behind a mark answers for those that follow
                inside = holds(column + 0.5, row + 0.5, u, v, edges, starts[row], starts[row + 1])
                state = _INSIDE if inside else _OUTSIDE
                known = True
            cells[cell] = state
    return cells


@njit
def _mark(cells: NDArray[np.uint8], au: float, av: float, bu: float, bv: float) -> None:
    """Mark the cells within the margin of an edge."""
    if av > bv:
        au, av, bu, bv = bu, bv, au, av
    rise = bv - av
    for row in range(max(math.floor(av - _MARGIN), 0), min(math.floor(bv + _MARGIN), SIDE - 1) + 1):
        start, stop = au, bu
        if rise >= _FLAT:
            start = au + (bu - au) * ((min(max(row - _MARGIN, av), bv) - av) / rise)
            stop = au + (bu - au) * ((min(max(row + 1 + _MARGIN, av), bv) - av) / rise)
        left, right = (
            max(math.floor(min(start, stop) - _MARGIN), 0),
            min(math.floor(max(start, stop) + _MARGIN), SIDE - 1),
        )
        for column in range(left, right + 1):
            cells[row * SIDE + column] = _NEAR
