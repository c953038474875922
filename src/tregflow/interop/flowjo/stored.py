"""The strategy itself travels in the workspace that is written of it, in an element that FlowJo has no use for.

A workspace cannot hold all of a strategy: reasons of overrides, reports, panels, thresholds from controls. The element
holds template and overrides, with a hash of them and of everything that the rest of the workspace means. Where a gate,
an axis or a matrix was changed in FlowJo, the hash no longer fits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tregflow._files import sha256_bytes
from tregflow.interop.flowjo.model import Reason, WspEllipse, WspPolygon, WspRectangle
from tregflow.interop.flowjo.read import read_workspace
from tregflow.interop.flowjo.write_xml import OWN, made
from tregflow.interop.self_contained import overrides_data, self_contained
from tregflow.interop.xml import parse_xml_bytes, to_bytes
from tregflow.transforms import scale_to_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.interop.flowjo.model import Node, Workspace, WspGate, WspMatrix, WspSample
    from tregflow.interop.xml import Element
    from tregflow.populations import Gated
    from tregflow.strategy import Strategy
    from tregflow.transforms import Scale

_PARTS = ("template", "overrides", "samples")


def stored_element(root: Element, strategy: Strategy, gated: Mapping[str, Gated], file: str) -> Element:
    """Return the element that holds a strategy, for a workspace that is complete but for it.

    Parameters
    ----------
    root : Element
        The workspace.
    strategy : Strategy
        With its overrides.
    gated : mapping of str to Gated
        Id of each sample -> the sample, gated.
    file : str
        Name of the workspace, for messages.

    Raises
    ------
    InteropError
        ``E_EXPORT``: the CSV file of a matrix is missing or broken.
    """
    whole = self_contained(strategy, file)
    samples = [[each.sample.file, name, each.batch] for name, each in gated.items()]
    texts = {
        "template": json.dumps(dict(whole.data)),  # not YAML, which takes some rare characters for line ends
        "overrides": _lines(overrides_data(whole)),
        "samples": _lines(samples),
    }
    workspace = read_workspace(parse_xml_bytes(to_bytes(root), file="workspace"), "workspace")
    children = [made(f"{{{OWN}}}{name}", text=text) for name, text in texts.items()]
    element = made(f"{{{OWN}}}strategy", {"sha256": ""}, children)
    element.set("sha256", hash_of(workspace, stored_texts(element)))
    return element


def _lines(entries: Sequence[Any]) -> str:
    """Return a list as JSON, an entry a line: a workspace of a hundred samples holds thousands of rules."""
    return "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]"


def stored_texts(element: Element) -> dict[str, str]:
    """Return the texts of the element's parts; one that is missing is empty."""
    return {name: element.findtext(f"{{{OWN}}}{name}") or "" for name in _PARTS}


# ------------------------------------------------------------------------------------------------------------ hash


def hash_of(workspace: Workspace, texts: Mapping[str, str]) -> str:
    """Return the SHA-256 of a stored strategy and of everything that the rest of its workspace means."""
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
