"""The populations of a sample as nested elements of a workspace."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tregflow.interop.flowjo.write_elements import gate_element
from tregflow.interop.flowjo.write_xml import made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.interop.flowjo.write_axes import Axes
    from tregflow.interop.flowjo.write_tree import Node, Path
    from tregflow.interop.xml import Element
    from tregflow.populations import Gated

_IDS = 100_000
"""Of the populations of one sample."""


class _Nodes:
    """The nodes of one sample while they become elements."""

    def __init__(self, nodes: Sequence[Node], axes: Axes, place: int) -> None:
        self._axes = axes
        self._below: dict[Path, list[Node]] = defaultdict(list)
        self._ids: dict[Path, str] = {}
        for number, node in enumerate(nodes, 1):
            self._below[node.path[:-1]].append(node)
            self._ids[node.path] = f"ID{place * _IDS + number}" if node.gate else ""

    def below(self, path: Path) -> list[Element]:
        """Return the element that holds what lies below a population; nothing where nothing does."""
        nodes = self._below[path]
        return [made("Subpopulations", {}, map(self._element, nodes))] if nodes else []

    def graph(self, path: Path, own: tuple[str, ...] = ()) -> Element:
        """Return the plot that FlowJo opens for a population: the axes of the first gate drawn on it."""
        drawn = [self._shown(node) for node in self._below[path] if node.gate]
        x, y = (*(drawn[0] if drawn else own), "", "")[:2]
        kind = "Histogram" if x and not y else "Pseudocolor"
        axes = [
            made("Axis", {"dimension": name, "name": shown, "label": "", "auto": "auto"})
            for name, shown in (("x", x), ("y", y))
        ]
        return made(
            "Graph", {"smoothing": "0", "backColor": "#ffffff", "foreColor": "#000000", "type": kind, "fast": "1"}, axes
        )

    def _shown(self, node: Node) -> tuple[str, ...]:
        names = node.gate.gate.axes if node.gate else ()
        return tuple(self._axes.parameters[name].name for name in names)

    def _element(self, node: Node) -> Element:
        parts = [self.graph(node.path, self._shown(node))]
        if node.gate:
            ids = (self._ids[node.path], self._ids.get(node.path[:-1], ""))
            parts.append(gate_element(node.gate, self._axes.parameters, ids))
        else:
            parts.append(
                made("Dependents", {}, [made("Dependent", {"name": "/".join(each)}) for each in node.dependents])
            )
        return made(node.kind, shown(node.path[-1], node.count), [*parts, *self.below(node.path)])


def shown(name: str, count: int) -> dict[str, str]:
    """Return the attributes of a node; a gate without an owning group is the sample's own."""
    return {
        "name": name,
        "annotation": "",
        "owningGroup": "",
        "expanded": "1",
        "sortPriority": "10",
        "count": str(count),
    }


def sample_node(gated: Gated, nodes: Sequence[Node], axes: Axes, place: int) -> Element:
    """Return the element ``SampleNode``; `place` is the number of the sample, from 1."""
    tree = _Nodes(nodes, axes, place)
    attributes: Mapping[str, str] = shown(gated.sample.file, gated.sample.n_events) | {"sampleID": str(place)}
    return made("SampleNode", attributes, [tree.graph(()), *tree.below(())])
