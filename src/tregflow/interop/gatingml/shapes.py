"""Rectangles, polygons, ellipsoids and quadrants of a Gating-ML file (Gating-ML 2.0, sections 5.1 to 5.4)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tregflow.errors import GateError
from tregflow.gates import Ellipsoid, Polygon
from tregflow.interop.gatingml.bounds import bounded_range, check_extent
from tregflow.interop.gatingml.dimensions import DIMENSION, distinct
from tregflow.interop.gatingml.elements import attribute, check_children, finite, number_of, only, required
from tregflow.interop.gatingml.faults import GateFault
from tregflow.interop.gatingml.model import ParsedGate, ParsedQuadrants
from tregflow.interop.gatingml.names import children, data_type, gating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.interop.gatingml.bounds import Range
    from tregflow.interop.gatingml.dimensions import Context
    from tregflow.interop.gatingml.model import Axis, Rule
    from tregflow.interop.xml import Element

_ENDS = {"min": ("-INF",), "max": ("INF", "+INF")}
"""Texts that say that a range has no end; xs:double knows them."""


def rectangle(element: Element, context: Context) -> tuple[tuple[Axis, ...], Rule]:
    """Return axes and rule of a ``RectangleGate``."""
    check_children(element, (gating("dimension"),))
    dimensions = children(element, gating("dimension"))
    axes = distinct(element, [_axis(each, context) for each in dimensions])
    ranges = [_range(each, axis, context) for each, axis in zip(dimensions, axes, strict=True)]
    kept = [(axis, ends) for axis, ends in zip(axes, ranges, strict=True) if ends != (None, None)]
    if not kept:
        raise GateFault(element, "a rectangle without min and max", expected="one of them on one dimension at least")
    for axis, ends in zip(axes, ranges, strict=True):
        if ends == (None, None) and _may_be_undefined(axis, context):
            problem = f"a dimension on {axis.source.name} without min and max, where values may have no position"
            raise GateFault(element, problem, expected="min or max", broken=False)
    bounds = [list(ends) for _, ends in kept]

    def rule(names: Sequence[str]) -> dict[str, Any]:
        return {"rectangle": dict(zip(names, bounds, strict=True)), "units": "scale"}

    return tuple(axis for axis, _ in kept), rule


def polygon(element: Element, context: Context) -> tuple[tuple[Axis, ...], Rule]:
    """Return axes and rule of a ``PolygonGate``."""
    check_children(element, (gating("dimension"), gating("vertex")))
    axes = distinct(element, [_axis(each, context) for each in children(element, gating("dimension"))])
    if len(axes) != 2:
        raise GateFault(element, f"a polygon on {_counted(len(axes), 'dimension')}", expected="2")
    points = [(x, y) for x, y in (_coordinates(each, 2) for each in children(element, gating("vertex")))]
    if len(points) < 3:
        raise GateFault(element, f"a polygon with {_counted(len(points), 'vertex')}", expected="3 or more")
    scales = (context.scale(axes[0]), context.scale(axes[1]))
    try:
        Polygon(id="gate", parent="root", channels=("x", "y"), points=tuple(points), scales=scales, units="scale")
    except GateError as error:
        raise GateFault.of(element, error) from None
    for axis, column in zip(axes, zip(*points, strict=True), strict=True):
        check_extent(context, axis, element, min(column), max(column))

    def rule(names: Sequence[str]) -> dict[str, Any]:
        return {"polygon": list(names), "points": list(map(list, points)), "units": "scale"}

    return axes, rule


def ellipsoid(element: Element, context: Context) -> tuple[tuple[Axis, ...], Rule]:
    """Return axes and rule of an ``EllipsoidGate``."""
    tags = [gating(each) for each in ("dimension", "mean", "covarianceMatrix", "distanceSquare")]
    check_children(element, tags)
    axes = distinct(element, [_axis(each, context) for each in children(element, tags[0])])
    mean = _coordinates(only(element, tags[1]), len(axes))
    covariance = [_entries(row, len(axes)) for row in children(only(element, tags[2]), gating("row"))]
    distance2 = number_of(only(element, tags[3]), data_type("value"))
    gate = _ellipsoid(element, context, axes, mean, covariance, distance2)
    for i, axis in enumerate(axes):
        reach = math.inf if gate.indefinite else math.sqrt(gate.distance2 * gate.covariance[i][i])
        check_extent(context, axis, element, mean[i] - reach, mean[i] + reach)

    def rule(names: Sequence[str]) -> dict[str, Any]:
        rows = list(map(list, covariance))
        shape = {"ellipsoid": list(names), "mean": list(mean), "covariance": rows, "distance2": distance2}
        return shape | ({"indefinite": True} if gate.indefinite else {})

    return axes, rule


def _ellipsoid(
    element: Element,
    context: Context,
    axes: Sequence[Axis],
    mean: tuple[float, ...],
    covariance: Sequence[tuple[float, ...]],
    distance2: float,
) -> Ellipsoid:
    """Return the gate, with a covariance that is none taken by its letter: the standard's own tests hold one."""
    scales = tuple(map(context.scale, axes))
    fault = None
    for indefinite in (False, True):
        try:
            return Ellipsoid(
                id="gate",
                parent="root",
                channels=_unlike(axes),
                mean=mean,
                covariance=tuple(covariance),
                distance2=distance2,
                scales=scales,
                indefinite=indefinite,
            )
        except GateError as error:
            fault = fault or GateFault.of(element, error)
    raise fault or GateFault(element, "no ellipsoid")


def quadrants(
    element: Element, context: Context, name: str, parent: str | None
) -> tuple[ParsedQuadrants, list[ParsedGate]]:
    """Return a ``QuadrantGate`` and its quadrants, each a gate."""
    check_children(element, (gating("divider"), gating("Quadrant")))
    dividers = children(element, gating("divider"))
    ids = [required(each, gating("id")) for each in dividers]
    axes = distinct(element, [_axis(each, context, gating("value")) for each in dividers])
    if not dividers:
        raise GateFault(element, "a quadrant gate without a divider", expected="1 or more")
    if len(set(ids)) < len(ids):
        raise GateFault(element, "a quadrant gate with two dividers of one id", expected="every id once")
    values = [_values(each) for each in dividers]
    for axis, column in zip(axes, values, strict=True):
        check_extent(context, axis, element, column[0], column[-1])
    places = dict(zip(ids, zip(axes, values, strict=True), strict=True))
    cells = [_quadrant(each, places, name, parent) for each in children(element, gating("Quadrant"))]
    if not cells:
        raise GateFault(element, "a quadrant gate without a quadrant", expected="1 or more")
    return ParsedQuadrants(name, element, parent, axes, tuple(values)), cells


def _quadrant(
    element: Element, places: dict[str, tuple[Axis, tuple[float, ...]]], quadrant_gate: str, parent: str | None
) -> ParsedGate:
    check_children(element, (gating("position"),))
    name = required(element, gating("id"))
    cell: dict[Axis, int] = {}
    for position in children(element, gating("position")):
        divider = required(position, gating("divider_ref"))
        if divider not in places:
            problem = f"the quadrant '{name}' refers to the divider '{divider}', which is not there"
            raise GateFault(position, problem, available=tuple(places))
        axis, values = places[divider]
        if axis in cell:
            problem = f"the quadrant '{name}' has two positions at '{divider}'"
            raise GateFault(position, problem, expected="one per divider")
        location = number_of(position, gating("location"))
        cell[axis] = sum(value <= location for value in values)  # as for events: a divider belongs above
    if not cell:
        raise GateFault(element, f"the quadrant '{name}' has no position", expected="one at a divider at least")
    numbers = tuple(cell.values())

    def rule(names: Sequence[str]) -> dict[str, Any]:
        return {"quadrant": quadrant_gate, "cell": dict(zip(names, numbers, strict=True))}

    shown_name = attribute(element, gating("name")) or ""
    return ParsedGate(name, shown_name, element, parent, tuple(cell), rule, quadrants=quadrant_gate)


def _values(element: Element) -> tuple[float, ...]:
    values = sorted(finite(each, "it", each.text) for each in children(element, gating("value")))
    if not values:
        raise GateFault(element, "a divider without a value", expected="1 or more")
    if any(one == other for one, other in pairwise(values)):
        raise GateFault(element, "a divider with a value twice", expected="every value once")
    return tuple(values)


def _axis(element: Element, context: Context, *more: str) -> Axis:
    check_children(element, (*DIMENSION, *more))
    axis = context.axis(element)
    context.check_bounds(axis, element)
    return axis


def _range(element: Element, axis: Axis, context: Context) -> Range:
    low, high = (_end(element, name) for name in ("min", "max"))
    if low is not None and high is not None and not low < high:
        raise GateFault(element, f"no value is at least {low!r} and below {high!r}", expected="min < max")
    return bounded_range(context, axis, element, (low, high))


def _end(element: Element, name: str) -> float | None:
    text = attribute(element, gating(name))
    return None if text is None or text.strip() in _ENDS[name] else number_of(element, gating(name))


def _may_be_undefined(axis: Axis, context: Context) -> bool:
    return axis.source.ratio or not bool(context.scale(axis).defined(-1.0))


def _coordinates(element: Element, expected: int) -> tuple[float, ...]:
    check_children(element, (gating("coordinate"),))
    found = tuple(number_of(each, data_type("value")) for each in children(element, gating("coordinate")))
    if len(found) != expected:
        raise GateFault(element, f"a point of {_counted(len(found), 'coordinate')}", expected=str(expected))
    return found


def _entries(element: Element, expected: int) -> tuple[float, ...]:
    check_children(element, (gating("entry"),))
    found = tuple(number_of(each, data_type("value")) for each in children(element, gating("entry")))
    if len(found) != expected:
        raise GateFault(element, f"a row of {len(found)} numbers in the covariance", expected=str(expected))
    return found


def _unlike(axes: Sequence[Axis]) -> tuple[str, ...]:
    """Return the names of the sources, made different: messages of the gate use them."""
    names: list[str] = []
    for axis in axes:
        names.append(axis.source.name + "'" * sum(name.rstrip("'") == axis.source.name for name in names))
    return tuple(names)


def _counted(number: int, noun: str) -> str:
    plural = "vertices" if noun == "vertex" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
