"""The populations of a sample as FlowJo's tree: names, boolean nodes, and what the tree cannot hold.

Whatever is not written exactly as our strategy has it is evaluated once more as a reader of the workspace will: where
an event of the sample would change side, the population is left out and named, with what hangs below it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from tregflow.gates import Boolean, Rectangle
from tregflow.interop.flowjo.write_gates import RESOLUTION, CannotHoldError, Written, as_flowjo
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import xml_text
from tregflow.populations import ROOT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tregflow.gates import Gate
    from tregflow.interop.flowjo.write_axes import Axes
    from tregflow.populations import Gated
    from tregflow.strategy import Strategy

    Path = tuple[str, ...]

ABSENT = "declared absent by an override"
"""A population that does not exist in a sample is not lost: FlowJo's tree of that sample is without it."""
MOST_GENERATIONS = 80
"""Each lies two elements deeper than its parent: deeper trees would come near `tregflow.interop.xml.MOST_DEPTH`."""
_KINDS = {"all": "AndNode", "any": "OrNode", "not": "NotNode"}


@dataclass(frozen=True, slots=True)
class Node:
    """A population of the tree.

    Attributes
    ----------
    path : tuple of str
        Names from the root down to it.
    kind : str
        ``Population``, ``AndNode``, ``OrNode`` or ``NotNode``.
    count : int
        Events in it, as our strategy counts.
    gate : Written or None
        Of a Population.
    dependents : tuple of paths
        What a boolean node combines.
    by_events : bool
        It is written in another form than ours, and the events of the sample said that this changes none of them.
    """

    path: Path
    kind: str
    count: int
    gate: Written | None = None
    dependents: tuple[Path, ...] = ()
    by_events: bool = False


def paths(strategy: Strategy) -> dict[str, Path]:
    """Return the path of every population of a strategy in FlowJo's tree, by id, root left out.

    A population has its `name`, else its id; where a sibling has that name already, its id. ``/`` parts the names of
    FlowJo's own paths, so that it becomes ``|``.
    """
    found: dict[str, Path] = {ROOT: ()}
    taken: set[Path] = set()
    for gate_id in strategy.order:
        above = found[strategy.parent(gate_id)]
        shown = (strategy.spec.gates[gate_id].name or gate_id, gate_id)
        found[gate_id] = _free((*above, shown[0]), (*above, shown[1]), taken)
    del found[ROOT]
    return found


def _free(wanted: Path, otherwise: Path, taken: set[Path]) -> Path:
    numbered = ((*otherwise[:-1], f"{otherwise[-1]} ({number})") for number in count(2))
    path = next(each for each in map(_plain, chain((wanted, otherwise), numbered)) if each not in taken)
    taken.add(path)
    return path


def _plain(path: Path) -> Path:
    return (*path[:-1], xml_text(path[-1]).replace("/", "|"))


@dataclass(slots=True)
class _Tree:
    """What grows while the gates of a sample are gone through."""

    gated: Gated
    axes: Axes
    paths: dict[str, Path]
    nodes: list[Node] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    complements: dict[tuple[str, str], Path] = field(default_factory=dict)

    def inside(self, population: str) -> NDArray[np.bool_]:
        return self.gated.masks[population].inside

    def add(self, gate_id: str) -> None:
        parent = self.gated.strategy.parent(gate_id)
        lost = [name for name in self.gated.strategy.needs(gate_id) if name in self.left_out]
        if len(self.paths[gate_id]) > MOST_GENERATIONS:
            raise CannotHoldError(f"it lies more than {MOST_GENERATIONS} populations deep")
        if lost:
            what = "its parent" if lost[0] == parent else "its operand"
            raise CannotHoldError(f"{what} {lost[0]} is left out")
        gate = self.gated.gates[gate_id]
        if isinstance(gate, Boolean):
            self._add_boolean(gate)
            return
        for name in gate.axes:
            if name in self.axes.reasons:
                raise CannotHoldError(self.axes.reasons[name])
        parameters = {self.axes.parameters[name].name for name in gate.axes}
        if len(parameters) < len(gate.axes):
            raise CannotHoldError(f"{' and '.join(gate.axes)} are one parameter in FlowJo")
        written = as_flowjo(gate, self.axes.of_gate(gate.axes))
        written = replace(written, bins=self.gated.strategy.spec.gates[gate_id].bins or RESOLUTION)
        if written.gate != gate:
            self._compare(gate_id, written.gate.evaluate(self.gated.values).inside & self.inside(parent))
        by_events = written.gate != gate and not _same_bounds(gate, written.gate)
        self.nodes.append(Node(self.paths[gate_id], "Population", self._count(gate_id), written, by_events=by_events))

    def _add_boolean(self, gate: Boolean) -> None:
        # FlowJo knows no event without a position: its NOT is the rest of the parent.
        parts = [
            ~self.inside(name) if complement else self.inside(name)
            for name, complement in (
                (name, complement ^ (gate.operator == "not")) for name, complement in gate.operands
            )
        ]
        joined = (np.logical_or if gate.operator == "any" else np.logical_and).reduce(parts)
        self._compare(gate.id, joined & self.inside(gate.parent))
        operands = tuple(
            self._complement(name, gate.parent) if complement and gate.operator != "not" else self.paths[name]
            for name, complement in gate.operands
        )
        kind = _KINDS[gate.operator]
        if gate.operator == "not" and gate.operands[0][1]:  # not (not A), which no strategy file can say
            raise CannotHoldError("FlowJo has no complement of a complement")
        self.nodes.append(Node(self.paths[gate.id], kind, self._count(gate.id), None, operands, by_events=True))

    def _complement(self, operand: str, parent: str) -> Path:
        """Return the path of a NOT node for an operand that is a complement: in FlowJo that is a population, too."""
        key = (operand, parent)
        if key not in self.complements:
            above = self.paths.get(parent, ())
            name = f"not {self.paths[operand][-1]}"
            path = _free((*above, name), (*above, f"not {operand}"), {*self.paths.values(), *self.complements.values()})
            n_events = int(np.count_nonzero(self.inside(parent) & ~self.inside(operand)))
            self.complements[key] = path
            self.nodes.append(Node(path, "NotNode", n_events, None, (self.paths[operand],), by_events=True))
        return self.complements[key]

    def _count(self, population: str) -> int:
        return int(np.count_nonzero(self.inside(population)))

    def _compare(self, gate_id: str, inside: NDArray[np.bool_]) -> None:
        changed = int(np.count_nonzero(inside != self.inside(gate_id)))
        if changed:
            raise CannotHoldError(f"as FlowJo holds it, {changed} {'event' if changed == 1 else 'events'} change side")


def _same_bounds(gate: Gate, written: Gate) -> bool:
    """Tell whether two rectangles hold the same events whatever they are: bounds in data units, on straight axes."""
    if not (isinstance(gate, Rectangle) and isinstance(written, Rectangle)):
        return False
    straight = all(scale.affine for scale in (*gate.scales, *written.scales))
    return straight and replace(gate, scales=written.scales) == written


def tree_of(gated: Gated, axes: Axes, sample: str) -> tuple[tuple[Node, ...], tuple[LeftOut, ...]]:
    """Return the nodes of a sample's tree, each after its parent, and what is left out of it.

    Parameters
    ----------
    gated : Gated
        The sample.
    axes : Axes
        Its axes in FlowJo.
    sample : str
        Name for the record of what is left out.
    """
    tree = _Tree(gated, axes, paths(gated.strategy))
    absent = _absent(gated)
    for gate_id in gated.strategy.order:
        if gate_id in gated.missing:
            tree.left_out[gate_id] = f"missing in this sample: {gated.missing[gate_id]}"
            continue
        try:
            tree.add(gate_id)
        except CannotHoldError as reason:
            tree.left_out[gate_id] = str(reason)
    told = tuple(LeftOut(sample, name, why) for name, why in tree.left_out.items() if name not in absent)
    return tuple(tree.nodes), told


def _absent(gated: Gated) -> set[str]:
    """Return the populations that an override declares absent, and those that need one of them."""
    absent = {name for name, why in gated.missing.items() if why == ABSENT}
    for gate_id in gated.strategy.order:
        if not absent.isdisjoint(gated.strategy.needs(gate_id)):
            absent.add(gate_id)
    return absent
