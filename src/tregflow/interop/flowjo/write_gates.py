"""Our gates in the form that FlowJo can hold: closed outlines and bounds in data units, ellipses on the axes' display.

What comes out is a gate of ours again, of the kind that a reader of the workspace would build. Whether it holds the
same events is not argued but looked at, by `tregflow.interop.flowjo.write_tree`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.interop.flowjo.write_scales import flowjo_axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.transforms import Scale

    Point = tuple[float, float]
    Shape = Polygon | Rectangle | Ellipsoid

FAR = 1e9
"""Data units, beyond what any detector gives: where the open side of a polygon is closed."""
_NEAR = 1e-9
_HALVINGS = 100
"""More than the digits of a float: the two ends then are neighbours, or as good as."""


@dataclass(frozen=True, slots=True)
class Written:
    """A gate as a reader of the workspace builds it, and for an ellipse the points that are written for it."""

    gate: Shape
    foci: tuple[Point, ...] = ()
    edges: tuple[Point, ...] = ()


class CannotHoldError(Exception):
    """FlowJo cannot hold a gate; the text says why."""


def as_flowjo(gate: Shape, axes: Mapping[str, Scale]) -> Written:
    """Return a gate as a workspace holds it.

    Parameters
    ----------
    gate : Polygon, Rectangle or Ellipsoid
        As the strategy builds it.
    axes : mapping of str to Scale
        Name on an axis -> the one axis that FlowJo has for its parameter.

    Raises
    ------
    CannotHoldError
        FlowJo has no such gate, or not on these axes.
    """
    if len(gate.axes) > 2:
        problem = f"FlowJo has no gate on {len(gate.axes)} axes"
        raise CannotHoldError(problem)
    match gate:
        case Rectangle():
            return Written(_rectangle(gate, axes))
        case Polygon():
            return Written(_polygon(gate, axes))
        case Ellipsoid():
            return _ellipse(gate, axes)


def _check_axis(name: str, scale: Scale, axis: Scale, *, binned: bool) -> None:
    """Refuse a shape drawn on one scale where FlowJo's one axis for the parameter is another: its edges would bend."""
    own = flowjo_axis(scale)
    if own is None:
        problem = f"FlowJo has no {scale.kind} axis, which {name} is drawn on"
        raise CannotHoldError(problem)
    if own != axis and not (scale.affine and axis.affine and not binned):
        problem = f"FlowJo has one axis for {name} and it is {axis}, as another gate asks for; the gate is on {scale}"
        raise CannotHoldError(problem)


# ------------------------------------------------------------------------------------------------------ rectangles


def _rectangle(gate: Rectangle, axes: Mapping[str, Scale]) -> Rectangle:
    """Return the rectangle in data units: they keep order, so that any axis will do."""
    bounds = gate.bounds
    if gate.units == "scale":
        bounds = tuple(
            (name, _in_data(scale, low, -math.inf), _in_data(scale, high, math.inf))
            for scale, (name, low, high) in zip(gate.scales, gate.bounds, strict=True)
        )
        if all(low is None and high is None for _, low, high in bounds):
            problem = "its bounds lie at the ends of the axes, which FlowJo holds as no bound at all"
            raise CannotHoldError(problem)
        bounds = tuple(bound for bound in bounds if bound[1:] != (None, None))
    scales = tuple(axes[name] for name, _, _ in bounds)
    return replace(gate, bounds=bounds, units="data", scales=scales)


def _in_data(scale: Scale, position: float | None, end: float) -> float | None:
    """Return the value in data units from which positions reach a bound; None where a clamped axis makes it none."""
    if position is None:
        return None
    if scale.clamped[0 if end < 0 else 1]:
        reached = float(scale.apply(math.copysign(1e300, end)))
        if (reached >= position) if end < 0 else (reached < position):
            return None
    value = float(scale.inverse(position))
    step = max(abs(value), 1.0) * _NEAR
    low, high = value - step, value + step
    if not (float(scale.apply(low)) < position <= float(scale.apply(high))):
        return value  # off what the scale shows: the events decide whether that will do
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(scale.apply(middle)) < position:
            low = middle
        else:
            high = middle
    return high


# -------------------------------------------------------------------------------------------------------- polygons


def _polygon(gate: Polygon, axes: Mapping[str, Scale]) -> Polygon:
    for name, scale in zip(gate.channels, gate.scales, strict=True):
        _check_axis(name, scale, axes[name], binned=gate.bins is not None)
    points = gate.points
    if gate.units == "scale":
        points = tuple(cast("Point", tuple(map(_vertex_in_data, gate.scales, point))) for point in points)
    on = cast("tuple[Scale, Scale]", tuple(axes[name] for name in gate.channels))
    for name, side in gate.open:
        column = gate.channels.index(name)
        points = closed(points, column, side, _end(on[column], side))
    return replace(gate, points=points, units="data", scales=on, open=())


def _vertex_in_data(scale: Scale, position: float) -> float:
    value = float(scale.inverse(position))
    if not (math.isfinite(value) and abs(float(scale.apply(value)) - position) <= _NEAR * max(1.0, abs(position))):
        problem = f"a vertex at {position!r} on the {scale.kind} scale has no place in data units, as FlowJo holds it"
        raise CannotHoldError(problem)
    return value


def _end(axis: Scale, side: str) -> float:
    """Return what stands for infinity on an axis, in data units: its end where values beyond it are clamped to it."""
    high = side == "high"
    if axis.clamped[1 if high else 0]:
        return float(axis.inverse(1.0 if high else 0.0))
    return FAR if high else -FAR


def closed(points: Sequence[Point], column: int, side: str, end: float) -> tuple[Point, ...]:
    """Return an outline whose open side is drawn out to `end`.

    Parameters
    ----------
    points : sequence of (float, float)
        Vertices in order.
    column : int
        The axis with the open side: 0 for x, 1 for y.
    side : {"low", "high"}
        Which end of the axis.
    end : float
        Where the side shall lie.

    Examples
    --------
    >>> closed([(0, 0), (2, 0), (2, 2), (0, 2)], 0, "high", 9.0)
    ((0, 0), (9.0, 0), (9.0, 2), (0, 2))
    """
    outermost = (max if side == "high" else min)(point[column] for point in points)
    first = next(place for place, point in enumerate(points) if point[column] != outermost)
    drawn: list[Point] = []
    run: list[Point] = []
    # From a vertex that lies further in, so that the last run cannot go on at the beginning.
    for point in (*points[first:], *points[: first + 1]):
        if point[column] == outermost:
            run.append(point)
            continue
        moved = [cast("Point", (*each[:column], end, *each[column + 1 :])) for each in run]
        drawn += [run[0], *moved, run[-1]] if len(run) > 1 else run
        drawn.append(point)
        run = []
    drawn.pop()
    place = 0
    while place < len(drawn):  # one after another: of two in the same place one is needed
        if _straight(drawn, place):
            del drawn[place]
            place = max(place - 1, 0)
        else:
            place += 1
    start = drawn.index(points[0]) if points[0] in drawn else 0
    return (*drawn[start:], *drawn[:start])


def _straight(points: Sequence[Point], place: int) -> bool:
    """Tell whether a vertex lies between its neighbours on an edge along an axis, and so is none."""
    before, here, after = points[place - 1], points[place], points[(place + 1) % len(points)]
    return any(
        before[fixed] == here[fixed] == after[fixed]
        and (before[other] <= here[other] <= after[other] or before[other] >= here[other] >= after[other])
        for fixed, other in ((0, 1), (1, 0))
    )


# -------------------------------------------------------------------------------------------------------- ellipses


def _ellipse(gate: Ellipsoid, axes: Mapping[str, Scale]) -> Written:
    binned = gate.bins is not None
    on = []
    for name, scale in zip(gate.channels, gate.scales, strict=True):
        _check_axis(name, scale, axes[name], binned=binned)
        on.append(axes[name])
    # Between affine scales an ellipse stays one; between other scales the position is the same.
    steps = [_step(scale, axis) for scale, axis in zip(gate.scales, on, strict=True)]
    mean = tuple(gain * value + offset for value, (gain, offset) in zip(gate.mean, steps, strict=True))
    covariance = tuple(
        tuple(value * steps[i][0] * steps[j][0] for j, value in enumerate(row)) for i, row in enumerate(gate.covariance)
    )
    moved = replace(gate, mean=mean, covariance=covariance, scales=tuple(on))
    foci, edges = foci_and_edges(moved)
    return Written(ellipse_of(moved, foci, edges), foci, edges)


def _step(scale: Scale, axis: Scale) -> tuple[float, float]:
    if not (scale.affine and axis.affine) or flowjo_axis(scale) == axis:
        return 1.0, 0.0
    zero, one = (float(axis.apply(scale.inverse(position))) for position in (0.0, 1.0))
    return one - zero, zero


def foci_and_edges(gate: Ellipsoid) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the two foci and the four edge points of an ellipse in FlowJo's display of 256 x 256.

    Edge points 1 and 2 end the major axis, 3 and 4 the minor one (gating.md, section 6). With the covariance as
    ``[[p, q], [q, r]]`` the squared half axes are ``(p + r) / 2 +- hypot((p - r) / 2, q)``, and the major one points to
    ``atan2(2 q, p - r) / 2``.
    """
    center = tuple(256.0 * value for value in gate.mean)
    (p, q), (_, r) = (tuple(256.0**2 * gate.distance2 * value for value in row) for row in gate.covariance)
    half, spread = (p + r) / 2, math.hypot((p - r) / 2, q)
    angle = math.atan2(2 * q, p - r) / 2
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    major = math.sqrt(half + spread)
    # The product of the two squared half axes is the determinant: nothing cancels for a thin ellipse.
    minor = math.sqrt(max((p * r - q * q) / (half + spread), 0.0))
    steps = (
        (-math.sqrt(2 * spread), along),
        (math.sqrt(2 * spread), along),
        (major, along),
        (-major, along),
        (minor, across),
        (-minor, across),
    )
    points = [(center[0] + by * towards[0], center[1] + by * towards[1]) for by, towards in steps]
    return tuple(points[:2]), tuple(points[2:])


def ellipse_of(gate: Ellipsoid, foci: Sequence[Point], edges: Sequence[Point]) -> Ellipsoid:
    """Return the ellipse that a reader finds in foci and edge points: what the numbers written stand for."""
    (x1, y1), (x2, y2) = foci
    center = ((x1 + x2) / 2, (y1 + y2) / 2)
    major2 = (math.dist(edges[0], edges[1]) / 2) ** 2
    minor2 = major2 - (math.dist(*foci) / 2) ** 2
    if not minor2 > 0:
        problem = "an ellipse so thin that FlowJo's two foci do not hold it"
        raise CannotHoldError(problem)
    angle = math.atan2(y2 - y1, x2 - x1)
    cos, sin, large, small = math.cos(angle), math.sin(angle), major2 / 256.0**2, minor2 / 256.0**2
    mixed = (large - small) * sin * cos
    covariance = ((large * cos * cos + small * sin * sin, mixed), (mixed, large * sin * sin + small * cos * cos))
    return replace(gate, mean=tuple(value / 256.0 for value in center), covariance=covariance, distance2=1.0)
