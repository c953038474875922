"""Gates as elements of a FlowJo workspace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tregflow.gates import Ellipsoid, Polygon, Rectangle
from tregflow.interop.flowjo.write_gates import RESOLUTION
from tregflow.interop.flowjo.write_xml import GATING, TYPES, made, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tregflow.interop.flowjo.write_axes import Parameter
    from tregflow.interop.flowjo.write_gates import Written
    from tregflow.interop.xml import Element

_LOOKS = {"annoOffsetX": "0", "annoOffsetY": "0", "tint": "#000000", "isTinted": "0", "lineWeight": "Normal"}


def gate_element(written: Written, parameters: Mapping[str, Parameter], ids: tuple[str, str]) -> Element:
    """Return the element ``Gate`` of a population.

    Parameters
    ----------
    written : Written
        Of `as_flowjo`.
    parameters : mapping of str to Parameter
        Name on an axis -> parameter.
    ids : tuple of str
        FlowJo's id of this gate and of its parent's; an empty text where the parent has no gate.
    """
    gate = written.gate
    identity = {f"{{{GATING}}}{key}": text for key, text in zip(("id", "parent_id"), ids, strict=True) if text}
    names = [parameters[name].name for name in gate.axes]
    common = {"eventsInside": "0" if gate.outside else "1", **_LOOKS, "userDefined": "1"}
    match gate:
        case Rectangle():
            kind, own, children = "RectangleGate", {"percentX": "0", "percentY": "0"}, _ranges(gate, names)
        case Polygon():
            own = {"quadId": "-1", "gateResolution": str(written.bins)}
            kind, children = "PolygonGate", [*map(_dimension, names), *map(_vertex, gate.points)]
        case Ellipsoid():
            own = {f"{{{GATING}}}distance": number(math.dist(*written.edges[:2]))}
            if written.bins != RESOLUTION:  # FlowJo's own ellipses state none
                own["gateResolution"] = str(written.bins)
            points = {"foci": written.foci, "edge": written.edges}
            ends = [made(f"{{{GATING}}}{name}", {}, map(_vertex, each)) for name, each in points.items()]
            kind, children = "EllipsoidGate", [*map(_dimension, names), *ends]
    shape = made(f"{{{GATING}}}{kind}", common | own | identity, children)
    return made("Gate", identity, [shape])


def _ranges(gate: Rectangle, names: Iterable[str]) -> list[Element]:
    return [_dimension(name, low, high) for name, (_, low, high) in zip(names, gate.bounds, strict=True)]


def _dimension(name: str, low: float | None = None, high: float | None = None) -> Element:
    ends = {f"{{{GATING}}}{key}": number(end) for key, end in (("min", low), ("max", high)) if end is not None}
    return made(f"{{{GATING}}}dimension", ends, [made(f"{{{TYPES}}}fcs-dimension", {f"{{{TYPES}}}name": name})])


def _vertex(point: tuple[float, float]) -> Element:
    coordinates = [made(f"{{{GATING}}}coordinate", {f"{{{TYPES}}}value": number(value)}) for value in point]
    return made(f"{{{GATING}}}vertex", {}, coordinates)
