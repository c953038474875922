"""Outlines of polygons for other programs: open sides closed far away, edges that bend there followed in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.interop.gatingml.write_axes import Drawn

Point = tuple[float, float]
OpenSide = tuple[int, bool]
"""Axis (0: x), and whether it is the high side."""
STEPS = 64
"""Straight pieces of an edge that bends."""


def closed(points: Sequence[Point], open_sides: Sequence[OpenSide], far: Sequence[tuple[float, float]]) -> list[Point]:
    """Return the outline of a polygon whose open sides are closed at coordinates beyond every event.

    Parameters
    ----------
    points : sequence of (float, float)
        The polygon.
    open_sides : sequence of (0 or 1, bool)
        Axis and side (True: high) on which it runs on: from its edges and corners on the outermost coordinate, square
        to the side; where two open sides meet in a corner of the polygon, in all directions between them.
    far : sequence of (low, high)
        Per axis, coordinates beyond every event.

    Returns
    -------
    list of (float, float)
        The polygon with a rectangle added for each part that runs on, walked from a corner and back to it: by the
        even-odd rule, boundary inside, the very events of the open polygon as long as none lies beyond `far`.
    """
    loops: dict[Point, list[Point]] = {}
    for axis, high in open_sides:
        for start, stop in _runs(points, axis, high=high):
            out = [_moved(start, axis, far[axis][high]), _moved(stop, axis, far[axis][high])]
            loops.setdefault(start, []).extend([*out, stop, start] if start != stop else [out[0], start])
    for corner, beyond in _corners(points, open_sides, far):
        loops.setdefault(corner, []).extend([(beyond[0], corner[1]), beyond, (corner[0], beyond[1]), corner])
    outline: list[Point] = []
    for point in points:
        outline.append(point)
        outline.extend(loops.pop(point, []))
    return outline


def _runs(points: Sequence[Point], axis: int, *, high: bool) -> list[tuple[Point, Point]]:
    """Return the stretches of a side's outermost coordinate that belong to the polygon, overlaps put together."""
    extreme = _extreme(points, axis, high=high)
    on = [point for point in points if point[axis] == extreme]
    edges = [
        sorted((one, other))
        for one, other in zip(points, [*points[1:], points[0]], strict=True)
        if one[axis] == other[axis] == extreme
    ]
    runs: list[tuple[Point, Point]] = []
    for start, stop in sorted([*map(tuple, edges), *((point, point) for point in on)]):
        if runs and start[1 - axis] <= runs[-1][1][1 - axis]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], stop))
        else:
            runs.append((start, stop))
    return runs


def _corners(
    points: Sequence[Point], open_sides: Sequence[OpenSide], far: Sequence[tuple[float, float]]
) -> list[tuple[Point, Point]]:
    """Return the corners between two open sides that belong to the polygon, each with the point beyond both."""
    found = []
    for _, x_high in [side for side in open_sides if side[0] == 0]:
        for _, y_high in [side for side in open_sides if side[0] == 1]:
            corner = _extreme(points, 0, high=x_high), _extreme(points, 1, high=y_high)
            if corner in points:
                found.append((corner, (far[0][x_high], far[1][y_high])))
    return found


def _extreme(points: Sequence[Point], axis: int, *, high: bool) -> float:
    return (max if high else min)(point[axis] for point in points)


def _moved(point: Point, axis: int, to: float) -> Point:
    return (to, point[1]) if axis == 0 else (point[0], to)


def followed(places: Sequence[Point], axes: Sequence[Drawn]) -> list[Point]:
    """Return an outline as coordinates for other programs; slanted edges that bend there in `STEPS` straight pieces.

    An edge along one axis stays straight whatever the scale of the other.
    """
    bends = any(axis.mode == "bent" for axis in axes)
    pieces = []
    for start, stop in zip(places, [*places[1:], places[0]], strict=True):
        slanted = start[0] != stop[0] and start[1] != stop[1]
        way = np.linspace(0.0, 1.0, STEPS if bends and slanted else 1, endpoint=False)[:, np.newaxis]
        pieces.append(np.array(start) + way * (np.array(stop) - np.array(start)))
    columns = [axis.coordinates(column) for axis, column in zip(axes, np.concatenate(pieces).T, strict=True)]
    return [(float(x), float(y)) for x, y in zip(*columns, strict=True)]
