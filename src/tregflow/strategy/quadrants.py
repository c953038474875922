"""Quadrants: dividers that cut a population into cells, and the gates that name the cells."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tregflow._yaml import suggest
from tregflow.populations import ROOT

if TYPE_CHECKING:
    from tregflow._yaml import Document, Location
    from tregflow.strategy.spec import GateSpec, QuadrantsSpec, StrategySpec

_OF_THE_QUADRANTS = {"in": "parent", "units": "units", "rectangle": "rectangle"}
"""Keys of a gate -> attributes, which a cell has from its quadrants."""


def completed(spec: StrategySpec) -> StrategySpec:
    """Return the strategy with parent, units and bounds of every cell filled in; a cell with a fault is left as it is.

    From here on a cell is a rectangle, in parents, axes and evaluation alike.
    """
    gates = {name: _filled(gate, spec.quadrants) for name, gate in spec.gates.items()}
    return spec.model_copy(update={"gates": gates})


def _filled(gate: GateSpec, quadrants: dict[str, QuadrantsSpec]) -> GateSpec:
    cut = quadrants.get(gate.quadrant or "")
    if cut is None or not gate.cell or any(_cell_fault(axis, n, cut) for axis, n in gate.cell.items()):
        return gate
    bounds = {axis: _bounds(number, cut.dividers[axis]) for axis, number in gate.cell.items()}
    return gate.model_copy(update={"parent": cut.parent, "units": cut.units, "rectangle": bounds})


def _bounds(number: int, dividers: tuple[float, ...]) -> tuple[float | None, float | None]:
    """Return the bounds of a cell; cell 0 lies below the first divider."""
    low = dividers[number - 1] if number else None
    return low, dividers[number] if number < len(dividers) else None


def check_quadrants(spec: StrategySpec, document: Document) -> None:
    """Note what is wrong with quadrants, and with the cells that gates name."""
    for name, cut in spec.quadrants.items():
        where = ("quadrants", name)
        if cut.parent not in (None, ROOT) and cut.parent not in spec.gates:
            known = [ROOT, *spec.gates]
            document.fault((*where, "in"), f"no population '{cut.parent}'{suggest(str(cut.parent), known)}")
        if not cut.dividers:
            document.fault((*where, "dividers"), "holds no divider")
        for axis, dividers in cut.dividers.items():
            if not dividers or any(low >= high for low, high in pairwise(dividers)):
                document.fault((*where, "dividers", axis), "expected numbers that rise")
    # A section that the types refused is not there: of what it may have held nothing is said.
    written = document.data.get("quadrants")
    known = list(written) if isinstance(written, dict) else list(spec.quadrants)
    for gate_id, gate in spec.gates.items():
        if gate.quadrant is not None:
            _check_cell(("gates", gate_id), gate, spec.quadrants, known, document)


def _check_cell(
    where: Location, gate: GateSpec, quadrants: dict[str, QuadrantsSpec], known: list[str], document: Document
) -> None:
    name = str(gate.quadrant)
    if name not in known:
        document.fault((*where, "quadrant"), f"no quadrants '{name}'{suggest(name, known)}")
    for key, attribute in _OF_THE_QUADRANTS.items():
        if gate.states(attribute):
            document.fault((*where, key), f"a cell has its '{key}' from its quadrants; leave it out")
    if not gate.cell:
        document.fault((*where, "cell" if gate.cell is not None else "quadrant"), "expected cell: {MARKER: NUMBER}")
    for axis, number in (gate.cell or {}).items() if name in quadrants else ():
        if fault := _cell_fault(axis, number, quadrants[name]):
            document.fault((*where, "cell", axis), fault)


def _cell_fault(axis: str, number: int, cut: QuadrantsSpec) -> str:
    if axis not in cut.dividers:
        return f"'{axis}' has no dividers there{suggest(axis, cut.dividers)}"
    most = len(cut.dividers[axis])
    return f"there is no cell {number}: the dividers of {axis} make cells 0 to {most}" if number > most else ""
