"""The strategy itself travels in the workspace that is written of it, in an element that FlowJo has no use for.

A workspace cannot hold all of a strategy: reasons of overrides, reports, panels, thresholds from controls. The element
holds template and overrides, with a hash of them and of everything that the rest of the workspace means. Where a gate,
an axis or a matrix was changed in FlowJo, the hash no longer fits, and what FlowJo shows is taken over instead.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tregflow._files import sha256_bytes
from tregflow._yaml import parse
from tregflow.compensation import Spillover
from tregflow.errors import StrategyError, TregflowError
from tregflow.interop.flowjo.model import Reason, WspEllipse, WspPolygon, WspRectangle
from tregflow.interop.flowjo.read import read_workspace
from tregflow.interop.flowjo.write_tree import paths
from tregflow.interop.flowjo.write_xml import OWN, made
from tregflow.interop.imported import Imported
from tregflow.interop.xml import parse_xml_bytes, to_bytes
from tregflow.strategy import Strategy
from tregflow.strategy.matrix import matrix_files
from tregflow.strategy.overrides import settings as settings_of
from tregflow.transforms import scale_to_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.interop.flowjo.model import Node, Workspace, WspGate, WspMatrix, WspSample
    from tregflow.interop.xml import Element
    from tregflow.populations import Gated
    from tregflow.transforms import Scale

_PARTS = ("template", "overrides", "samples")


def stored_element(root: Element, strategy: Strategy, gated: Mapping[str, Gated]) -> Element:
    """Return the element that holds a strategy, for a workspace that is complete but for it.

    Parameters
    ----------
    root : Element
        The workspace.
    strategy : Strategy
        With its overrides.
    gated : mapping of str to Gated
        Id of each sample -> the sample, gated.
    """
    whole = with_own_matrices(strategy)
    samples = [[each.sample.file, name, each.batch] for name, each in gated.items()]
    texts = {
        "template": whole.to_yaml(),
        "overrides": _lines([dict(rule.data) for rule in whole.overrides]),
        "samples": _lines(samples),
    }
    workspace = read_workspace(parse_xml_bytes(to_bytes(root), file="workspace"), "workspace")
    children = [made(f"{{{OWN}}}{name}", text=text) for name, text in texts.items()]
    element = made(f"{{{OWN}}}strategy", {"sha256": ""}, children)
    element.set("sha256", _hash(workspace, _texts(element)))
    return element


def restored(root: Element, workspace: Workspace) -> Imported | None:
    """Return the strategy that a workspace of ours holds; None where it holds none or was changed since.

    Parameters
    ----------
    root : Element
        The workspace.
    workspace : Workspace
        The same, read.
    """
    element = root.find(f"{{{OWN}}}strategy")
    if element is None:
        return None
    texts = _texts(element)
    if element.get("sha256") != _hash(workspace, texts):
        return None
    try:
        template = parse(texts["template"], workspace.file, StrategyError, "E_STRATEGY").data
        strategy = Strategy.from_data(template, name=workspace.file, overrides=json.loads(texts["overrides"]))
        return _imported(strategy, workspace, json.loads(texts["samples"]))
    except TregflowError:  # of another version of tregflow: what FlowJo shows is there all the same
        return None


def _imported(strategy: Strategy, workspace: Workspace, samples: list[list[Any]]) -> Imported:
    known = {file: (name, batch) for file, name, batch in samples}
    counts, ids = {}, {}
    for sample in workspace.samples:
        name, batch = known[sample.name]
        places = {path: gate for gate, path in paths(strategy.applied(id=name, batch=batch).strategy).items()}
        for node in sample.walk():
            counts[sample.key, node.path] = node.count
            if node.path in places:
                ids[sample.key, node.path] = places[node.path]
    return Imported(strategy, (), counts, ids)


def with_own_matrices(strategy: Strategy) -> Strategy:
    """Return the strategy with the CSV files of its matrices written out, so that it needs no other file."""
    settings = (strategy.spec.compensation, *settings_of(strategy.overrides))
    names = {name for setting in settings for name in matrix_files(setting, strategy.spec.matrices)}
    read = strategy.with_matrices().matrices
    found = {name: _entry(read[name]) for name in sorted(names) if isinstance(read.get(name), Spillover)}
    if not found:
        return strategy
    data = {**strategy.data, "matrices": {**strategy.data.get("matrices", {}), **found}}
    changed = strategy.revised(data, name=strategy.source)
    return replace(changed, overrides=strategy.overrides)


def _entry(matrix: Spillover) -> dict[str, Any]:
    return {"detectors": list(matrix.detectors), "matrix": matrix.matrix.tolist()}


def _lines(entries: Sequence[Any]) -> str:
    """Return a list as JSON, an entry a line: a workspace of a hundred samples holds thousands of rules."""
    return "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]"


def _texts(element: Element) -> dict[str, str]:
    """Return the texts of the element's parts; one that is missing is empty."""
    return {name: element.findtext(f"{{{OWN}}}{name}") or "" for name in _PARTS}


# ------------------------------------------------------------------------------------------------------------ hash


def _hash(workspace: Workspace, texts: Mapping[str, str]) -> str:
    content = [list(map(_sample, workspace.samples)), texts]
    return sha256_bytes(json.dumps(content, sort_keys=True).encode())


def _sample(sample: WspSample) -> list[Any]:
    """Return what a sample means, whatever FlowJo does to order, colours, windows and counts."""
    scales = {name: _scale(scale) for name, scale in sample.transformations.items()}
    matrix = sample.matrix.text if isinstance(sample.matrix, Reason) else _matrix(sample.matrix)
    return [sample.name, scales, dict(sample.gains), matrix, list(map(_node, sample.nodes))]


def _scale(scale: Scale | Reason) -> Any:
    return scale.text if isinstance(scale, Reason) else scale_to_spec(scale)


def _matrix(matrix: WspMatrix | None) -> Any:
    return None if matrix is None else [matrix.detectors, matrix.dyes, matrix.numbers, dict(matrix.compensated)]


def _node(node: Node) -> list[Any]:
    below = sorted(map(_node, node.children), key=lambda each: str(each[0]))
    return [node.name, node.kind, _gate(node.gate), node.dependents, below]


def _gate(gate: WspGate | Reason | None) -> Any:
    match gate:
        case WspPolygon():
            return ["polygon", gate.axes, gate.points, gate.bins, gate.inside]
        case WspRectangle():
            return ["rectangle", gate.bounds, gate.inside]
        case WspEllipse():
            return ["ellipse", gate.axes, gate.mean, gate.covariance, gate.bins, gate.inside]
        case Reason():
            return gate.text
    return None
