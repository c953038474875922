"""The tree of gates: what stands before what, what holds what, and the part of it that a population needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.populations import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow.strategy.spec import GateSpec, StrategySpec


def evaluation_order(spec: StrategySpec) -> tuple[str, ...]:
    """Return the ids so that each gate follows its parent and operands, else in the order of the file."""
    order = {ROOT: None}
    waiting: dict[str, set[str]] = {}
    for gate_id, gate in spec.gates.items():
        waiting[gate_id] = set(needs(gate))
        while ready := next((name for name, lacks in waiting.items() if lacks <= order.keys()), None):
            order[ready] = None
            del waiting[ready]
    return tuple(order)[1:]


def needs(gate: GateSpec) -> tuple[str, ...]:
    """Return the populations that must be known before a gate: its parent and its operands."""
    return (gate.parent or ROOT, *(operand for operand, _ in gate.operands))


def split_ratio(text: str, known: set[str]) -> tuple[str, str] | None:
    """Return (numerator, denominator) of ``A / B``; None where no split names two known populations.

    Ids may themselves hold a slash, so each blank-slash-blank is tried.
    """
    parts = text.split(" / ")
    splits = [(" / ".join(parts[:i]).strip(), " / ".join(parts[i:]).strip()) for i in range(1, len(parts))]
    return next((pair for pair in splits if set(pair) <= known), None)


def holders(spec: StrategySpec) -> dict[str, frozenset[str]]:
    """Return population -> the populations that hold every event of it by construction, itself among them."""
    found = {ROOT: frozenset({ROOT})}
    for name in evaluation_order(spec):
        gate = spec.gates[name]
        of_operands = [frozenset() if complement else found[operand] for operand, complement in gate.operands]
        found[name] = found[gate.parent or ROOT] | {name}
        if gate.all:
            found[name] |= frozenset().union(*of_operands)
        elif gate.any:
            found[name] |= frozenset.intersection(*of_operands)
    return found


def part_of(spec: StrategySpec, population: str, axes: Sequence[str]) -> StrategySpec:
    """Return what a population needs of a strategy, without report; `axes` are kept as such of an MFI."""
    kept: set[str] = set()
    pending = [population]
    while pending:
        name = pending.pop()
        if name != ROOT and name not in kept:
            kept.add(name)
            pending.extend(needs(spec.gates[name]))
    gates = {name: gate for name, gate in spec.gates.items() if name in kept}
    cut = {gate.quadrant for gate in gates.values()}
    quadrants = {name: entry for name, entry in spec.quadrants.items() if name in cut}
    wanted = {*axes, *(axis for gate in gates.values() for axis in gate.axes), *spec.panel, *spec.dimensions}
    wanted |= {axis for entry in quadrants.values() for axis in entry.dividers}
    scales = {axis: scale for axis, scale in spec.scales.items() if axis in wanted}
    part = {"gates": gates, "quadrants": quadrants, "scales": scales, "report": {}, "mfi": {ROOT: tuple(axes)}}
    return spec.model_copy(update=part)
