"""Overrides: a batch's or a sample's departure from the signed template, each with who, when and why.

A sample's rule beats its batch's, which beats the template; within one level the order of the file counts.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tregflow._yaml import Document, check_model, parse, read_text, suggest
from tregflow.errors import StrategyError
from tregflow.findings import Finding
from tregflow.strategy.spec import GateSpec, OverridesSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow.strategy.spec import OverrideSpec, StrategySpec

_TOP_KEYS = ("panel", "scales")


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
        The gate that it changes; None for panel and scales.
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
        return Finding("override-applied", "info", self.gate or "strategy", text)


def load_overrides(path: Path, template: StrategySpec) -> tuple[Override, ...]:
    """Read an overrides file and check it against the template; every fault is reported at once.

    Raises
    ------
    StrategyError
        The file is missing, no YAML, or holds a rule that cannot be applied (code ``E_OVERRIDES``).
    """
    document = parse(read_text(path, StrategyError, "E_OVERRIDES"), path.name, StrategyError, "E_OVERRIDES")
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


def _check_rule(where: tuple[str | int, ...], rule: OverrideSpec, template: StrategySpec, document: Document) -> None:
    if (rule.when.batch is None) == (rule.when.sample is None):
        document.fault((*where, "when"), "names one batch or one sample")
    if sum(bool(value) for value in (rule.set, rule.move, rule.absent)) != 1:
        document.fault(where, "states one of set, move, absent")
    if rule.gate is None and (rule.move or rule.absent):
        document.fault(where, "move and absent need a gate")
    keys = [info.alias or name for name, info in GateSpec.model_fields.items()] if rule.gate else list(_TOP_KEYS)
    for key, value in (rule.set or {}).items():
        if key not in keys:
            document.fault((*where, "set", key), f"unknown key{suggest(key, keys)}; allowed: {', '.join(keys)}")
        elif rule.gate is None and not isinstance(value, dict):
            document.fault((*where, "set", key), f"expected keys and values (there is {value!r})")
    if rule.gate is not None and rule.gate not in template.gates:
        document.fault((*where, "gate"), f"no gate '{rule.gate}'{suggest(rule.gate, template.gates)}")
        return
    axes = template.gates[rule.gate].axes if rule.gate else ()
    for axis in (rule.move or {}) if rule.gate else ():
        if axis not in axes:
            document.fault((*where, "move", axis), f"'{axis}' is no axis of {rule.gate}{suggest(axis, axes)}")


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
        elif rule.gate is None:
            for key, entries in rule.set.items():
                merged = {**changed.get(key, {}), **copy.deepcopy(entries)}
                changed[key] = {name: entry for name, entry in merged.items() if entry is not None}
        else:
            gate = changed["gates"][rule.gate]
            gate.update(copy.deepcopy(dict(rule.set)))
            kept = {key: value for key, value in gate.items() if value is not None}
            changed["gates"][rule.gate] = _moved(kept, rule.move, rule)
    return changed, tuple(gate for gate in changed["gates"] if gate in absent)


def _moved(gate: dict[str, Any], moves: Mapping[str, tuple[float, float]], rule: Override) -> dict[str, Any]:
    """Shift a gate's coordinates, v -> gain * v + offset."""
    for axis, (gain, offset) in moves.items():
        if not any(axis in (gate.get(key) or ()) for key in ("polygon", "rectangle", "above", "below")):
            raise StrategyError(
                f"override {rule.id} moves {axis}, which another override has taken away",
                code="E_OVERRIDES",
                population=str(rule.gate),
                remedy="set the coordinates instead, or drop one of the two",
            )
        if axis in gate.get("polygon", ()):
            column = gate["polygon"].index(axis)
            for point in gate["points"]:
                point[column] = gain * point[column] + offset
        if axis in gate.get("rectangle", {}):
            bounds = gate["rectangle"][axis]
            gate["rectangle"][axis] = [None if bound is None else gain * bound + offset for bound in bounds]
        for key in ("above", "below"):
            limit = gate.get(key, {}).get(axis)
            if isinstance(limit, dict):
                raise StrategyError(
                    f"override {rule.id} moves {axis}, whose threshold comes from a control",
                    code="E_OVERRIDES",
                    population=str(rule.gate),
                    remedy=f"set a number instead: set: {{{key}: {{{axis}: 1200}}}}",
                )
            if limit is not None:
                gate[key][axis] = gain * limit + offset
    return gate
