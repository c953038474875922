"""Stored counts that contradict one another: FlowJo had not computed them anew when the workspace was saved."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from tregflow.interop.flowjo.dependents import resolve
from tregflow.interop.flowjo.model import Reason, WspRectangle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tregflow.interop.flowjo.model import Node, Path, Workspace, WspSample

_PAIR = 2


@dataclass(frozen=True, slots=True)
class StaleCount:
    """A stored count that cannot be right beside others of the same sample.

    Attributes
    ----------
    sample : str
        Key of the sample.
    path : tuple of str
        The population.
    stored : int
        Its count in the workspace.
    why : str
        What it contradicts, with the numbers.
    line : int
    """

    sample: str
    path: Path
    stored: int
    why: str
    line: int


def stale_counts(workspace: Workspace) -> tuple[StaleCount, ...]:
    """Return the stored counts that contradict others.

    Looked at are children against their parents, complements and combinations against what they are made of, and four
    quadrants against their parent. Which of the counts is out of date cannot be told; the one that is made of the
    others is named.
    """
    return tuple(stale for sample in workspace.samples for stale in _of_sample(sample))


def _of_sample(sample: WspSample) -> Iterator[StaleCount]:
    parents = {child.path: (node.count, node.path) for node in sample.walk() for child in node.children}
    for node in sample.walk():
        parent, above = parents.get(node.path, (sample.n_events, ()))
        for why in _contradictions(sample, node, parent, above):
            yield StaleCount(sample.key, node.path, node.count, why, node.line)
    for parent, nodes in [(sample.n_events, sample.nodes), *((node.count, node.children) for node in sample.walk())]:
        yield from _quadrants(sample, parent, nodes)


def _contradictions(sample: WspSample, node: Node, parent: int, above: Path) -> Iterator[str]:
    if min(node.count, parent) < 0:
        return
    if node.count > parent:
        yield f"more than its parent's {parent}"
    if node.kind not in ("and", "or", "not"):
        return
    operands = resolve(sample, node)
    if isinstance(operands, Reason):
        return
    if not all(each.count >= 0 and each.path[: len(above)] == above for each in operands):
        return
    low, high = _range_of(node.kind, [each.count for each in operands], parent)
    if not low <= node.count <= high:
        should = str(low) if low == high else f"{low} to {high}"
        made = ", ".join(f"{each.name.strip()} {each.count}" for each in operands)
        yield f"{should} by the other counts ({made}, parent {parent})"


def _range_of(kind: str, counts: list[int], parent: int) -> tuple[int, int]:
    """Return the least and the greatest count that a combination of parts of the parent can have."""
    if kind == "not":
        return parent - counts[0], parent - counts[0]
    if kind == "and":
        return max(0, sum(counts) - (len(counts) - 1) * parent), min(counts)
    return max(counts), min(parent, sum(counts))


def _quadrants(sample: WspSample, parent: int, nodes: Sequence[Node]) -> Iterator[StaleCount]:
    """Yield the first of four quadrants whose counts do not add up to their parent's."""
    for four in _quadrant_sets(nodes):
        total = sum(node.count for node in four)
        if min(parent, *(node.count for node in four)) >= 0 and total != parent:
            names = ", ".join(f"{node.name.strip()} {node.count}" for node in four)
            why = f"the four quadrants ({names}) add up to {total}, their parent is {parent}"
            yield StaleCount(sample.key, four[0].path, four[0].count, why, four[0].line)


def _quadrant_sets(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Yield siblings that are the four quadrants of one crossing."""
    crossings: dict[tuple[tuple[str, float], ...], dict[tuple[bool, ...], Node]] = defaultdict(dict)
    for node in nodes:
        gate = node.gate
        if not isinstance(gate, WspRectangle) or not gate.inside or len(gate.bounds) != _PAIR:
            continue
        if all((low is None) != (high is None) for _, low, high in gate.bounds):
            crossing = tuple((axis, low if low is not None else high or 0.0) for axis, low, high in gate.bounds)
            crossings[crossing].setdefault(tuple(low is not None for _, low, _ in gate.bounds), node)
    for cells in crossings.values():
        if set(cells) == set(product((False, True), repeat=_PAIR)):
            yield list(cells.values())
