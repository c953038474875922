"""Gates on a transformation that holds its results between bounds (``boundMin``, ``boundMax``).

A result below boundMin is taken as boundMin, one above boundMax as boundMax. Our scales do not do so. A gate that lies
between the bounds does not notice; a range that takes in a bound has no end there; what is left is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.gatingml.faults import GateFault

if TYPE_CHECKING:
    from tregflow.interop.gatingml.dimensions import Context
    from tregflow.interop.gatingml.model import Axis
    from tregflow.interop.xml import Element

Range = tuple[float | None, float | None]


def bounded_range(context: Context, axis: Axis, element: Element, ends: Range) -> Range:
    """Return a range ``low <= y < high`` of bounded positions as one of positions without bounds.

    Raises
    ------
    GateFault
        No position between the bounds is in it; or it takes in a bound of a logarithm or a ratio, where values without
        a result would have to be held, of which the standard says nothing.
    """
    bounds, undefined = context.bounds(axis)
    low, high = ends
    if (bounds.low is not None and high is not None and high <= bounds.low) or (
        bounds.high is not None and low is not None and low > bounds.high
    ):
        problem = "no result within the bounds of the transformation lies in the range"
        raise GateFault(element, problem, expected="a range that overlaps with them", broken=False)
    takes_low = bounds.low is not None and (low is None or low <= bounds.low)
    takes_high = bounds.high is not None and (high is None or high > bounds.high)
    if undefined and (takes_low or takes_high):
        problem = "the range takes in a bound of a logarithm or a ratio, where values without a result would be held"
        raise GateFault(element, problem, expected="a range within the bounds", broken=False)
    return (None if takes_low else low), (None if takes_high else high)


def check_extent(context: Context, axis: Axis, element: Element, low: float, high: float) -> None:
    """Refuse a polygon, ellipsoid or divider that reaches a bound; one within them does not notice."""
    bounds, _ = context.bounds(axis)
    if (bounds.low is not None and low <= bounds.low) or (bounds.high is not None and high >= bounds.high):
        problem = f"the gate reaches a bound of the transformation '{axis.transformation or axis.source.name}'"
        raise GateFault(element, problem, expected="a gate within the bounds, or a rectangle", broken=False)
