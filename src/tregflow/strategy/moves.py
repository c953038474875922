"""Shifts of a gate's coordinates in data units, v -> gain * v + offset, on plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tregflow.errors import StrategyError

if TYPE_CHECKING:
    from tregflow.strategy.overrides import Override


def moved_gate(gate: dict[str, Any], rule: Override) -> dict[str, Any]:
    """Return a gate with the coordinates shifted that a rule moves.

    Raises
    ------
    StrategyError
        There is nothing to shift, or nothing in data units (``E_OVERRIDES``).
    """
    for axis, (gain, offset) in rule.move.items():
        if "ellipsoid" in gate or gate.get("units") == "scale":
            raise _fault(rule, f"moves {axis} of a gate that is written on its scales", "set its coordinates instead")
        if not any(axis in (gate.get(key) or ()) for key in ("polygon", "rectangle", "above", "below")):
            raise _taken_away(rule, axis)
        if axis in gate.get("polygon", ()):
            column = gate["polygon"].index(axis)
            for point in gate.get("points", ()):  # without points the gate is refused as a whole
                point[column] = gain * point[column] + offset
        if axis in gate.get("rectangle", {}):
            bounds = gate["rectangle"][axis]
            gate["rectangle"][axis] = [None if bound is None else gain * bound + offset for bound in bounds]
        for key in ("above", "below"):
            limit = gate.get(key, {}).get(axis)
            if isinstance(limit, dict):
                remedy = f"set a number instead: set: {{{key}: {{{axis}: 1200}}}}"
                raise _fault(rule, f"moves {axis}, whose threshold comes from a control", remedy)
            if limit is not None:
                gate[key][axis] = gain * limit + offset
    return gate


def moved_quadrants(quadrants: dict[str, Any], rule: Override) -> dict[str, Any]:
    """Return quadrants with the dividers shifted that a rule moves; errors as for `moved_gate`."""
    for axis, (gain, offset) in rule.move.items():
        if quadrants.get("units") == "scale":
            raise _fault(rule, f"moves {axis} of a gate that is written on its scales", "set its coordinates instead")
        if axis not in quadrants["dividers"]:
            raise _taken_away(rule, axis)
        quadrants["dividers"][axis] = [gain * divider + offset for divider in quadrants["dividers"][axis]]
    return quadrants


def _taken_away(rule: Override, axis: str) -> StrategyError:
    remedy = "set the coordinates instead, or drop one of the two"
    return _fault(rule, f"moves {axis}, which another override has taken away", remedy)


def _fault(rule: Override, what: str, remedy: str) -> StrategyError:
    return StrategyError(
        f"override {rule.id} {what}", code="E_OVERRIDES", population=str(rule.gate or rule.quadrant), remedy=remedy
    )
