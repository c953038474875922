"""Read a FlowJo 10 workspace (.wsp) into plain data: per sample and population, with the line of everything."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tregflow.errors import InteropError
from tregflow.interop.flowjo.axes import read_axes
from tregflow.interop.flowjo.elements import NotUnderstoodError, attribute, children, first, local, whole
from tregflow.interop.flowjo.matrix import read_matrix
from tregflow.interop.flowjo.model import Group, Node, Reason, Workspace, WspSample
from tregflow.interop.flowjo.shapes import read_gate
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import line_of, parse_xml

if TYPE_CHECKING:
    from os import PathLike

    from tregflow.interop.flowjo.model import Path as Names
    from tregflow.interop.flowjo.model import WspGate
    from tregflow.interop.xml import Element

_Kind = Literal["gate", "and", "or", "not", "other"]
_KINDS: dict[str, _Kind] = {"Population": "gate", "AndNode": "and", "OrNode": "or", "NotNode": "not"}
_NO_POPULATIONS = ("Statistic", "Graph")
"""What stands among the populations and is none."""
_DATE = re.compile(r"\w{3} (\w{3}) (\d{1,2}) \d\d:\d\d:\d\d .*?(\d{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MILLISECONDS = 14
"""Digits of a time in milliseconds, up to the year 5138."""
_REMEDY = "save the workspace with FlowJo 10, as .wsp"
_MOST_EVENTS = 10**12
"""Files of a terabyte and more hold fewer."""
NEVER = -1
"""FlowJo's count of a population that it never computed."""


def parse_workspace(path: str | PathLike[str]) -> Workspace:
    """Read a FlowJo 10 workspace.

    Gates, axes and matrices that are not understood stand in the outcome as `Reason`; the rest is there all the same.

    Raises
    ------
    InteropError
        ``E_XML``: no XML, or XML that could do harm. ``E_WSP``: not a workspace of FlowJo 10 (FlowJo 9, FlowJo 11,
        something else), or one without samples.
    """
    source = Path(path)
    return read_workspace(open_workspace(source), source.name)


def open_workspace(source: Path) -> Element:
    """Return the root element of a workspace; errors as `parse_workspace`."""
    if source.suffix.casefold() == ".flowjo":
        problem = "a file of FlowJo 11, which cannot be read"
        raise InteropError(problem, code="E_WSP", file=source.name, expected="a workspace of FlowJo 10", remedy=_REMEDY)
    return parse_xml(source, remedy=_REMEDY)


def read_workspace(root: Element, file: str) -> Workspace:
    """Read a workspace from its root element; `file` stands in messages. Errors as `parse_workspace`."""
    _refuse_others(root, file)
    reader = _Reader()
    samples = _with_keys([sample for element in _sample_elements(root) for sample in reader.sample(element)])
    if not samples:
        problem = "holds no sample that can be read"
        available = [f"line {each.line}: {each.reason}" for _, each in reader.left_out]
        raise InteropError(problem, code="E_WSP", file=file, available=available)
    version = attribute(root, "flowJoVersion") or ""
    keys: dict[int | None, str] = {None: "", **{place: each.key for place, each in enumerate(samples)}}
    left_out = tuple(replace(each, sample=keys[place]) for place, each in reader.left_out)
    return Workspace(file, version, _saved(root), samples, _groups(root, samples), left_out)


def _refuse_others(root: Element, file: str) -> None:
    if local(root) != "Workspace":
        problem = f"line {line_of(root)}: begins with <{local(root)}>, not with <Workspace>"
        raise InteropError(problem, code="E_WSP", file=file, expected="a workspace of FlowJo 10", remedy=_REMEDY)
    form, program = attribute(root, "version") or "", attribute(root, "flowJoVersion") or ""
    if form.split(".")[0] == "20" and program.split(".")[0] in ("", "10"):
        return
    old = program.startswith("9") or form.split(".")[0] in ("2", "3")
    said = ", ".join(filter(None, (f"version {form}" if form else "", f"FlowJo {program}" if program else "")))
    which = "FlowJo 9 (Mac)" if old else "another FlowJo"
    problem = f"line {line_of(root)}: a workspace of {which} ({said or 'no version'})"
    raise InteropError(
        problem, code="E_WSP", file=file, expected="a workspace of FlowJo 10 (version 20)", remedy=_REMEDY
    )


def _sample_elements(root: Element) -> list[Element]:
    return [sample for samples in children(root, "SampleList") for sample in children(samples, "Sample")]


@dataclass(slots=True)
class _Reader:
    """Reads samples, and keeps what could not be read, by the place of its sample: names need not be unique."""

    n_samples: int = 0
    left_out: list[tuple[int | None, LeftOut]] = field(default_factory=list)

    def sample(self, element: Element) -> list[WspSample]:
        """Return the sample of a ``Sample`` element; nothing where it has no node."""
        node, data = first(element, "SampleNode"), first(element, "DataSet")
        uri = "" if data is None else attribute(data, "uri") or ""
        if node is None or not attribute(node, "name"):
            what = "a sample without SampleNode" if node is None else "a SampleNode without name"
            self._leave_out(None, "", what + (f" ({uri})" if uri else ""), node if node is not None else element)
            return []
        name, place = attribute(node, "name") or "", self.n_samples
        self.n_samples += 1
        scales, gains = read_axes(first(element, "Transformations"))
        return [
            WspSample(
                name=name,
                key=name,
                uri=uri,
                n_events=self._count(node, place, ""),
                keywords=_keywords(first(element, "Keywords")),
                transformations=scales,
                gains=gains,
                matrix=read_matrix(element),
                nodes=self._nodes(node, place, (), ()),
                sample_id=attribute(node, "sampleID") or ("" if data is None else attribute(data, "sampleID") or ""),
                line=line_of(node),
            )
        ]

    def _nodes(self, element: Element, sample: int, path: Names, plain_path: Names) -> tuple[Node, ...]:
        """Return the populations below an element; one whose name a sibling has already is numbered in its path."""
        found = [
            child for group in children(element, "Subpopulations") for child in children(group)
            if local(child) not in _NO_POPULATIONS
        ]  # fmt: skip
        names = [attribute(child, "name") or "" for child in found]
        nodes = []
        for child, name, step in zip(found, names, _distinct(names), strict=True):
            nodes.append(self._node(child, sample, name, (*path, step), (*plain_path, name)))
        return tuple(nodes)

    def _node(self, element: Element, sample: int, name: str, path: Names, plain_path: Names) -> Node:
        kind = _KINDS.get(local(element), "other")
        gate: WspGate | Reason | None = None
        if not name:
            gate = Reason(f"{local(element)} without name", line_of(element))
        elif kind == "other":
            gate = Reason(f"a population of the kind '{local(element)}'", line_of(element))
        elif kind == "gate":
            gate = read_gate(element)
        named = children(first(element, "Dependents"), "Dependent")
        return Node(
            name=name,
            path=path,
            plain_path=plain_path,
            kind=kind,
            count=self._count(element, sample, "/".join(path)),
            owning_group=attribute(element, "owningGroup") or "",
            gate=gate,
            dependents=tuple(attribute(each, "name") or "" for each in named),
            children=self._nodes(element, sample, path, plain_path),
            line=line_of(element),
        )

    def _count(self, element: Element, sample: int, population: str) -> int:
        try:
            count = whole(element, "count", NEVER)
        except NotUnderstoodError as error:
            self._leave_out(sample, population, f"its stored count: {error.reason.text}", element)
            return NEVER
        if count > _MOST_EVENTS:
            self._leave_out(sample, population, f"its stored count: {count} events", element)
            return NEVER
        return max(count, NEVER)

    def _leave_out(self, sample: int | None, population: str, reason: str, element: Element) -> None:
        self.left_out.append((sample, LeftOut("", population, reason, line_of(element))))


def _distinct(names: list[str]) -> list[str]:
    """Return the names, those that come again followed by their number, so that all differ."""
    taken, steps = set(names), []
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        step, number = name, seen[name]
        while number > 1 and (step == name or step in taken):
            step, number = f"{name} ({number})", number + 1
        taken.add(step)
        steps.append(step)
    return steps


def _keywords(element: Element | None) -> dict[str, str]:
    pairs = ((attribute(each, "name"), attribute(each, "value")) for each in children(element, "Keyword"))
    return {name: value or "" for name, value in pairs if name}


def _with_keys(samples: list[WspSample]) -> tuple[WspSample, ...]:
    """Give samples that share a name keys that tell them apart: by events, else by number in the workspace."""
    for suffix in ("{each.n_events} events", "sample {each.sample_id}"):
        often = Counter(each.key for each in samples)
        samples = [
            replace(each, key=f"{each.key} ({suffix.format(each=each)})") if often[each.key] > 1 else each
            for each in samples
        ]
    return tuple(
        replace(each, key=step) for each, step in zip(samples, _distinct([each.key for each in samples]), strict=True)
    )


def _groups(root: Element, samples: tuple[WspSample, ...]) -> tuple[Group, ...]:
    keys = {each.sample_id: each.key for each in samples}
    groups = []
    for node in (node for groups_ in children(root, "Groups") for node in children(groups_, "GroupNode")):
        refs = (
            children(first(first(node, "Group"), "SampleRefs"), "SampleRef") if first(node, "Group") is not None else ()
        )
        members = [attribute(ref, "sampleID") or "" for ref in refs]
        groups.append(Group(attribute(node, "name") or "", tuple(keys[each] for each in members if each in keys)))
    return tuple(groups)


def _saved(root: Element) -> str:
    """Return the day when the workspace was saved, as it says itself; its own words where they are no date."""
    text = attribute(root, "modDate") or ""
    found = _DATE.fullmatch(text)
    if found and found[1] in _MONTHS:
        return f"{found[3]}-{_MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}"
    stamp = attribute(root, "clientTimestamp") or ""
    if not text and stamp.isdecimal() and len(stamp) <= _MILLISECONDS:
        return datetime.fromtimestamp(int(stamp) / 1000, tz=UTC).date().isoformat()
    return text or "not said"
