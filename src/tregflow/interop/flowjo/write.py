"""Write a FlowJo 10 workspace: our gates on each sample, so that a reviewer can open them in FlowJo.

Each sample gets the strategy with its overrides applied, its own axes and matrix, and our counts. When FlowJo gates
anew it counts polygons and ellipses on its grid, so that its counts may then differ from exact ones; `counts: flowjo`
gives those beforehand.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tregflow._files import write_whole
from tregflow.errors import InteropError
from tregflow.fcs.persons import deidentified
from tregflow.interop.flowjo.restore import stored_element
from tregflow.interop.flowjo.write_axes import PREFIX, axes_of
from tregflow.interop.flowjo.write_nodes import sample_node
from tregflow.interop.flowjo.write_scales import axis_element
from tregflow.interop.flowjo.write_tree import tree_of
from tregflow.interop.flowjo.write_xml import TRANSFORMS, TYPES, made, number
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from tregflow.compensation import Spillover
    from tregflow.fcs import Sample
    from tregflow.interop.flowjo.write_axes import Axes
    from tregflow.interop.xml import Element
    from tregflow.populations import Gated
    from tregflow.strategy import Strategy

_GROUP = "All Samples"
_VERSION = "10.8.1"
"""Of FlowJo, whose workspaces these are like."""


def write_workspace(
    path: str | PathLike[str],
    strategy: Strategy,
    samples: Mapping[str, Sample],
    *,
    batches: Mapping[str, str] | None = None,
) -> tuple[LeftOut, ...]:
    """Write a workspace with the gates of a strategy on some samples.

    Parameters
    ----------
    path : path
        Of the workspace (.wsp); written whole or not at all.
    strategy : Strategy
        With its overrides.
    samples : mapping of str to Sample
        Id, by which overrides are chosen -> sample.
    batches : mapping of str to str, optional
        Id -> batch, where overrides or matrices go by batch.

    Returns
    -------
    tuple of LeftOut
        What FlowJo cannot hold, by sample and id of the gate: the sample is empty where it concerns every one.

    Raises
    ------
    InteropError
        ``E_EXPORT``: no sample, or two whose files have one name.
    TregflowError
        A sample cannot be gated.
    """
    batch = batches or {}
    gated = {name: strategy.gate(sample, id=name, batch=batch.get(name)) for name, sample in samples.items()}
    return write_gated(path, strategy, gated)


def write_gated(path: str | PathLike[str], strategy: Strategy, gated: Mapping[str, Gated]) -> tuple[LeftOut, ...]:
    """Write a workspace of samples that are gated already, with controls if need be.

    Parameters
    ----------
    path : path
        Of the workspace.
    strategy : Strategy
        By which they were gated, with its overrides; it travels in the workspace, for tregflow alone.
    gated : mapping of str to Gated
        Id -> outcome. Thresholds that came from a control are written as the numbers they were.

    Returns
    -------
    tuple of LeftOut
        As `write_workspace`; errors as there.
    """
    target = Path(path)
    _check_samples(target, gated)
    axes = {name: axes_of(each) for name, each in gated.items()}
    names = _matrix_names([each.matrix for each in axes.values()])
    left_out: list[LeftOut] = []
    samples = []
    for place, (name, each) in enumerate(gated.items(), 1):
        nodes, lost = tree_of(each, axes[name], name)
        left_out += lost
        matrix = axes[name].matrix
        matrices = [] if matrix is None else [_matrix(names[_content(matrix)], matrix)]
        samples.append(
            made(
                "Sample",
                {},
                [
                    made("DataSet", {"uri": f"file:{quote(each.sample.file)}", "sampleID": str(place)}),
                    *matrices,
                    _transformations(axes[name]),
                    _keywords(each.sample),
                    sample_node(each, nodes, axes[name], place),
                ],
            )
        )
    root = _root(samples, [_matrix(name, matrix) for name, matrix in _different(axes.values(), names)])
    root.append(stored_element(root, strategy, gated))
    write_whole(target, to_bytes(root))
    return _merged(left_out, len(gated))


def _check_samples(path: Path, gated: Mapping[str, Gated]) -> None:
    if not gated:
        problem = "a workspace of no samples"
        raise InteropError(problem, code="E_EXPORT", file=path.name, expected="one sample or more")
    files: dict[str, str] = {}
    for name, each in gated.items():
        other = files.setdefault(each.sample.file, name)
        if other != name:
            raise InteropError(
                f"{other} and {name} are both files called {each.sample.file}",
                code="E_EXPORT",
                file=path.name,
                expected="a name for each file, by which FlowJo finds it",
                remedy="rename one of the files, or write two workspaces",
            )


# -------------------------------------------------------------------------------------------------------- matrices


def _content(matrix: Spillover) -> tuple[object, ...]:
    return (matrix.detectors, matrix.matrix.tobytes())


def _matrix_names(matrices: Iterable[Spillover | None]) -> dict[tuple[object, ...], str]:
    """Return a name for each different matrix."""
    different = dict.fromkeys(_content(matrix) for matrix in matrices if matrix is not None)
    return {content: "tregflow" if place == 1 else f"tregflow {place}" for place, content in enumerate(different, 1)}


def _different(axes: Iterable[Axes], names: Mapping[tuple[object, ...], str]) -> list[tuple[str, Spillover]]:
    found = {names[_content(each.matrix)]: each.matrix for each in axes if each.matrix is not None}
    return list(found.items())


def _matrix(name: str, matrix: Spillover) -> Element:
    """Return a matrix as FlowJo holds it: a row per dye under the name of its detector."""
    content = f"{name} {matrix.detectors} {matrix.matrix.tolist()}"
    attributes = {
        "spectral": "0",
        "prefix": PREFIX,
        "name": name,
        "editable": "1",
        "color": "#c0c0c0",
        "version": f"FlowJo-{_VERSION}",
        "status": "FINALIZED",
        f"{{{TRANSFORMS}}}id": str(uuid.uuid5(uuid.NAMESPACE_OID, content)),
        "suffix": "",
    }
    infix = {detector: {"userProvidedCompInfix": f"{PREFIX}{detector}"} for detector in matrix.detectors}
    named = [
        made(f"{{{TYPES}}}parameter", {f"{{{TYPES}}}name": detector} | infix[detector]) for detector in matrix.detectors
    ]
    rows = [
        made(
            f"{{{TRANSFORMS}}}spillover",
            {f"{{{TYPES}}}parameter": dye} | infix[dye],
            [
                made(
                    f"{{{TRANSFORMS}}}coefficient",
                    {f"{{{TYPES}}}parameter": detector, f"{{{TRANSFORMS}}}value": number(value)},
                )
                for detector, value in zip(matrix.detectors, row, strict=True)
            ],
        )
        for dye, row in zip(matrix.detectors, matrix.matrix.tolist(), strict=True)
    ]
    return made(f"{{{TRANSFORMS}}}spilloverMatrix", attributes, [made(f"{{{TYPES}}}parameters", {}, named), *rows])


# --------------------------------------------------------------------------------------------------------- samples


def _transformations(axes: Axes) -> Element:
    gains = {parameter.name: parameter.gain for parameter in axes.parameters.values()}
    return made(
        "Transformations", {}, [axis_element(name, axis, gains.get(name, 1.0)) for name, axis in axes.scales.items()]
    )


def _keywords(sample: Sample) -> Element:
    """Return what FlowJo shows of the file, without what names persons."""
    own = {"FJ_FCS_VERSION": sample.version, "$PAR": str(len(sample.channels)), "$TOT": str(sample.n_events)}
    for channel in sample.channels:
        own |= {f"$P{channel.number}N": channel.pnn, f"$P{channel.number}S": channel.pns}
    return made(
        "Keywords",
        {},
        [made("Keyword", {"name": key, "value": text}) for key, text in (deidentified(sample.keywords) | own).items()],
    )


def _root(samples: Sequence[Element], matrices: Sequence[Element]) -> Element:
    refs = [made("SampleRef", {"sampleID": str(place)}) for place in range(1, len(samples) + 1)]
    group = made(
        "Group",
        {"name": _GROUP, "live": "1", "role": "ws.group.dlog.test", "key": "", "synchronized": "0"},
        [made("Criteria"), made("SampleRefs", {}, refs), made("Keywords")],
    )
    node = {
        "name": _GROUP,
        "annotation": "",
        "owningGroup": _GROUP,
        "expanded": "1",
        "sortPriority": "10",
        "count": "-1",
    }
    attributes = {"version": "20.0", "flowJoVersion": _VERSION, "curGroup": _GROUP, "hideCompNodes": "1"}
    parts = [
        made("Matrices", {}, matrices),
        made("Groups", {}, [made("GroupNode", node, [group])]),
        made("SampleList", {}, samples),
    ]
    return made("Workspace", attributes, parts)


def _merged(left_out: Sequence[LeftOut], n_samples: int) -> tuple[LeftOut, ...]:
    """Say once what holds for every sample."""
    samples: dict[tuple[str, str], list[str]] = {}
    for each in left_out:
        samples.setdefault((each.population, each.reason), []).append(each.sample)
    return tuple(
        LeftOut(sample, population, reason)
        for (population, reason), names in samples.items()
        for sample in ([""] if len(names) == n_samples > 1 else names)
    )
