"""The compliance sets of Gating-ML 2.0 and 1.5, event by event, and FlowKit on the same files beside us.

2.0: our reader and FlowKit's on the very files. 1.5 is another language, which neither reads: a small reader of the
tests gives the geometry, and it is put to our gates and to FlowKit's gate classes; combinations and parents are the
same for both. Decision trees, which 2.0 no longer has, are counted apart.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import table
from tregflow.errors import TregflowError
from tregflow.fcs import read_fcs
from tregflow.gates import Polygon, Rectangle
from tregflow.interop.gatingml import read_gatingml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Masks = Mapping[str, Mask]

ALIASES = {"ParQuadRect": "ParRectangle1"}
"""Truth of set 1 -> id of the gate, where the file calls it otherwise."""


def compare(data: Path) -> dict[str, Any]:
    """Return the sections ``gatingml2`` and ``gatingml15``; those whose folder is missing are left out."""
    sections = {"gatingml2": official, "gatingml15": geometry}
    return {name: section(data / name) for name, section in sections.items() if (data / name).is_dir()}


def report(found: Mapping[str, Any]) -> None:
    """Print who passes how many gates."""
    lines = []
    for name, each in found.items():
        kinds = {"tregflow": each, "FlowKit": each["flowkit"]}
        if "with_trees" in each:
            kinds["tregflow, with decision trees"] = each["with_trees"]
        lines += [(name, who, f"{r['passed']} of {r['total']}", ", ".join(r["failed"])) for who, r in kinds.items()]
    table(("set", "engine", "exact", "not exact"), lines)


def verdict(outcomes: Mapping[str, bool]) -> dict[str, Any]:
    """Return the figures of a set."""
    failed = sorted(name for name, right in outcomes.items() if not right)
    return {"total": len(outcomes), "passed": len(outcomes) - len(failed), "failed": failed}


# ---------------------------------------------------------------------------------------------------------- 2.0


def official(folder: Path) -> dict[str, Any]:
    """Return ours and FlowKit's outcome on set 1: a gate is exact if it is so in every file that holds it."""
    (fcs,) = folder.glob("*.fcs")
    truth = {
        path.stem.removeprefix("Results_"): np.loadtxt(path, dtype=int) == 1
        for path in sorted((folder / "truth").glob("Results_*.txt"))
    }
    files = sorted((folder / "gml").glob("*.xml"))
    return verdict(against(truth, files, lambda file: with_tregflow(file, fcs))) | {
        "flowkit": verdict(against(truth, files, lambda file: with_flowkit(file, fcs)))
    }


def against(truth: Masks, files: Iterable[Path], gate: Callable[[Path], Masks]) -> dict[str, bool]:
    """Return for each published result whether the gates of that id hold the very events."""
    found: dict[str, list[bool]] = {name: [] for name in truth}
    for masks in map(gate, files):
        names = {name: name if name in masks else ALIASES.get(name, name) for name in truth}
        for name, own in names.items():
            if own in masks:
                found[name].append(np.array_equal(masks[own], truth[name]))
    return {name: bool(right) and all(right) for name, right in found.items()}


def with_tregflow(gates: Path, fcs: Path) -> Masks:
    """Return who is in which gate; nothing for a file that is against the standard."""
    try:
        strategy = read_gatingml(gates).strategy
    except TregflowError:
        return {}
    result = strategy.gate(read_fcs(fcs))
    return {name: result[name] for name in strategy.spec.gates}


def with_flowkit(gates: Path, fcs: Path) -> Masks:
    """Return who is in which gate by FlowKit; nothing for a file that it refuses."""
    import flowkit

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            peer = flowkit.parse_gating_xml(str(gates))
            result = peer.gate_sample(flowkit.Sample(str(fcs)))
    except Exception as error:  # noqa: BLE001 - a peer may raise anything
        print(f"FlowKit: {gates.name}: {type(error).__name__}: {error}")
        return {}
    masks = {}
    for name in result.report["gate_name"].unique():
        masks[name] = np.asarray(result.get_gate_membership(name))
    return masks


# ---------------------------------------------------------------------------------------------------------- 1.5


def geometry(folder: Path) -> dict[str, Any]:
    """Return ours and FlowKit's outcome on the suites of 1.5."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.gatingml15 import read_gates, recorded, summary, truth

    ours, theirs, trees = {}, {}, {}
    evaluated: dict[tuple[str, str], tuple[Any, Any, Any]] = {}
    for row in summary(folder):
        key = row.suite, row.data_file
        if key not in evaluated:
            gates = read_gates(folder / "gates" / f"{row.suite}.xml")
            values = recorded(read_fcs(folder / "events" / row.data_file))
            peer = gates.masks(values, lambda shape, values=values: flowkit_shape(shape, values))
            evaluated[key] = gates, gates.masks(values), peer
        gates, masks, peer = evaluated[key]
        name, expected = f"{row.suite}/{row.gate}", truth(folder, row)
        right = np.array_equal(masks[row.gate].inside, expected)
        trees[name] = right
        if not gates.needs_tree(row.gate):
            ours[name] = right
            theirs[name] = np.array_equal(peer[row.gate].inside, expected)
    return verdict(ours) | {"with_trees": verdict(trees), "flowkit": verdict(theirs)}


def flowkit_shape(shape: Any, values: Callable[[str], NDArray[np.float64]]) -> Mask:
    """Return which events FlowKit's class finds inside the same geometry."""
    import flowkit
    import pandas as pd

    if isinstance(shape, Rectangle):
        dimensions = [flowkit.Dimension(name, range_min=low, range_max=high) for name, low, high in shape.bounds]
        peer = flowkit.gates.RectangleGate(shape.id, dimensions)
    else:
        dimensions = [flowkit.Dimension(name) for name in shape.channels]
        if isinstance(shape, Polygon):
            peer = flowkit.gates.PolygonGate(shape.id, dimensions, np.array(shape.points))
        else:
            given = (shape.mean, shape.covariance, shape.distance2)
            peer = flowkit.gates.EllipsoidGate(shape.id, dimensions, *given)
    events = pd.DataFrame({name: values(name) for name in shape.axes})
    return np.asarray(peer.apply(events), dtype=bool)
