"""Whether rules of an overrides file can be applied to the template; every fault noted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tregflow._yaml import Document, check_model, suggest
from tregflow.errors import StrategyError
from tregflow.strategy.override_spec import OverridesSpec
from tregflow.strategy.spec import GateSpec, QuadrantsSpec, StrategySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tregflow._yaml import Location
    from tregflow.strategy.override_spec import OverrideSpec
    from tregflow.strategy.spec import Strict

SECTIONS = ("panel", "matrices", "dimensions", "scales")
"""What a rule without a gate sets entry by entry."""
_PLAIN = ("compensation", "counts")
"""What it sets as a whole."""
_SET_INSTEAD = "set its coordinates instead; moves are in data units"
_LEAST = {"tregflow": 1, "name": "?", "compensation": "none", "gates": {"?": {"rectangle": {"?": [0.0, None]}}}}
"""What a strategy cannot be without, for a look at the types of a part of one."""


def checked_rules(document: Document, template: StrategySpec) -> tuple[OverrideSpec, ...]:
    """Return the rules of an overrides file.

    Raises
    ------
    StrategyError
        A rule cannot be applied to the template; all faults are listed (``E_OVERRIDES``).
    """
    spec = check_model(OverridesSpec, document, document.data)
    rules = spec.overrides if spec else ()
    for index, rule in enumerate(rules):
        _check_rule(("overrides", index), rule, template, document)
    _check_ids(rules, document)
    document.stop_on_faults(StrategyError, "E_OVERRIDES")
    return rules


def _check_ids(rules: Sequence[OverrideSpec], document: Document) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.id in seen:
            document.fault(("overrides", index, "id"), f"the id '{rule.id}' is used twice")
        seen.add(rule.id)


def _check_rule(where: Location, rule: OverrideSpec, template: StrategySpec, document: Document) -> None:
    if (rule.when.batch is None) == (rule.when.sample is None):
        document.fault((*where, "when"), "names one batch or one sample")
    if sum(bool(value) for value in (rule.set, rule.move, rule.absent)) != 1:
        document.fault(where, "states one of set, move, absent")
    if rule.gate is not None and rule.quadrant is not None:
        document.fault(where, "names a gate or quadrants, not both")
    elif rule.quadrant is not None:
        _check_quadrant(where, rule, template, document)
    elif rule.gate is not None:
        _check_gate(where, rule, template, document)
    else:
        _check_general(where, rule, document)


def _check_keys(where: Location, rule: OverrideSpec, keys: Sequence[str], document: Document) -> None:
    for key in rule.set or {}:
        if key not in keys:
            document.fault((*where, "set", key), f"unknown key{suggest(key, keys)}; allowed: {', '.join(keys)}")


def _keys_of(model: type[Strict]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _check_general(where: Location, rule: OverrideSpec, document: Document) -> None:
    if rule.move or rule.absent:
        document.fault(where, "move and absent need a gate")
    _check_keys(where, rule, (*SECTIONS, *_PLAIN), document)
    given = {key: value for key, value in (rule.set or {}).items() if key in (*SECTIONS, *_PLAIN)}
    for key in SECTIONS:
        if isinstance(given.get(key), dict):  # an entry that is null is taken away
            given[key] = {name: entry for name, entry in given[key].items() if entry is not None}
    _check_types(where, StrategySpec, _LEAST | given, document)


def _check_types(where: Location, model: type[Strict], given: dict[str, Any], document: Document) -> None:
    """Note what the types of the strategy file refuse in `set`: a move on top of it would have nothing to shift."""
    trial = Document(document.name, "", given, None)
    check_model(model, trial, given)
    for fault in trial.faults:
        document.fault((*where, "set", *fault.where), fault.text)


def _check_gate(where: Location, rule: OverrideSpec, template: StrategySpec, document: Document) -> None:
    keys = _keys_of(GateSpec)
    _check_keys(where, rule, keys, document)
    given = {key: value for key, value in (rule.set or {}).items() if key in keys and value is not None}
    _check_types(where, GateSpec, given, document)
    gate = template.gates.get(str(rule.gate))
    if gate is None:
        document.fault((*where, "gate"), f"no gate '{rule.gate}'{suggest(str(rule.gate), template.gates)}")
        return
    if rule.move and gate.quadrant is not None:
        document.fault((*where, "move"), f"{rule.gate} is a cell: move its quadrants, quadrant: {gate.quadrant}")
        return
    if rule.move and (gate.units == "scale" or gate.ellipsoid is not None):
        document.fault((*where, "move"), f"{rule.gate} is written on its scales: {_SET_INSTEAD}")
    _check_moves(where, rule, gate.axes, document)


def _check_quadrant(where: Location, rule: OverrideSpec, template: StrategySpec, document: Document) -> None:
    keys = _keys_of(QuadrantsSpec)
    _check_keys(where, rule, keys, document)
    given = {key: value for key, value in (rule.set or {}).items() if key in keys and value is not None}
    if "dividers" in (rule.set or {}):
        given["dividers"] = (rule.set or {})["dividers"]  # a null would take away what quadrants must have
    _check_types(where, QuadrantsSpec, {"dividers": {}} | given, document)
    if rule.absent:
        document.fault((*where, "absent"), "absent needs a gate")
    cut = template.quadrants.get(str(rule.quadrant))
    if cut is None:
        known = template.quadrants
        document.fault((*where, "quadrant"), f"no quadrants '{rule.quadrant}'{suggest(str(rule.quadrant), known)}")
        return
    if rule.move and cut.units == "scale":
        document.fault((*where, "move"), f"{rule.quadrant} is written on its scales: {_SET_INSTEAD}")
    _check_moves(where, rule, tuple(cut.dividers), document)


def _check_moves(where: Location, rule: OverrideSpec, axes: Sequence[str], document: Document) -> None:
    for axis in rule.move or {}:
        if axis not in axes:
            target = rule.gate or rule.quadrant
            document.fault((*where, "move", axis), f"'{axis}' is no axis of {target}{suggest(axis, axes)}")
