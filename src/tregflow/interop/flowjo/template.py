"""From the gates of many samples to one strategy and the overrides by which each sample departs from it.

The template has every population of any sample, each in the form that most samples have; so few overrides are needed.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tregflow.interop.flowjo.model import WspMatrix
from tregflow.interop.flowjo.names import axis_names, population_ids
from tregflow.strategy.matrix import SINGLES
from tregflow.transforms import scale_to_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tregflow.interop.flowjo.drawn import Axis, Drawn, DrawnGate
    from tregflow.interop.flowjo.model import Path

_NONE = "none"
_TOP = ("dimensions", "scales")


@dataclass(frozen=True, slots=True)
class OneSample:
    """A sample's strategy as plain data, under the names that all samples share; `compensation` None without gates."""

    key: str
    compensation: str | None
    dimensions: dict[str, dict[str, Any]]
    scales: dict[str, dict[str, Any]]
    gates: dict[str, dict[str, Any]]
    owners: dict[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """What the samples have in common, and what they have not."""

    data: dict[str, Any]
    overrides: list[dict[str, Any]]
    ids: dict[Path, str]


def make_template(drawn: Sequence[Drawn], *, name: str, at: str) -> Template:
    """Return strategy and overrides of samples, as plain data.

    Parameters
    ----------
    drawn : sequence of Drawn
        One sample or more, with one gate or more among them.
    name : str
        Of the strategy.
    at : str
        When the gates were as they are.
    """
    written = {path: gate.node.name for each in drawn for path, gate in each.gates.items()}
    ids = population_ids({path: written[path] for path in _in_order(each.gates for each in drawn)})
    axes = axis_names(drawn)
    matrices = _Matrices()
    detectors = {detector for each in drawn for detector in _detectors(each)}
    samples = [_one_sample(each, ids, axes, matrices, detectors) for each in drawn]
    data: dict[str, Any] = {"tregflow": 1, "name": name, "compensation": _usual(each.compensation for each in samples)}
    if matrices.entries:
        data["matrices"] = matrices.entries
    for key in _TOP:
        used = dict.fromkeys(axis for each in samples for axis in getattr(each, key))
        data[key] = {axis: _usual(getattr(each, key).get(axis) for each in samples) for axis in used}
    data["gates"] = {id_: _usual(each.gates.get(id_) for each in samples) for id_ in ids.values()}
    overrides = [rule for each in samples for rule in _overrides(each, data, at)]
    return Template(data, overrides, ids)


def _in_order(trees: Iterable[dict[Path, Any]]) -> list[Path]:
    """Return the paths of all samples in the order of the trees, one that is new behind what stands before it."""
    order: list[Path] = []
    for tree in sorted(trees, key=len, reverse=True):
        place, known = 0, set(order)
        for path in tree:
            if path in known:
                place = order.index(path) + 1
            else:
                order.insert(place, path)
                place += 1
    return order


def _usual(entries: Iterable[Any]) -> Any:
    """Return the most common of what is there; of equally common ones the first."""
    there = [entry for entry in entries if entry is not None]
    often = Counter(map(_canonical, there))
    return max(there, key=lambda entry: often[_canonical(entry)])


def _canonical(entry: Any) -> str:
    return json.dumps(entry)


def _detectors(drawn: Drawn) -> tuple[str, ...]:
    matrix = drawn.sample.matrix
    return matrix.detectors if isinstance(matrix, WspMatrix) else ()


@dataclass(slots=True)
class _Matrices:
    """The different matrices of all samples, by a name each."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def name(self, matrix: WspMatrix) -> str:
        entry: dict[str, Any] = {"detectors": list(matrix.detectors)}
        if matrix.dyes != matrix.detectors:
            entry["dyes"] = list(matrix.dyes)
        entry["matrix"] = [list(row) for row in matrix.numbers]
        # What stands for something else under `compensation` cannot be the name of a matrix.
        taken = matrix.name.casefold().startswith((_NONE, "fcs", SINGLES))
        wanted = f"matrix {matrix.name}" if taken else matrix.name
        name, number = wanted, 1
        while self.entries.setdefault(name, entry) != entry:
            number += 1
            name = f"{wanted} ({number})"
        return name


def _one_sample(
    drawn: Drawn, ids: dict[Path, str], axes: dict[str, str], matrices: _Matrices, detectors: set[str]
) -> OneSample:
    used = {axes[name]: axis for name, axis in drawn.axes.items()}
    matrix = drawn.sample.matrix
    through = isinstance(matrix, WspMatrix) and any(axis.compensated for axis in used.values())
    of_sample = matrices.name(matrix) if through and isinstance(matrix, WspMatrix) else _NONE
    spectral = any(axis.kind == "dye" for axis in used.values())
    return OneSample(
        drawn.sample.key,
        None if not used else _NONE if spectral else of_sample,
        {name: _dimension(axis, of_sample, detectors) for name, axis in used.items()},
        {name: scale_to_spec(axis.scale) for name, axis in used.items()},
        {ids[path]: _gate(path, gate, ids, axes) for path, gate in drawn.gates.items()},
        {ids[path]: gate.node.owning_group for path, gate in drawn.gates.items()},
    )


def _dimension(axis: Axis, matrix: str, detectors: set[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {axis.kind: axis.channel}
    if axis.kind == "dye":
        entry["compensation"] = matrix
    elif not axis.compensated and axis.channel in detectors:
        entry["compensation"] = _NONE
    if axis.gain != 1.0:
        entry["gain"] = axis.gain
    return entry


def _gate(path: Path, gate: DrawnGate, ids: dict[Path, str], axes: dict[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if len(path) > 1:
        rule["in"] = ids[path[:-1]]
    if ids[path] != gate.node.name:
        rule["name"] = gate.node.name
    for key, value in gate.rule.items():
        if key in ("polygon", "ellipsoid"):
            rule[key] = [axes[name] for name in value]
        elif key == "rectangle":
            rule[key] = {axes[name]: bounds for name, bounds in value.items()}
        elif key == "not":
            rule[key] = ids[gate.operands[0]]
        elif key in ("all", "any"):
            rule[key] = [ids[operand] for operand in gate.operands]
        else:
            rule[key] = value
    return rule


def _overrides(sample: OneSample, data: dict[str, Any], at: str) -> Iterator[dict[str, Any]]:
    """Yield the rules that make the sample's own strategy of the template."""
    for number, (what, owner) in enumerate(_departures(sample, data), start=1):
        why = "imported" + (f"; as drawn for group {owner}" if owner else "")
        head = {"id": f"{sample.key} {number}", "when": {"sample": sample.key}}
        yield {**head, **what, "by": "FlowJo", "at": at, "why": why}


def _departures(sample: OneSample, data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    top: dict[str, Any] = {}
    if sample.compensation not in (None, data["compensation"]):
        top["compensation"] = sample.compensation
    for key in _TOP:
        # An axis is replaced as a whole: of a dimension's keys none may stay behind.
        own = {axis: entry for axis, entry in getattr(sample, key).items() if entry != data[key][axis]}
        if own:
            top[key] = own
    if top:
        yield {"set": top}, ""
    for id_, usual in data["gates"].items():
        gate = sample.gates.get(id_)
        if gate is None:
            yield {"gate": id_, "absent": True}, ""
        elif gate != usual:
            taken_away = {key: None for key in usual if key not in gate}
            changed = {key: value for key, value in gate.items() if usual.get(key) != value}
            yield {"gate": id_, "set": {**taken_away, **changed}}, sample.owners[id_]
