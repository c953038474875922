"""Overrides: a batch's or a sample's departure from the signed template, each with who, when and why.

A sample's rule beats its batch's, which beats the template; within one level the order of the file counts.
"""

from __future__ import annotations

import copy
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tregflow._yaml import Document, check_model, dump, parse, plain, read_text, suggest
from tregflow.errors import StrategyError
from tregflow.findings import Finding
from tregflow.strategy.moves import moved_gate, moved_quadrants
from tregflow.strategy.override_spec import OverridesSpec
from tregflow.strategy.spec import BatchCompensation, GateSpec, QuadrantsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tregflow._yaml import Location
    from tregflow.strategy.matrix import CompensationSetting
    from tregflow.strategy.override_spec import OverrideSpec
    from tregflow.strategy.spec import StrategySpec, Strict

_SECTIONS = ("panel", "matrices", "dimensions", "scales")
"""What a rule without a gate sets entry by entry."""
_PLAIN = ("compensation", "counts")
"""What it sets as a whole."""
_SET_INSTEAD = "set its coordinates instead; moves are in data units"


@dataclass(frozen=True, slots=True)
class Override:
    """One rule of an overrides file.

    Attributes
    ----------
    id : str
        Unique in its file.
    level : {"batch", "sample"}
        What `target` names.
    target : str
        The batch or sample that it applies to.
    gate : str or None
        The gate that it changes.
    quadrant : str or None
        The quadrants that it changes. Without either it changes panel, scales and the like.
    set, move : mapping
        Keys to replace (a null takes the key away); axes to shift as v -> gain * v + offset.
    absent : bool
        The population does not exist there.
    by, at, why : str
        Who decided, when, and the reason.
    """

    id: str
    level: Literal["batch", "sample"]
    target: str
    gate: str | None
    quadrant: str | None
    set: Mapping[str, Any]
    move: Mapping[str, tuple[float, float]]
    absent: bool
    by: str
    at: str
    why: str

    def finding(self) -> Finding:
        """Return the record of this rule for the findings of a sample."""
        what = "absent" if self.absent else ", ".join([*self.set, *(f"{axis} moved" for axis in self.move)])
        text = f"override {self.id} ({self.level} {self.target}): {what}; by {self.by} at {self.at}: {self.why}"
        return Finding("override-applied", "info", self.gate or self.quadrant or "strategy", text)

    @property
    def data(self) -> dict[str, Any]:
        """The rule as it stands in an overrides file."""
        moves = {axis: {"gain": gain, "offset": offset} for axis, (gain, offset) in self.move.items()}
        said = {"gate": self.gate, "quadrant": self.quadrant, "set": dict(self.set), "move": moves}
        what = {key: value for key, value in {**said, "absent": self.absent}.items() if value}
        signed = {"by": self.by, "at": self.at, "why": self.why}
        return plain({"id": self.id, "when": {self.level: self.target}, **what, **signed})  # type: ignore[no-any-return]


def load_overrides(path: Path, template: StrategySpec) -> tuple[Override, ...]:
    """Read an overrides file and check it against the template; every fault is reported at once.

    Raises
    ------
    StrategyError
        The file is missing, no YAML, or holds a rule that cannot be applied (code ``E_OVERRIDES``).
    """
    document = parse(read_text(path, StrategyError, "E_OVERRIDES"), path.name, StrategyError, "E_OVERRIDES")
    return checked_overrides(document, template)


def checked_overrides(document: Document, template: StrategySpec) -> tuple[Override, ...]:
    """Return the rules of a document, checked against the template.

    Raises
    ------
    StrategyError
        A rule cannot be applied; all faults are listed (``E_OVERRIDES``).
    """
    spec = check_model(OverridesSpec, document, document.data)
    for index, rule in enumerate(spec.overrides if spec else ()):
        _check_rule(("overrides", index), rule, template, document)
    if spec:
        _check_ids(spec, document)
    document.stop_on_faults(StrategyError, "E_OVERRIDES")
    return tuple(map(_override, spec.overrides)) if spec else ()


def _override(rule: OverrideSpec) -> Override:
    sample = rule.when.sample
    moves = {axis: (move.gain, move.offset) for axis, move in (rule.move or {}).items()}
    return Override(
        id=rule.id,
        level="batch" if sample is None else "sample",
        target=str(sample or rule.when.batch),
        gate=rule.gate,
        quadrant=rule.quadrant,
        set=rule.set or {},
        move=moves,
        absent=bool(rule.absent),
        by=rule.by,
        at=rule.at,
        why=rule.why,
    )


def _check_ids(spec: OverridesSpec, document: Document) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(spec.overrides):
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
    _check_keys(where, rule, (*_SECTIONS, *_PLAIN), document)
    for key, value in (rule.set or {}).items():
        if key in _SECTIONS and not isinstance(value, dict):
            document.fault((*where, "set", key), f"expected keys and values (there is {value!r})")
        if key in _PLAIN and value is None:
            document.fault((*where, "set", key), "expected a value (there is None)")


def _check_gate(where: Location, rule: OverrideSpec, template: StrategySpec, document: Document) -> None:
    _check_keys(where, rule, _keys_of(GateSpec), document)
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
    _check_keys(where, rule, _keys_of(QuadrantsSpec), document)
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


def choose(
    overrides: tuple[Override, ...], *, sample: str | None, batch: str | None, file: str = ""
) -> tuple[Override, ...]:
    """Return the rules for one sample, batch rules first.

    Raises
    ------
    StrategyError
        A rule asks for a batch or sample and none was given (``E_CONTEXT``): skipping it would gate on the wrong place.
    """
    given = {"batch": batch, "sample": sample}
    for rule in overrides:
        if given[rule.level] is None:
            keyword = "id" if rule.level == "sample" else "batch"
            raise StrategyError(
                f"override {rule.id} applies by {rule.level}, and the {rule.level} was not given",
                code="E_CONTEXT",
                file=file,
                remedy=f"call gate(sample, {keyword}=...)",
            )
    levels: tuple[Literal["batch", "sample"], ...] = ("batch", "sample")
    return tuple(rule for level in levels for rule in overrides if rule.level == level and rule.target == given[level])


def apply(data: Mapping[str, Any], rules: tuple[Override, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the strategy's plain data with `rules` applied, and the ids of the gates declared absent."""
    changed = copy.deepcopy(dict(data))
    absent: set[str] = set()
    for rule in rules:
        absent.discard(str(rule.gate))  # the later rule wins: what a batch declares absent, its sample can set
        if rule.absent:
            absent.add(str(rule.gate))
        elif rule.gate is not None:
            changed["gates"][rule.gate] = moved_gate(_set(changed["gates"][rule.gate], rule.set), rule)
        elif rule.quadrant is not None:
            cut = _set(changed["quadrants"][rule.quadrant], rule.set)
            changed["quadrants"][rule.quadrant] = moved_quadrants(cut, rule)
        else:
            for key, value in rule.set.items():
                changed[key] = _set(changed.get(key, {}), value) if key in _SECTIONS else copy.deepcopy(value)
    return changed, tuple(gate for gate in changed["gates"] if gate in absent)


def _set(entry: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with keys replaced, and those that are null now taken away."""
    return {key: value for key, value in {**entry, **copy.deepcopy(dict(keys))}.items() if value is not None}


def settings(rules: Sequence[Override]) -> tuple[CompensationSetting, ...]:
    """Return every `compensation` that rules set, as far as it is one."""
    general = [rule for rule in rules if rule.gate is None and rule.quadrant is None]
    given = [rule.set["compensation"] for rule in general if "compensation" in rule.set]
    batches = [value["batch"] for value in given if isinstance(value, dict) and isinstance(value.get("batch"), dict)]
    per_batch = [BatchCompensation(batch={batch: str(name) for batch, name in each.items()}) for each in batches]
    return (*(value for value in given if isinstance(value, str)), *per_batch)


def overrides_text(rules: Sequence[Override]) -> str:
    """Return the text of an overrides file."""
    if not rules:
        return "tregflow: 1\noverrides: []\n"
    items = [textwrap.indent(dump(rule.data), "    ").replace("    ", "  - ", 1) for rule in rules]
    return "".join(["tregflow: 1\noverrides:\n", *items])
