"""What can be said of a gate by looking up the keys of float32 values: in, out, or near an edge.

A *key* is the 16 highest bits of a float32 (`tregflow._kernels.screen`): an interval of values, 2**-7 of their
magnitude wide. Neighbouring keys are joined to *bins*.

Bound. The pass computes the value s of an event on an axis in float32; what counts is the value r that the plain
evaluation computes in float64. For a sum of n products w_i v_i, rounded one by one, with weights and values rounded to
float32 beforehand, abs(s - r) <= (n + 6) 2**-24 * sum of abs(w_i v_i) to first order (Higham, Accuracy and Stability of
Numerical Algorithms, 2002, 3.1); the errors of float64 are 2**-29 of that. `tregflow.strategy.program` bounds the sum
by limits on abs(v_i), which the pass checks event by event, and hands it on as `error`. A value that is no sum is off
by three roundings at most. So an event whose s lies in a bin from l to h has its r within

    l - error - 2**-21 abs(l) - 1e-37   to   h + error + 2**-21 abs(h) + 1e-37,

where the last term stands for underflow. Scales rise, and their positions are right to 1e-15 of the axis: positions of
r lie between those of the two ends, widened by 1e-12. From here on a cell of the grid is a rectangle in the coordinates
in which the gate is decided, and every event of the cell lies in this rectangle.

What is said of a cell. A polygon's answer changes at edges only. A cell that no edge comes near, by a margin of 1e-9 of
the polygon's size and 1e-12 of its largest coordinate, is in or out as a whole, and so the answer for one point of it,
which the gate itself gives, is that for all: the sign that the exact test takes is right from 1e-15 of the size on
(`tregflow._kernels.polygon_grid`). Open sides run on as rays from the corners there. A cell of one point only, such as
a bin of FlowJo's grid or the clamped end of an axis, needs no margin: the answer is that of the point. An ellipse's
quadratic form is bounded over the cell; a range compares the ends of the bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tregflow._keys import BINS, IN, KEYS, NEAR, OUT
from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tregflow.transforms import Scale

    Floats = NDArray[np.float64]
    States = NDArray[np.uint8]
    Truths = NDArray[np.bool_]

_FINITE = 0x7F80
"""Keys of either sign; behind them infinity and NaN begin."""
_RELATIVE, _UNDERFLOW = 2.0**-21, 1e-37
_POSITION = 1e-12
_MARGIN, _OF_LARGEST = 1e-9, 1e-12
_BEYOND = 1e300
_FLAT = 1e-5
"""By what part a box around an ellipsoid is widened: of a nearly flat one (condition number 3e9 at most), the rounded
form takes in events up to 1e-7 beyond the true box."""
_FAR = 1e-9
"""How far beyond the end of a clamped axis, in parts of it, values surely are."""


class Screen(NamedTuple):
    """What is known of a gate.

    Attributes
    ----------
    tables : (n_axes, KEYS) ndarray of uint8
        Key -> bin of the grid; without a grid, key -> state.
    grid : (BINS, BINS) ndarray of uint8, or None
        State of each pair of bins of x and y, what lies outside the shape being in where the gate says so. None: the
        states of the axes are to be multiplied.
    """

    tables: States
    grid: States | None


@lru_cache(maxsize=128)
def screen_of(gate: Polygon | Rectangle | Ellipsoid, errors: tuple[float, ...]) -> Screen:
    """Return the screen of a gate; `errors` are the bounds of its axes, in data units.

    Kept for the next sample: most gates of a study are the same in all of them.
    """
    if isinstance(gate, Rectangle):
        return _of_rectangle(gate, errors)
    if isinstance(gate, Ellipsoid) and len(gate.axes) > 2:
        return _of_ellipsoid(gate, errors)
    if isinstance(gate, Ellipsoid) and gate.resolution is None:
        return _of_ellipse(gate, errors)
    return _of_polygon(gate, errors)


@lru_cache(maxsize=1)
def _values() -> tuple[Floats, Floats]:
    """Return the least and the greatest value of each key of finite values, by value."""
    magnitudes = np.arange(_FINITE, dtype=np.uint32)
    keys = np.concatenate([(magnitudes | KEYS // 2)[::-1], magnitudes])
    ends = [(keys << 16 | low).astype(np.uint32).view(np.float32).astype(np.float64) for low in (0, 0xFFFF)]
    return np.minimum(*ends), np.maximum(*ends)


def widened(low: Floats, high: Floats, error: float) -> tuple[Floats, Floats]:
    """Return between which values what counts lies, if the float32 lies from `low` to `high`."""
    return (
        low - error - _RELATIVE * np.abs(low) - _UNDERFLOW,
        high + error + _RELATIVE * np.abs(high) + _UNDERFLOW,
    )


@dataclass(frozen=True, slots=True)
class _Coordinate:
    """In what a gate is decided on an axis: data units, positions on a scale, or bins of FlowJo's grid."""

    scale: Scale
    in_data: bool = False
    bins: int | None = None

    def between(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Return between which coordinates all values from `low` to `high` lie; what has no place, from infinity."""
        if self.in_data:
            return low, high
        below, above = self._positions(low, high)
        if self.bins is not None:
            below, above = self.scale.bins_at(below, self.bins), self.scale.bins_at(above, self.bins)
        return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)

    def _positions(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        scale = self.scale
        below, above = scale.apply(low), scale.apply(high)
        # Beyond an end that clamps, all values have one and the same position, which needs no widening.
        (clamps_low, clamps_high), one = scale.clamped, np.zeros(low.shape, bool)
        if clamps_low:
            end = float(scale.inverse(0.0))
            one |= high < end - _FAR * abs(end)
        if clamps_high:
            end = float(scale.inverse(1.0))
            one |= low > end + _FAR * abs(end)
        low_slack, high_slack = (_POSITION * np.maximum(1.0, np.abs(each)) for each in (below, above))
        low_end: Floats = np.where(one, below, scale.held(below - low_slack))
        high_end: Floats = np.where(one, above, scale.held(above + high_slack))
        return low_end, high_end


class _Bins(NamedTuple):
    """An axis in bins: key -> bin, and between which coordinates each lies; ends exchanged where it is empty."""

    table: States
    low: Floats
    high: Floats

    @property
    def filled(self) -> NDArray[np.bool_]:
        return self.low <= self.high

    @property
    def point(self) -> Floats:
        """A coordinate that lies in each bin; NaN in one that is empty."""
        inner = np.where(np.isfinite(self.low), self.low, self.high)
        return np.where(self.filled & np.isfinite(inner), inner, np.nan)


def _bins(coordinate: _Coordinate, error: float, start: float, stop: float, margin: float) -> _Bins:
    """Cut an axis into bins: one surely below `start`, one surely above `stop`, even ones in between."""
    below, above = _ends(coordinate, error)
    # Both rise, but for the last places of a scale, which the widening covers: a cut is found by bisection. Where a
    # scale gives no place, `above` is infinite, out of order; events there are set aside before they are looked up.
    begin = int(np.searchsorted(above, start - 2 * margin))
    end = max(begin, int(np.searchsorted(below, stop + 2 * margin, side="right")))
    inner = np.searchsorted(below, np.linspace(start, stop, BINS - 1)[1:-1]).clip(begin, end)
    cuts = np.concatenate([[0, begin], inner, [end, below.size]])
    table = _by_key(np.repeat(np.arange(BINS, dtype=np.uint8), np.diff(cuts)), 0)
    first, last = cuts[:-1], cuts[1:]
    filled = first < last
    low, high = below[np.minimum(first, below.size - 1)], above[last - 1]
    return _Bins(table, np.where(filled, low, np.inf), np.where(filled, high, -np.inf))


@lru_cache(maxsize=16)
def _ends(coordinate: _Coordinate, error: float) -> tuple[Floats, Floats]:
    """Return between which coordinates the values of each key lie."""
    low, high = _values()
    return coordinate.between(*widened(low, high, error))


def _margin(vertices: Floats) -> float:
    return _MARGIN * float(np.ptp(vertices)) + _OF_LARGEST * float(np.abs(vertices).max())


def _of_polygon(gate: Polygon | Ellipsoid, errors: tuple[float, ...]) -> Screen:
    """Return the screen of a polygon, or of an ellipse that FlowJo counts as one."""
    from tregflow._kernels.cells import cells_near
    from tregflow._kernels.polygon_grid import has_grid

    px, py, edges, holds = _outline(gate)
    margins = (_margin(px), _margin(py))
    x, y = (
        _bins(coordinate, error, float(vertex.min()), float(vertex.max()), margin)
        for coordinate, error, vertex, margin in zip(_coordinates(gate), errors, (px, py), margins, strict=True)
    )
    near = cells_near(x.low, x.high, y.low, y.high, edges, margins, float(np.abs(px).max()))
    single = (x.low == x.high)[:, None] & (y.low == y.high)
    if not has_grid(px, py):
        near[:] = True
    return _plane(gate, x, y, holds, near & ~single)


def _plane(
    gate: Polygon | Ellipsoid, x: _Bins, y: _Bins, holds: Callable[[Floats, Floats], Truths], near: Truths
) -> Screen:
    """Return a screen whose cells that are not near have the answer of one of their points."""
    at_x, at_y = np.repeat(x.point, BINS), np.tile(y.point, BINS)
    inside = holds(at_x, at_y).reshape(BINS, BINS)
    grid = np.where(near | np.isnan(at_x + at_y).reshape(BINS, BINS), NEAR, np.where(inside != gate.outside, IN, OUT))
    return Screen(np.array([x.table, y.table]), grid.astype(np.uint8))


def _coordinates(gate: Polygon | Ellipsoid) -> list[_Coordinate]:
    in_data = isinstance(gate, Polygon) and gate.units == "data"
    bins = gate.bins if isinstance(gate, Polygon) else gate.resolution
    return [_Coordinate(scale, in_data and scale.affine and bins is None, bins) for scale in gate.scales]


def _outline(gate: Polygon | Ellipsoid) -> tuple[Floats, Floats, Floats, Callable[[Floats, Floats], Truths]]:
    """Return vertices, edges, and the exact test."""
    from tregflow._kernels import in_polygon

    if isinstance(gate, Polygon):
        return *gate.vertices, _open_edges(gate), gate.holds
    px, py = gate.corners(gate.resolution or 0)
    return px, py, _edges(px, py), lambda x, y: in_polygon(x, y, px, py)


def _edges(px: Floats, py: Floats) -> Floats:
    """Return the (n_vertices, 4) edges, each from the vertex before to the vertex."""
    return np.column_stack([np.roll(px, 1), np.roll(py, 1), px, py])


def _open_edges(gate: Polygon) -> Floats:
    """Return the edges of a polygon, and rays from the corners of its open sides to beyond every value."""
    vertices = gate.vertices
    rays = []
    for axis, ends in enumerate(gate.ends):
        for end, far in zip(ends, (-_BEYOND, _BEYOND), strict=True):
            corners = np.column_stack(vertices)[vertices[axis] == end]
            beyond = corners.copy()
            beyond[:, axis] = far
            rays.append(np.hstack([corners, beyond]))
    return np.vstack([_edges(*vertices), *rays])


def _of_ellipse(gate: Ellipsoid, errors: tuple[float, ...]) -> Screen:
    """Return the screen of an exact ellipse: its quadratic form is bounded over each cell."""
    form, bound = gate.form
    reach = [np.sqrt(gate.distance2 * row[i]) for i, row in enumerate(gate.covariance)]
    x, y = (
        _bins(coordinate, error, mean - half, mean + half, _MARGIN * half)
        for coordinate, error, mean, half in zip(_coordinates(gate), errors, gate.mean, reach, strict=True)
    )
    centres, halves = [], []
    for bins, mean in zip((x, y), gate.mean, strict=True):
        with np.errstate(invalid="ignore"):  # an empty bin, or one that begins at minus infinity, is near: NaN is
            centres.append((bins.low + bins.high) / 2 - mean)
            halves.append((bins.high - bins.low) / 2)
    (cx, cy), (hx, hy) = (np.meshgrid(*pair, indexing="ij") for pair in (centres, halves))
    across = form[0, 1] + form[1, 0]
    with np.errstate(invalid="ignore", over="ignore"):
        value = form[0, 0] * cx**2 + across * cx * cy + form[1, 1] * cy**2
        wide_x, wide_y = 2 * abs(cx) * hx + hx**2, 2 * abs(cy) * hy + hy**2
        change = abs(form[0, 0]) * wide_x + abs(form[1, 1]) * wide_y
        change += abs(across) * (abs(cx) * hy + abs(cy) * hx + hx * hy)
        size = abs(form[0, 0]) * (abs(cx) + hx) ** 2 + abs(form[1, 1]) * (abs(cy) + hy) ** 2
        size += abs(across) * (abs(cx) + hx) * (abs(cy) + hy)
        change += _MARGIN * (size + abs(bound))
        inside, outside = value + change <= bound, value - change > bound
    if gate.outside:
        inside, outside = outside, inside
    grid = np.where(inside, IN, np.where(outside, OUT, NEAR)).astype(np.uint8)
    return Screen(np.array([x.table, y.table]), grid)


def _of_ellipsoid(gate: Ellipsoid, errors: tuple[float, ...]) -> Screen:
    """Return the screen of an ellipsoid on several axes: out beside the box around it, else near."""
    tables = []
    for axis, (scale, error, mean) in enumerate(zip(gate.scales, errors, gate.mean, strict=True)):
        half = np.inf if gate.indefinite else np.sqrt(gate.distance2 * gate.covariance[axis][axis]) * (1 + _FLAT)
        low, high = _ends(_Coordinate(scale), error)
        slack = _MARGIN * abs(mean) + _UNDERFLOW
        beside = (high < mean - half - slack) | (low > mean + half + slack)
        tables.append(_states(np.zeros(beside.shape, bool), beside))
    return Screen(np.array(tables), None)


def _of_rectangle(gate: Rectangle, errors: tuple[float, ...]) -> Screen:
    """Return the screen of ranges: each axis by itself."""
    scales = gate.scales or (Linear(),) * len(gate.bounds)
    tables = []
    for scale, error, (start, stop) in zip(scales, errors, gate.ends, strict=True):
        low, high = _ends(_Coordinate(scale, in_data=gate.units == "data"), error)
        tables.append(_states((low >= start) & (high < stop), (high < start) | (low >= stop)))
    return Screen(np.array(tables), None)


def _states(inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> States:
    """Return the state of every key from those of the keys of finite values."""
    return _by_key(np.where(inside, IN, np.where(outside, OUT, NEAR)).astype(np.uint8), NEAR)


def _by_key(states: States, rest: int) -> States:
    """Return what was found value by value in the order of the keys, and `rest` for those of NaN and infinity."""
    table = np.full(KEYS, rest, np.uint8)
    table[:_FINITE] = states[_FINITE:]
    table[KEYS // 2 : KEYS // 2 + _FINITE] = states[_FINITE - 1 :: -1]
    return table
