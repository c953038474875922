"""From a FlowJo workspace to a study in a temporary folder: the analyst's gates as template and overrides.

Reads what parity needs and no more: polygons and rectangles in data units, biexponential and linear axes, one file per
`SampleNode` by name. Nothing that it derives is kept.
"""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET  # noqa: TID251 - the workspaces of the test data, named on the command line
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_GATING = "{http://www.isac-net.org/std/Gating-ML/v2.0/gating}"
_TYPES = "{http://www.isac-net.org/std/Gating-ML/v2.0/datatypes}"
_SCALES = "{http://www.isac-net.org/std/Gating-ML/v2.0/transformations}"
_RULES = ("polygon", "points", "rectangle")


@dataclass(frozen=True)
class Population:
    """One population of one sample: its path from the root, its gate as keys of a strategy, FlowJo's count."""

    path: tuple[str, ...]
    gate: dict[str, Any]
    count: int
    id: str = ""

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path[-1]


@dataclass(frozen=True)
class Drawn:
    """What an analyst drew on one sample."""

    sample: str
    scales: dict[str, Any]
    populations: tuple[Population, ...]


def read_workspace(path: Path, samples: set[str]) -> list[Drawn]:
    """Return what was drawn on each of the named samples."""
    drawn = []
    for element in ET.parse(path).getroot().iter("Sample"):
        node = element.find("SampleNode")
        if node is not None and node.get("name") in samples:
            scales = dict(filter(None, map(_scale, element.find("Transformations") or ())))
            drawn.append(Drawn(str(node.get("name")), scales, tuple(_populations(node, ()))))
    return _with_ids(drawn)


def _with_ids(drawn: list[Drawn]) -> list[Drawn]:
    """Give each population its name as id, or its path where a sample has the name twice (CM of CD4 and of CD8)."""
    twice = {name for each in drawn for name, n in Counter(p.name for p in each.populations).items() if n > 1}
    ids = {p.path: "/".join(p.path) if p.name in twice else p.name for each in drawn for p in each.populations}
    return [replace(each, populations=tuple(replace(p, id=ids[p.path]) for p in each.populations)) for each in drawn]


def write_study(folder: Path, drawn: list[Drawn]) -> None:
    """Write study.yaml, samples.csv, strategy.yaml and overrides.yaml; JSON is YAML, and says numbers in full."""
    template = max(drawn, key=lambda each: len(each.populations))
    gates = _gates(template)
    strategy = {
        "tregflow": 1,
        "name": "workspace",
        "compensation": "none",
        "scales": _used(template, gates),
        "gates": gates,
        "report": {},
    }
    rules = [rule for each in drawn for rule in _overrides(each, strategy)]
    study = {
        "tregflow": 1,
        "name": "parity",
        "strategy": "strategy.yaml",
        "confirmed": {"by": "the workspace", "at": "as stored"},
    }
    for name, content in (("strategy", strategy), ("overrides", {"tregflow": 1, "overrides": rules}), ("study", study)):
        (folder / f"{name}.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")
    with (folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("sample", "file"))
        rows.writerows((each.sample, each.sample) for each in drawn)


def _scale(element: ET.Element) -> tuple[str, Any] | None:
    parameter = element.find(f"{_TYPES}parameter")
    if parameter is None:
        return None
    kind = element.tag.removeprefix(_SCALES)
    if kind == "biex":
        keys = {"neg": "neg", "width": "width", "pos": "pos", "max": "maxRange"}
        spec: Any = {"biex": {key: float(element.attrib[_SCALES + name]) for key, name in keys.items()}}
    else:
        spec = "linear"
    return parameter.attrib[f"{_TYPES}name"], spec


def _populations(node: ET.Element, path: tuple[str, ...]) -> list[Population]:
    found = []
    for element in node.findall("Subpopulations/Population"):
        here = (*path, element.attrib["name"])
        gate = _gate(element)
        if gate is not None:
            found.append(Population(here, gate, int(element.attrib["count"])))
        found += _populations(element, here)
    return found


def _gate(element: ET.Element) -> dict[str, Any] | None:
    shape = next(iter(element.find("Gate") or ()), None)
    if shape is None:
        return None
    dimensions = shape.findall(f"{_GATING}dimension")
    names = [d.find(f"{_TYPES}fcs-dimension").attrib[f"{_TYPES}name"] for d in dimensions]  # type: ignore[union-attr]
    if shape.tag == f"{_GATING}RectangleGate":
        return {
            "rectangle": {
                name: [_number(d, "min"), _number(d, "max")] for name, d in zip(names, dimensions, strict=True)
            }
        }
    if shape.tag == f"{_GATING}PolygonGate":
        points = [[float(c.attrib[f"{_TYPES}value"]) for c in vertex] for vertex in shape.findall(f"{_GATING}vertex")]
        return {"polygon": names, "points": points}
    return None


def _number(element: ET.Element, key: str) -> float | None:
    text = element.get(_GATING + key)
    return None if text is None else float(text)


def _gates(drawn: Drawn) -> dict[str, dict[str, Any]]:
    """Return a sample's gates as keys of a strategy; a parent that has no gate of its own is passed over."""
    ids = {p.path: p.id for p in drawn.populations}

    def parent(path: tuple[str, ...]) -> str:
        return next((ids[path[:depth]] for depth in range(len(path) - 1, 0, -1) if path[:depth] in ids), "root")

    return {p.id: {"in": parent(p.path), **p.gate} for p in drawn.populations}


def _used(drawn: Drawn, gates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    axes = {axis for gate in gates.values() for axis in (*gate.get("polygon", ()), *gate.get("rectangle", ()))}
    return {axis: drawn.scales[axis] for axis in sorted(axes) if axis in drawn.scales}


def _overrides(drawn: Drawn, strategy: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rules by which one sample departs from the template: gates moved, absent, or on other axes."""
    who = {"when": {"sample": drawn.sample}, "by": "the analyst", "at": "as stored", "why": "as drawn in the workspace"}
    own = _gates(drawn)
    rules: list[dict[str, Any]] = []
    scales = {axis: spec for axis, spec in _used(drawn, own).items() if strategy["scales"].get(axis) != spec}
    if scales:
        rules.append({"set": {"scales": scales}})
    for name, gate in strategy["gates"].items():
        if name not in own:
            rules.append({"gate": name, "absent": True})
        elif own[name] != gate:
            rules.append({"gate": name, "set": dict.fromkeys(_RULES) | own[name]})
    return [{"id": f"{drawn.sample} {number}", **who, **rule} for number, rule in enumerate(rules, 1)]
