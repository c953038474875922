"""Overrides: a batch's or a sample's departure from the signed template, each with who, when and why.

A sample's rule beats its batch's, which beats the template; within one level the order of the file counts.
"""

from __future__ import annotations

import copy
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tregflow._yaml import dump, parse, plain, read_text
from tregflow.errors import StrategyError
from tregflow.findings import Finding
from tregflow.strategy.moves import moved_gate, moved_quadrants
from tregflow.strategy.override_check import SECTIONS, checked_rules
from tregflow.strategy.spec import BatchCompensation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tregflow._yaml import Document
    from tregflow.strategy.matrix import CompensationSetting
    from tregflow.strategy.override_spec import OverrideSpec
    from tregflow.strategy.spec import StrategySpec


OVERRIDES_FILE = "overrides.yaml"
"""Beside a strategy: the departures of a study's batches and samples."""


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
    return tuple(map(_override, checked_rules(document, template)))


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
        absent.discard(rule.gate or "")  # the later rule wins: what a batch declares absent, its sample can set
        if rule.absent:
            absent.add(str(rule.gate))
        elif rule.gate is not None:
            changed["gates"][rule.gate] = moved_gate(_set(changed["gates"][rule.gate], rule.set), rule)
        elif rule.quadrant is not None:
            cut = _set(changed["quadrants"][rule.quadrant], rule.set)
            changed["quadrants"][rule.quadrant] = moved_quadrants(cut, rule)
        else:
            for key, value in rule.set.items():
                changed[key] = _set(changed.get(key, {}), value) if key in SECTIONS else copy.deepcopy(value)
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
