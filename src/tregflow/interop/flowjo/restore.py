"""Take the strategy that a workspace of ours holds, but only where it means what FlowJo shows.

A hash that fits says that nothing was changed since; it does not say that the two ever agreed, for anyone can compute
it. So the stored strategy is written once more, for samples with the channels that the workspace names and no events,
and what is written is compared with what is there: gate by gate, axis by axis, matrix by matrix.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow.compensation import Spillover
from tregflow.errors import TregflowError
from tregflow.fcs import Sample
from tregflow.fcs.channels import channels_of
from tregflow.fcs.layout import ColumnFormat, Layout
from tregflow.interop.flowjo.model import WspMatrix, WspRectangle
from tregflow.interop.flowjo.read import read_workspace
from tregflow.interop.flowjo.stored import hash_of, stored_texts
from tregflow.interop.flowjo.write import plan, workspace_of
from tregflow.interop.flowjo.write_axes import PREFIX
from tregflow.interop.flowjo.write_tree import paths
from tregflow.interop.flowjo.write_xml import OWN
from tregflow.interop.imported import Imported
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import line_of, parse_xml_bytes, to_bytes
from tregflow.strategy import FmoThreshold, Strategy, fmo_places
from tregflow.strategy.dimensions import source_of
from tregflow.strategy.fmo import gate_with
from tregflow.strategy.matrix import SINGLES, matrix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tregflow.interop.flowjo.model import Node, Path, Workspace, WspGate, WspSample
    from tregflow.interop.xml import Element
    from tregflow.populations import Gated
    from tregflow.strategy import FmoPlace
    from tregflow.strategy.matrix import Matrix

_SHOWN = 200
_DAMAGED = "its text is damaged"
_NOT_TAKEN = "the strategy that tregflow stored in the workspace, for "


class _NotTakenError(Exception):
    """The stored strategy is not to be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored strategy, and the id and the batch of each sample by the name of its file."""

    strategy: Strategy
    known: Mapping[str, tuple[str, str | None]]


def restored(root: Element, workspace: Workspace) -> Imported | LeftOut | None:
    """Return the strategy that a workspace of ours holds; None where it holds none.

    Parameters
    ----------
    root : Element
        The workspace.
    workspace : Workspace
        The same, read.

    Returns
    -------
    Imported, LeftOut or None
        What is left out where a strategy is stored that cannot be taken: the workspace was changed since, it is one of
        another version of tregflow, or it means something else than FlowJo shows.
    """
    element = root.find(f"{{{OWN}}}strategy")
    if element is None:
        return None
    try:
        stored = _stored(element, workspace)
        ids = {sample.key: _ids(stored, sample) for sample in workspace.samples}
        _compare(stored, workspace)
    except _NotTakenError as reason:
        return LeftOut("", "", f"{_NOT_TAKEN}{reason}", line_of(element))
    except RecursionError:
        return LeftOut("", "", f"{_NOT_TAKEN}it is nested too deeply", line_of(element))
    except TregflowError as error:
        said = " ".join(error.problem.split())[:_SHOWN]
        return LeftOut("", "", f"{_NOT_TAKEN}it cannot be read ({error.code}: {said})", line_of(element))
    nodes = [(sample.key, node) for sample in workspace.samples for node in sample.walk()]
    counts = {(key, node.path): node.count for key, node in nodes}
    found = {(key, node.path): ids[key][node.path] for key, node in nodes if node.path in ids[key]}
    return Imported(stored.strategy, (), counts, found)


def _stored(element: Element, workspace: Workspace) -> _Stored:
    texts = stored_texts(element)
    if element.get("sha256") != hash_of(workspace, texts):
        problem = "a gate, an axis, a matrix or its own text was changed since"
        raise _NotTakenError(problem)
    template, rules, samples = (_json(texts[part]) for part in ("template", "overrides", "samples"))
    if not (isinstance(template, dict) and _is_list(rules, dict) and _is_list(samples, list)):
        raise _NotTakenError(_DAMAGED)
    strategy = Strategy.from_data(template, name=workspace.file, overrides=rules)
    known = {}
    for entry in samples:
        match entry:
            case [str(file), str(name), (str() | None) as batch]:
                known[file] = (name, batch)
            case _:
                raise _NotTakenError(_DAMAGED)
    lacking = next((sample.name for sample in workspace.samples if sample.name not in known), None)
    if lacking is not None:
        problem = f"it knows nothing of {lacking}"
        raise _NotTakenError(problem)
    return _Stored(strategy, known)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _NotTakenError(_DAMAGED) from error


def _is_list(found: Any, kind: type) -> bool:
    return isinstance(found, list) and all(isinstance(each, kind) for each in found)


def _ids(stored: _Stored, sample: WspSample) -> dict[Path, str]:
    name, batch = stored.known[sample.name]
    return {path: gate for gate, path in paths(stored.strategy.applied(id=name, batch=batch).strategy).items()}


# ----------------------------------------------------------------------------------------------- does it mean the same?


def _compare(stored: _Stored, workspace: Workspace) -> None:
    """Refuse a stored strategy that would be written otherwise than the workspace is."""
    plans = [plan(sample.key, _gated(stored, sample)) for sample in workspace.samples]
    own = read_workspace(parse_xml_bytes(to_bytes(workspace_of(plans)), file=workspace.file), workspace.file)
    for sample, written, each in zip(workspace.samples, own.samples, plans, strict=True):
        decided = {node.path for node in each.nodes if node.by_events}
        for path, what in _differences(sample, written, decided):
            problem = f"it is not what FlowJo shows: {sample.key}: {'/'.join(path)}: {what}"
            raise _NotTakenError(problem)


def _differences(shown: WspSample, written: WspSample, decided: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yield populations that are another in FlowJo; those that events may have kept out of it are not missed."""
    here, there = ({node.path: node for node in sample.walk()} for sample in (shown, written))
    for path, node in here.items():
        other = there.get(path)
        if other is None:
            yield path, "no such population is stored"
        elif (node.kind, node.gate, node.dependents) != (other.kind, other.gate, other.dependents):
            yield path, "another gate is stored"
        else:
            for axis in _axes_of(node):
                if _meaning(shown, axis) != _meaning(written, axis):
                    yield path, f"its axis {axis} has another scale, gain or matrix"
    for path, node in there.items():
        if path not in here and path not in decided and _needed(node) <= {(), *here}:
            yield path, "it is stored, and FlowJo does not show it"


def _axes_of(node: Node) -> tuple[str, ...]:
    if isinstance(node.gate, WspRectangle):
        return tuple(axis for axis, _, _ in node.gate.bounds)
    return getattr(node.gate, "axes", ())


def _needed(node: Node) -> set[Path]:
    return {node.path[:-1], *(tuple(name.split("/")) for name in node.dependents)}


def _meaning(sample: WspSample, axis: str) -> tuple[Any, ...]:
    """Return all that tells where an event lies on an axis."""
    matrix = sample.matrix
    through = None
    if isinstance(matrix, WspMatrix) and axis in matrix.compensated:
        through = (matrix.detectors, matrix.dyes, matrix.numbers, matrix.compensated[axis])
    return sample.transformations.get(axis), sample.gains.get(axis, 1.0), through


# --------------------------------------------------------------------------------------------- samples without events


def _gated(stored: _Stored, sample: WspSample) -> Gated:
    """Gate a sample with the channels of a sample of the workspace, and no events.

    What no workspace can hold is taken from what it shows: the number that a control gave, the matrix of a batch's
    controls.
    """
    name, batch = stored.known[sample.name]
    applied = stored.strategy.applied(id=name, batch=batch)
    empty = _empty(sample)
    thresholds = dict(_thresholds(applied.strategy, sample, empty))
    from_controls = matrix_of(applied.strategy.spec.compensation, batch) == SINGLES
    return gate_with(
        applied, thresholds, empty, spillover=_matrix(sample) if from_controls else None, id=name, batch=batch
    )


def _empty(sample: WspSample) -> Sample:
    n_channels = len(sample.channels)
    keywords = {key.strip().upper(): text for key, text in sample.keywords.items()}
    channels, _ = channels_of(keywords, Layout(0, (ColumnFormat("F", 4),) * n_channels), file=sample.name)
    columns = {channel.pnn: np.empty(0, np.float32) for channel in channels}
    built = Sample.from_columns(sample.name, columns, keywords=keywords)
    return replace(built, channels=channels)


def _matrix(sample: WspSample) -> Matrix | None:
    matrix = sample.matrix
    return Spillover(matrix.detectors, np.array(matrix.numbers), "shown") if isinstance(matrix, WspMatrix) else None


def _thresholds(strategy: Strategy, sample: WspSample, empty: Sample) -> Iterator[tuple[FmoPlace, FmoThreshold]]:
    nodes, place_of = {node.path: node for node in sample.walk()}, paths(strategy)
    for place in fmo_places(strategy):
        node = nodes.get(place_of[place.gate])
        channel = source_of(strategy, place.axis, empty).channel
        value = None
        if node is not None and channel is not None and isinstance(node.gate, WspRectangle):
            value = _bound(node.gate, place.side, channel.pnn)
        yield place, FmoThreshold("", 0, value, "not shown")


def _bound(gate: WspGate, side: str, channel: str) -> float | None:
    bounds = {axis: ends for axis, *ends in gate.bounds} if isinstance(gate, WspRectangle) else {}
    ends = bounds.get(f"{PREFIX}{channel}", bounds.get(channel, (None, None)))
    return ends[0] if side == "above" else ends[1]
