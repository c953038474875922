"""Gates for other programs: the element that Gating-ML has for each, exact where it can be."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.interop.gatingml.names import data_type, gating
from tregflow.interop.gatingml.outline import closed, followed
from tregflow.interop.gatingml.write_axes import SMALLEST, dimension, drawn, text
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import element
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.gates import Boolean, Gate
    from tregflow.interop.gatingml.outline import Point
    from tregflow.interop.gatingml.write_axes import Drawn, Transformations
    from tregflow.interop.gatingml.write_matrices import Channels
    from tregflow.interop.xml import Element
    from tregflow.transforms import Scale

    Ends = tuple[float | None, float | None]

CORNERS = 360
"""Of the polygon that stands for an ellipse on a scale that Gating-ML lacks."""
LARGEST = sys.float_info.max
_OPERATORS = {"all": "and", "any": "or", "not": "not"}


class Lost(Exception):  # noqa: N818 - caught where gates are written, never seen outside
    """Gating-ML has no element for a gate: the reason."""


@dataclass(slots=True)
class GateWriter:
    """Writes gates; notes where another program sees something else.

    Attributes
    ----------
    channels : Channels
        What axes mean.
    transformations : Transformations
        Written so far.
    ids : mapping of str to str
        Id in the strategy -> id in the file.
    lost : list of LeftOut
        What another program loses.
    """

    channels: Channels
    transformations: Transformations
    ids: Mapping[str, str]
    lost: list[LeftOut] = field(default_factory=list)

    def write(self, gate: Gate, attributes: dict[str, str]) -> Element:
        """Return the element of a gate; `attributes` are its id, name and parent.

        Raises
        ------
        Lost
            Gating-ML has none.
        """
        match gate:
            case Rectangle():
                return self._rectangle(gate, attributes)
            case Polygon():
                return self._polygon(gate, attributes)
            case Ellipsoid():
                return self._ellipsoid(gate, attributes)
        return self._boolean(gate, attributes)

    def note(self, gate: str, reason: str) -> None:
        """Note what another program sees otherwise."""
        if LeftOut("", gate, reason) not in self.lost:
            self.lost.append(LeftOut("", gate, reason))

    # ---------------------------------------------------------------------------------------------- rectangles

    def _rectangle(self, gate: Rectangle, attributes: dict[str, str]) -> Element:
        scales = gate.scales or (Linear(),) * len(gate.bounds)
        dimensions = [
            self._range(gate, axis, scale, (low, high))
            for (axis, low, high), scale in zip(gate.bounds, scales, strict=True)
        ]
        return element(gating("RectangleGate"), attributes, dimensions)

    def _range(self, gate: Rectangle, axis: str, scale: Scale, ends: Ends) -> Element:
        gain = self.channels.gain(axis)
        transformation = None
        if gate.units == "scale" and drawn(axis, scale, "scale", gain).mode == "transformed":
            transformation = self.transformations.scale(scale, gain)
            if gain != 1.0:
                self.note(gate.id, _gain_text(axis))
        else:
            ends = self._data_ends(gate, axis, scale, ends)
        said = {name: text(end) for name, end in zip(("min", "max"), ends, strict=True) if end is not None}
        return dimension("dimension", axis, self.channels, transformation=transformation, ends=said)

    def _data_ends(self, gate: Rectangle, axis: str, scale: Scale, ends: Ends) -> Ends:
        """Return the ends of a range in data units, with one that keeps values without a position out."""
        if gate.units == "scale":
            ends = _thresholds(scale, ends)
        low, high = ends
        if not scale.defined(-1.0):  # a logarithm: nothing from zero down has a position
            low = SMALLEST if low is None else max(low, SMALLEST)
        gain = self.channels.gain(axis)
        if gain != 1.0:
            self.note(gate.id, _gain_text(axis))
            low, high = (None if end is None else end / gain for end in (low, high))
        if low is None and high is None:
            low = -LARGEST
        if low is not None and high is not None and not low < high:
            problem = f"no value of {axis} is in it, and Gating-ML has no gate that is empty"
            raise Lost(problem)
        return low, high

    # ------------------------------------------------------------------------------------- polygons, ellipsoids

    def _polygon(self, gate: Polygon, attributes: dict[str, str]) -> Element:
        axes = self._axes(gate.id, gate.channels, gate.scales, gate.units)
        columns = [axis.places(column, gate.units) for axis, column in zip(axes, np.array(gate.points).T, strict=True)]
        points = [(float(x), float(y)) for x, y in zip(*columns, strict=True)]
        sides = [(gate.channels.index(name), side == "high") for name, side in gate.open]
        outline = closed(points, sides, [axis.far for axis in axes])
        return self._outlined(attributes, axes, outline)

    def _ellipsoid(self, gate: Ellipsoid, attributes: dict[str, str]) -> Element:
        axes = self._axes(gate.id, gate.channels, gate.scales, "scale")
        if any(axis.mode == "bent" for axis in axes):
            if len(axes) > 2:
                bent = ", ".join(axis.axis for axis in axes if axis.mode == "bent")
                problem = f"an ellipsoid on scales that Gating-ML lacks ({bent})"
                raise Lost(problem)
            self.note(gate.id, f"another reader sees a polygon of {CORNERS} corners for the ellipse")
            x, y = gate.outline(CORNERS)
            columns = [axis.places(column, "scale") for axis, column in zip(axes, (x, y), strict=True)]
            return self._outlined(attributes, axes, [(float(x), float(y)) for x, y in zip(*columns, strict=True)])
        centre = [
            float(axis.coordinates(axis.places(np.array([mean]), "scale"))[0])
            for axis, mean in zip(axes, gate.mean, strict=True)
        ]
        # How long a unit of the scale is there: 1 but for an affine scale or a gain.
        lengths = [float(np.diff(axis.coordinates(axis.places(np.array([0.0, 1.0]), "scale")))[0]) for axis in axes]
        rows = [
            [value * across * along for value, along in zip(row, lengths, strict=True)]
            for row, across in zip(gate.covariance, lengths, strict=True)
        ]
        parts = [
            *(self._dimension(axis) for axis in axes),
            _coordinates("mean", centre),
            element(gating("covarianceMatrix"), children=[_values("row", "entry", row) for row in rows]),
            element(gating("distanceSquare"), {data_type("value"): text(gate.distance2)}),
        ]
        return element(gating("EllipsoidGate"), attributes, parts)

    def _axes(self, gate: str, names: Sequence[str], scales: Sequence[Scale], units: str) -> list[Drawn]:
        axes = [drawn(name, scale, units, self.channels.gain(name)) for name, scale in zip(names, scales, strict=True)]
        bent = [axis for axis in axes if axis.mode == "bent"]
        if bent:
            kinds = " or ".join(dict.fromkeys(axis.scale.kind for axis in bent))
            reason = (
                f"Gating-ML has no {kinds} scale ({', '.join(axis.axis for axis in bent)}): another reader sees the "
                "outline in data units, slanted edges in short pieces, and may count differently beside them"
            )
            self.note(gate, reason)
        for axis in axes:
            if axis.mode == "bent":
                continue
            if axis.gain != 1.0:
                self.note(gate, _gain_text(axis.axis))
            elif not axis.exact:
                reason = f"positions on the {axis.scale.kind} scale of {axis.axis} are written as data units, rounded"
                self.note(gate, reason)
        return axes

    def _outlined(self, attributes: dict[str, str], axes: Sequence[Drawn], places: Sequence[Point]) -> Element:
        vertices = [_coordinates("vertex", point) for point in followed(places, axes)]
        return element(gating("PolygonGate"), attributes, [*(self._dimension(axis) for axis in axes), *vertices])

    def _dimension(self, axis: Drawn) -> Element:
        shown = self.transformations.scale(axis.scale, axis.gain) if axis.mode == "transformed" else None
        return dimension("dimension", axis.axis, self.channels, transformation=shown)

    # ------------------------------------------------------------------------------------------------- booleans

    def _boolean(self, gate: Boolean, attributes: dict[str, str]) -> Element:
        references = [reference(self.ids[name], complement=complement) for name, complement in gate.operands]
        return element(
            gating("BooleanGate"), attributes, [element(gating(_OPERATORS[gate.operator]), None, references)]
        )


def reference(name: str, *, complement: bool = False) -> Element:
    """Return a reference to a gate."""
    attributes = {gating("ref"): name}
    return element(gating("gateReference"), attributes | ({gating("use-as-complement"): "true"} if complement else {}))


def _thresholds(scale: Scale, ends: Ends) -> Ends:
    """Return ends on a scale as ends in data units, for the very same events."""
    low, high = (None if end is None else _threshold(scale, end) for end in ends)
    if low == math.inf:
        problem = "no value reaches so far on its scale, and Gating-ML has no gate that is empty"
        raise Lost(problem)
    return low, (None if high == math.inf else high)


def _threshold(scale: Scale, position: float) -> float:
    """Return the least value whose position is at least `position`; infinity where no value reaches it.

    Scales rise, so halving finds it; over the whole numbers behind the floats, which are in the same order, 64 times.
    """
    low, high = (-LARGEST if scale.defined(-1.0) else SMALLEST), LARGEST
    if not float(scale.apply(high)) >= position:
        return math.inf
    below, above = _ordered(low) - 1, _ordered(high)
    while above - below > 1:
        middle = (below + above) // 2
        if float(scale.apply(_float(middle))) >= position:
            above = middle
        else:
            below = middle
    return _float(above)


def _ordered(value: float) -> int:
    """Return a whole number for a float, in the order of the floats."""
    bits = int(np.float64(value).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _float(number: int) -> float:
    bits = number if number >= 0 else -number - 2**63
    return float(np.int64(bits).view(np.float64))


def _coordinates(tag: str, values: Sequence[float]) -> Element:
    return _values(tag, "coordinate", values)


def _values(tag: str, inner: str, values: Sequence[float]) -> Element:
    return element(gating(tag), None, [element(gating(inner), {data_type("value"): text(value)}) for value in values])


def _gain_text(axis: str) -> str:
    return f"Gating-ML has no gain ({axis}): coordinates or scale are divided by it, rounded"
