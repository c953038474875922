"""The outline of a gate, in positions on the axes of a plot; open sides run to the ends of the axes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tregflow.gates import Ellipsoid, Polygon, Rectangle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from tregflow.plots.axes import Span
    from tregflow.transforms import Scale

Shape: TypeAlias = Polygon | Rectangle | Ellipsoid
"""A gate that has a place on axes."""

_ELLIPSE = 128
"""Points of an ellipse on the page; no eye sees its corners."""


def ends(shape: Shape, name: str) -> list[float]:
    """Return where a gate ends on one axis, in data units: without vertices or bounds on an open side."""
    if isinstance(shape, Ellipsoid):
        axis = shape.channels.index(name)
        reach = math.sqrt(shape.covariance[axis][axis] * shape.distance2)
        return [float(shape.scales[axis].inverse(shape.mean[axis] + way)) for way in (-reach, reach)]
    if isinstance(shape, Rectangle):
        if name not in shape.axes:
            return []
        axis = shape.axes.index(name)
        scale = shape.scales[axis] if shape.scales else None
        return [_in_data(shape, end, scale) for end in shape.bounds[axis][1:] if end is not None]
    axis = shape.channels.index(name)
    values = [point[axis] for point in shape.points]
    outermost = {"low": min(values), "high": max(values)}
    open_ends = [outermost[side] for channel, side in shape.open if channel == name]
    return [_in_data(shape, value, shape.scales[axis]) for value in values if value not in open_ends]


def _in_data(shape: Polygon | Rectangle, end: float, scale: Scale | None) -> float:
    return float(scale.inverse(end)) if shape.units == "scale" and scale is not None else end


def outline(
    shape: Shape, names: Sequence[str], scales: tuple[Scale, Scale], spans: tuple[Span, Span]
) -> NDArray[np.float64]:
    """Return the corners of a gate on a pair of axes.

    Parameters
    ----------
    shape : Polygon, Rectangle or Ellipsoid
        A rectangle may lack a bound on one of the axes: it is open there. Of an ellipsoid on more than two axes, its
        shadow on these two. A gate that is decided on FlowJo's grid, or that holds what is outside, looks the same.
    names : two of str
        On x and y.
    scales : (Scale, Scale)
        Of x and y; those of the gate.
    spans : (Span, Span)
        Ends of x and y.

    Returns
    -------
    (n_corners, 2) ndarray of float64
        In order, in positions on the scales; the last is joined to the first.
    """
    if isinstance(shape, Ellipsoid):
        return np.column_stack(_shadow(shape, names).outline(_ELLIPSE))
    if isinstance(shape, Polygon):
        columns = [[point[shape.channels.index(name)] for point in shape.points] for name in names]
        at = [_at(shape, scale, column) for scale, column in zip(scales, columns, strict=True)]
        sides = [(names.index(channel), end) for channel, end in shape.open]
        return _run_on(np.column_stack(at), sides, spans)
    bounds = {name: both for name, *both in shape.bounds}
    (left, right), (bottom, top) = (
        _placed(shape, scale, bounds.get(name, (None, None)), span)
        for name, scale, span in zip(names, scales, spans, strict=True)
    )
    return np.array([(left, bottom), (right, bottom), (right, top), (left, top)])


def _shadow(shape: Ellipsoid, names: Sequence[str]) -> Ellipsoid:
    """Return the projection of an ellipsoid on two of its axes: their rows and columns of the covariance."""
    at = [shape.channels.index(name) for name in names]
    covariance = tuple(tuple(shape.covariance[i][j] for j in at) for i in at)
    mean, scales = tuple(shape.mean[i] for i in at), tuple(shape.scales[i] for i in at)
    return replace(shape, channels=tuple(names), mean=mean, covariance=covariance, scales=scales)


def _at(shape: Polygon | Rectangle, scale: Scale, coordinates: ArrayLike) -> NDArray[np.float64]:
    """Return positions of coordinates, which are data units or positions already."""
    return scale.apply(coordinates) if shape.units == "data" else np.asarray(coordinates, np.float64)


def _placed(shape: Rectangle, scale: Scale, both: Sequence[float | None], span: Span) -> list[float]:
    """Return the positions of two bounds; the end of the axis where there is none, or none that the scale can show."""
    return [
        limit
        if bound is None or (shape.units == "data" and not scale.defined(bound))
        else float(_at(shape, scale, bound))
        for bound, limit in zip(both, span, strict=True)
    ]


def _run_on(
    corners: NDArray[np.float64], sides: Sequence[tuple[int, str]], spans: tuple[Span, Span]
) -> NDArray[np.float64]:
    """Return a polygon whose outermost edge on each open side, (axis, "low" or "high"), is moved to the axis's end.

    The edges beside it stay: what runs on begins at the outermost edge, square to the side, as `Polygon.evaluate` does.
    """
    moves = [_move(edge, corners, sides, spans) for edge in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    found = []
    for i, corner in enumerate(corners):
        before, after = moves[i - 1], moves[i]  # of the edges that meet in this corner
        both = [before | after] if bool(before) == bool(after) else [before, after]
        found += [[move.get(axis, corner[axis]) for axis in (0, 1)] for move in both]
    return np.array(found)


def _move(
    edge: tuple[NDArray[np.float64], NDArray[np.float64]], corners: NDArray[np.float64],
    sides: Sequence[tuple[int, str]], spans: tuple[Span, Span],
) -> dict[int, float]:  # fmt: skip
    """Return where an edge is moved to, axis -> position; nowhere if it is not the outermost on an open side."""
    found = {}
    for axis, end in sides:
        column = corners[:, axis]
        extreme, limit = (column.min(), min(spans[axis])) if end == "low" else (column.max(), max(spans[axis]))
        if edge[0][axis] == edge[1][axis] == extreme and edge[0][1 - axis] != edge[1][1 - axis]:
            found[axis] = limit
    return found


def points_along(corners: NDArray[np.float64], n_points: int = 64) -> NDArray[np.float64]:
    """Return (n_corners * n_points, 2) points along a closed outline, evenly on each edge."""
    after = np.roll(corners, -1, axis=0)
    share = np.arange(n_points)[:, None, None] / n_points
    return ((1 - share) * corners + share * after).reshape(-1, 2)
