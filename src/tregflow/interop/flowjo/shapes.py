"""The gate of a population: polygon, rectangle, ellipse; anything else is a reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tregflow.interop.flowjo.elements import (
    NotUnderstoodError,
    attribute,
    children,
    first,
    local,
    number,
    optional_number,
    required,
    whole,
)
from tregflow.interop.flowjo.model import Reason, WspEllipse, WspPolygon, WspRectangle
from tregflow.interop.xml import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.interop.flowjo.model import WspGate
    from tregflow.interop.xml import Element

    Point = tuple[float, float]

_BINS = 256
"""FlowJo's own resolution of a gate where none is stated, and the width of the space that ellipses are stored in."""
_MOST_BINS = 4096
_PAIR = 2
_ROUNDING = 1.0
"""How far the middle of two edge points may lie from the centre: FlowJo rounds them to whole display units."""
_NAMES = {
    "CurlyQuad": "a curly quadrant (CurlyQuad); how FlowJo bends its borders is not known",
    "MultiRangeGate": "several ranges in one gate (MultiRangeGate)",
}


def read_gate(population: Element) -> WspGate | Reason:
    """Return the gate of a ``Population`` element, or why there is none that can be taken over."""
    gate = first(population, "Gate")
    shapes = list(children(gate))
    if len(shapes) != 1:
        what = "no gate" if not shapes else f"{len(shapes)} shapes in one gate"
        return Reason(what, line_of(population if gate is None else gate))
    try:
        return _shape(shapes[0])
    except NotUnderstoodError as error:
        return error.reason


def _shape(element: Element) -> WspGate:
    kind = local(element)
    if kind == "RectangleGate":
        return WspRectangle(_bounds(element), _inside(element))
    if kind == "PolygonGate":
        return _polygon(element)
    if kind == "EllipsoidGate":
        return _ellipse(element)
    problem = _NAMES.get(kind, f"a gate of the kind '{kind}'")
    raise NotUnderstoodError(problem, element)


def _inside(element: Element) -> bool:
    text = attribute(element, "eventsInside")
    if text not in (None, "0", "1"):
        problem = f"eventsInside of {local(element)} is '{text}', neither 0 nor 1"
        raise NotUnderstoodError(problem, element)
    return text != "0"


def _axes(element: Element) -> list[str]:
    names = []
    for dimension in children(element, "dimension"):
        channel = first(dimension, "fcs-dimension")
        if channel is None:
            problem = "a dimension that is no channel of the file"
            raise NotUnderstoodError(problem, dimension)
        names.append(required(channel, "name"))
    if not names or len(set(names)) < len(names):
        problem = f"{local(element)} on {' and '.join(names) or 'no axis'}"
        raise NotUnderstoodError(problem, element)
    return names


def _two_axes(element: Element) -> tuple[str, str]:
    names = _axes(element)
    if len(names) != _PAIR:
        problem = f"{local(element)} with {len(names)} axes instead of 2"
        raise NotUnderstoodError(problem, element)
    return names[0], names[1]


def _bounds(element: Element) -> tuple[tuple[str, float | None, float | None], ...]:
    bounds = []
    for name, dimension in zip(_axes(element), children(element, "dimension"), strict=True):
        low, high = optional_number(dimension, "min"), optional_number(dimension, "max")
        if low is not None and high is not None and low > high:
            problem = f"bounds the wrong way round on {name}: {low} to {high}"
            raise NotUnderstoodError(problem, dimension)
        bounds.append((name, low, high))
    return tuple(bounds)


def _bins(element: Element) -> int:
    bins = whole(element, "gateResolution", _BINS)
    if not _PAIR <= bins <= _MOST_BINS:
        problem = f"gateResolution of {local(element)} is {bins}"
        raise NotUnderstoodError(problem, element)
    return bins


def _points(element: Element | None) -> list[Point]:
    points = []
    for vertex in children(element, "vertex"):
        values = [number(coordinate, "value") for coordinate in children(vertex, "coordinate")]
        if len(values) != _PAIR:
            problem = f"a vertex with {len(values)} coordinates instead of 2"
            raise NotUnderstoodError(problem, vertex)
        points.append((values[0], values[1]))
    return points


def _polygon(element: Element) -> WspPolygon:
    axes, points = _two_axes(element), _points(element)
    if len(points) < 3:
        problem = f"a polygon with {len(points)} {'vertex' if len(points) == 1 else 'vertices'} instead of 3 or more"
        raise NotUnderstoodError(problem, element)
    return WspPolygon(axes, tuple(points), _bins(element), _inside(element))


def _ellipse(element: Element) -> WspEllipse:
    axes = _two_axes(element)
    foci, edge = _points(first(element, "foci")), _points(first(element, "edge"))
    if len(foci) != 2 or len(edge) != 4:
        problem = f"an ellipse with {len(foci)} foci and {len(edge)} edge points instead of 2 and 4"
        raise NotUnderstoodError(problem, element)
    major = math.dist(edge[0], edge[1]) / 2
    focal = math.dist(*foci) / 2
    if not major > focal:
        problem = "an ellipse whose foci lie outside it"
        raise NotUnderstoodError(problem, element)
    minor = math.sqrt(major * major - focal * focal)
    centre = _middle(foci)
    strays = [_middle(edge[:2]), _middle(edge[2:])]
    if max(math.dist(centre, each) for each in strays) > _ROUNDING or (
        abs(math.dist(edge[2], edge[3]) / 2 - minor) > 2 * _ROUNDING
    ):
        problem = "an ellipse whose edge points do not fit its foci"
        raise NotUnderstoodError(problem, element)
    # A circle has no direction, and any will do.
    angle = math.atan2(foci[1][1] - foci[0][1], foci[1][0] - foci[0][0])
    mean = (centre[0] / _BINS, centre[1] / _BINS)
    return WspEllipse(axes, mean, covariance_of(major / _BINS, minor / _BINS, angle), _bins(element), _inside(element))


def _middle(points: Sequence[Point]) -> Point:
    (x1, y1), (x2, y2) = points
    return (x1 + x2) / 2, (y1 + y2) / 2


def covariance_of(major: float, minor: float, angle: float) -> tuple[Point, Point]:
    """Return R diag(major², minor²) R' for half axes and a rotation by `angle`: the covariance of an ellipse."""
    cos, sin = math.cos(angle), math.sin(angle)
    large, small = major * major, minor * minor
    mixed = (large - small) * sin * cos
    return (large * cos * cos + small * sin * sin, mixed), (mixed, large * sin * sin + small * cos * cos)
