"""Gating-ML 1.5, read for tests only: rectangles, polygons, ellipsoids, combinations in line, parents, decision trees.

Another language than 2.0, read as far as the published compliance tests go. Gates are on recorded channel values:
neither linearised nor divided by a gain. Decision trees are no gates of ours: they are evaluated here.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.gates import Boolean, Ellipsoid, Mask, Polygon, Rectangle
from tregflow.interop.xml import parse_xml
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tregflow.fcs import Sample
    from tregflow.gates import Values
    from tregflow.interop.xml import Element

G = "{http://www.isac-net.org/std/Gating-ML/v1.5/gating}"
D = "{http://www.isac-net.org/std/Gating-ML/v1.5/datatypes}"
AS_IT_IS = Linear(t=1.0)

Own = Rectangle | Polygon | Ellipsoid
Tree = tuple[str, float, "Tree | bool", "Tree | bool"]
"""Channel, threshold, and what holds below it and from it on."""


@dataclass
class Gates15:
    """The gates of a file by id: with our classes, or a decision tree; and the parent of each."""

    gates: dict[str, Own | Boolean | Tree] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)

    def masks(self, values: Values, shape: Callable[[Own], NDArray[np.bool_]] | None = None) -> dict[str, Mask]:
        """Return who is in each population: the gate and its parents. `shape` may be another program's evaluation."""
        masks: dict[str, Mask] = {}

        def membership(name: str) -> Mask:
            if name not in masks:
                own = self._own(name, values, membership, shape)
                if name in self.parents:
                    own = Mask(own.inside & membership(self.parents[name]).inside, own.defined)
                masks[name] = own
            return masks[name]

        for name in self.gates:
            membership(name)
        return masks

    def _own(
        self,
        name: str,
        values: Values,
        membership: Callable[[str], Mask],
        shape: Callable[[Own], NDArray[np.bool_]] | None,
    ) -> Mask:
        gate = self.gates[name]
        if isinstance(gate, tuple):
            inside = in_tree(gate, values)
            return Mask(inside, np.ones_like(inside))
        if isinstance(gate, Boolean):
            return gate.evaluate({operand: membership(operand) for operand, _ in gate.operands})
        if shape is None:
            return gate.evaluate(values)
        inside = shape(gate)
        return Mask(inside, np.ones_like(inside))

    def needs_tree(self, name: str) -> bool:
        """Tell whether a gate is a decision tree or hangs on one."""
        gate = self.gates[name]
        needed = [operand for operand, _ in gate.operands] if isinstance(gate, Boolean) else []
        needed += [self.parents[name]] if name in self.parents else []
        return isinstance(gate, tuple) or any(map(self.needs_tree, needed))


@dataclass(frozen=True)
class Row:
    """A line of ``summary.csv``: a gate, the file that it is put to, and how many events are inside."""

    suite: str
    gate: str
    data_file: str
    count: int


def summary(folder: Path) -> list[Row]:
    """Return every gate of the suites."""
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(line["Set"], line["Gate ID"], line["Data File"], int(line["Events Inside"]))
            for line in csv.DictReader(file)
        ]


def truth(folder: Path, row: Row) -> NDArray[np.bool_]:
    """Return which events are inside, as published."""
    name, *flags = (folder / "expected" / row.suite / f"{row.gate}.txt").read_text(encoding="utf-8").split()
    if name != row.gate:
        message = f"{row.gate}: the file is of {name}"
        raise ValueError(message)
    return np.array(flags) == "1"


def recorded(sample: Sample) -> Values:
    """Return channel values as they were recorded: a logarithm that the reader took out is put back."""

    def values(name: str) -> NDArray[np.float64]:
        channel = sample.channel(name)
        column = sample.values(name).astype(np.float64)
        decades, offset = channel.amplification
        if channel.datatype != "I" or decades == 0:
            return column
        return np.rint(np.log10(column / offset) * (channel.range or math.nan) / decades)

    return values


def read_gates(path: Path) -> Gates15:
    """Return the gates of a Gating-ML 1.5 file."""
    found = Gates15()
    for element in parse_xml(path):
        _read(element, element.get(f"{G}id"), found)
    return found


def _read(element: Element, name: str | None, found: Gates15) -> str:
    """Read a gate and those in line in it; return its id."""
    gate_id = str(name)
    kind = str(element.tag).removeprefix(G)
    readers: dict[str, Any] = {
        "RectangleGate": _rectangle,
        "PolygonGate": _polygon,
        "EllipsoidGate": _ellipsoid,
        "DecisionTreeGate": lambda each, _: _tree(each[0]),
    }
    found.gates[gate_id] = (
        _boolean(element, gate_id, found) if kind == "BooleanGate" else readers[kind](element, gate_id)
    )
    parent = element.get(f"{G}parent_id")
    if parent is not None:
        found.parents[gate_id] = parent
    return gate_id


def _rectangle(element: Element, name: str) -> Rectangle:
    bounds = tuple((_axis(each), _end(each, "min"), _end(each, "max")) for each in element.findall(f"{G}dimension"))
    return Rectangle(id=name, parent="root", bounds=bounds)


def _polygon(element: Element, name: str) -> Polygon:
    x, y = _axes(element)
    points = [_values(vertex) for vertex in element.findall(f"{G}vertex")]
    scales = (AS_IT_IS, AS_IT_IS)
    return Polygon(id=name, parent="root", channels=(x, y), points=tuple((px, py) for px, py in points), scales=scales)


def _ellipsoid(element: Element, name: str) -> Ellipsoid:
    channels = tuple(_axes(element))
    rows = element.findall(f"{G}covarianceMatrix/{G}row")
    return Ellipsoid(
        id=name,
        parent="root",
        channels=channels,
        mean=tuple(_values(element.find(f"{G}mean"))),
        covariance=tuple(tuple(_values(row)) for row in rows),
        distance2=float(element.find(f"{G}distanceSquare").get(f"{D}value")),  # type: ignore[union-attr,arg-type]
        scales=(AS_IT_IS,) * len(channels),
    )


def _boolean(element: Element, name: str, found: Gates15) -> Boolean:
    (node,) = element
    operator: Any = {"and": "all", "or": "any", "not": "not"}[str(node.tag).removeprefix(G)]
    operands = [
        str(child.get(f"{G}ref"))
        if child.tag == f"{G}gateReference"
        else _read(child, child.get(f"{G}id") or f"{name}/{i}", found)
        for i, child in enumerate(node)
    ]
    return Boolean(id=name, parent="root", operator=operator, operands=tuple((each, False) for each in operands))


def _tree(node: Element) -> Tree | bool:
    """Read a node: its threshold, the branch below it (LT) and the branch from it on (GTE); or a leaf."""
    kind = str(node.tag).removeprefix(G)
    if kind.startswith("leaf"):
        return node.get(f"{G}inside") == "true"
    branches = {str(child.tag).removeprefix(G)[4:]: child for child in node if child.tag != f"{D}parameter"}
    threshold = float(str(node.get(f"{G}threshold")))
    return _axis(node), threshold, _tree(branches["LT"]), _tree(branches["GTE"])


def in_tree(node: Tree | bool, values: Values) -> NDArray[np.bool_]:
    """Tell which events a decision tree takes in."""
    if isinstance(node, bool):
        return np.array(node)
    channel, threshold, below, above = node
    return np.where(values(channel) < threshold, in_tree(below, values), in_tree(above, values))


def _axis(element: Element) -> str:
    return str(element.find(f"{D}parameter").get(f"{D}name"))  # type: ignore[union-attr]


def _axes(element: Element) -> list[str]:
    return [_axis(each) for each in element.findall(f"{G}dimension")]


def _end(element: Element, name: str) -> float | None:
    text = element.get(f"{G}{name}")
    return None if text is None else float(text)


def _values(element: Any) -> list[float]:
    return [float(each.get(f"{D}value")) for each in element]
