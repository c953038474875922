"""FlowJo's own counts against ours, exact and on FlowJo's grid, and against FlowKit's, for each workspace."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from common import table
from tregflow.errors import TregflowError
from tregflow.reconciliation import Reconciliation, reconcile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Counts = Mapping[tuple[str, tuple[str, ...]], int]

WORST = 10


def compare_workspaces(data: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Return an entry for each workspace below `data` of which one sample or more has its FCS file beside it."""
    entries = []
    for path in sorted(data.rglob("*.wsp")):
        if not list(path.parent.glob("*.fcs")):
            continue
        try:
            done = reconcile(path, path.parent)
        except TregflowError as error:
            print(f"{path.relative_to(data)}: {error}")
            entries.append({"workspace": str(path.relative_to(data)), "error": error.code, "rows": [], "flowkit": {}})
            continue
        if done.compared:
            rows = compared(done)
            peer = with_flowkit(path, {row["sample"] for row in rows})
            entries.append({"workspace": str(path.relative_to(data)), "rows": rows, "flowkit": beside(rows, peer)})
            if quick and len(entries) > 1:
                break
    return entries


def compared(done: Reconciliation) -> list[dict[str, Any]]:
    """Return the populations with FlowJo's count and ours; every one that is not equal on the grid says why."""
    return [
        {
            "sample": row.sample,
            "path": list(row.path),
            "flowjo": row.flowjo,
            "grid": row.grid,
            "exact": row.exact,
            "why": row.why,
        }
        for row in done.compared
    ]


def with_flowkit(path: Path, samples: Iterable[str]) -> Counts | str:
    """Return FlowKit's counts, or the error by which it loses the workspace."""
    import flowkit

    wanted = sorted(samples)
    files = {file.name: file for file in path.parent.rglob("*.fcs")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = [flowkit.Sample(files[name], filename_as_id=True) for name in wanted if name in files]
            workspace = flowkit.Workspace(path, fcs_samples=loaded)
            counts: dict[tuple[str, tuple[str, ...]], int] = {}
            for sample in loaded:
                workspace.analyze_samples(sample_id=sample.id, use_mp=False)
                report = workspace.get_gating_results(sample.id).report
                for path_above, gate, count in zip(report.gate_path, report.gate_name, report["count"], strict=True):
                    counts[sample.id, (*path_above[1:], gate)] = int(count)
            return counts
    except Exception as error:  # noqa: BLE001 - a peer may raise anything
        return f"{type(error).__name__}: {error}"


def beside(rows: Sequence[Mapping[str, Any]], peer: Counts | str) -> dict[str, Any]:
    """Return how many of the same populations FlowKit counts as FlowJo does."""
    if isinstance(peer, str):
        return {"populations": 0, "equal": 0, "sum_abs_diff": None, "error": peer}
    pairs = [(row["flowjo"], peer[key]) for row in rows if (key := (row["sample"], tuple(row["path"]))) in peer]
    return {
        "populations": len(pairs),
        "equal": sum(flowjo == count for flowjo, count in pairs),
        "sum_abs_diff": sum(abs(flowjo - count) for flowjo, count in pairs),
    }


def summary(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of all workspaces together, and those of each."""
    rows = [row for entry in entries for row in entry["rows"]]
    worst = sorted(rows, key=lambda row: (-abs(row["grid"] - row["flowjo"]), -abs(row["exact"] - row["flowjo"])))
    peers = [entry["flowkit"] for entry in entries if entry["flowkit"]]
    return {
        **figures(rows),
        "worst": [
            {"sample": row["sample"], "path": "/".join(row["path"])}
            | {key: row[key] for key in ("flowjo", "grid", "exact")}
            for row in worst[:WORST]
        ],
        "flowkit": {
            "populations": sum(peer["populations"] for peer in peers),
            "equal": sum(peer["equal"] for peer in peers),
            "sum_abs_diff": sum(peer["sum_abs_diff"] or 0 for peer in peers),
            "lost": sum("error" in peer for peer in peers),
        },
        "workspaces": [
            {"workspace": entry["workspace"], **figures(entry["rows"]), "flowkit": entry["flowkit"]}
            | ({"error": entry["error"]} if "error" in entry else {})
            for entry in entries
        ],
    }


def figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many counts are FlowJo's, and by how much the others are off."""
    return {
        "populations": len(rows),
        "equal_grid": sum(row["grid"] == row["flowjo"] for row in rows),
        "equal_exact": sum(row["exact"] == row["flowjo"] for row in rows),
        "sum_abs_diff_grid": sum(abs(row["grid"] - row["flowjo"]) for row in rows),
        "sum_abs_diff_exact": sum(abs(row["exact"] - row["flowjo"]) for row in rows),
    }


def report(found: Mapping[str, Any]) -> None:
    """Print a line per workspace, and what is not equal on the grid."""
    heads = ("workspace", "populations", "equal on grid", "off", "equal exact", "off", "FlowKit equal", "off")
    lines = []
    for name, each in [*((entry["workspace"], entry) for entry in found["workspaces"]), ("all", found)]:
        peer = each["flowkit"]
        theirs = (
            peer.get("error", "")[:40] or f"{peer['equal']} of {peer['populations']}" if peer else "",
            peer.get("sum_abs_diff") if peer else "",
        )
        ours = ("populations", "equal_grid", "sum_abs_diff_grid", "equal_exact", "sum_abs_diff_exact")
        lines.append((name, *(each[key] for key in ours), *theirs))
    table(heads, lines)
    off = [row for row in found["worst"] if row["grid"] != row["flowjo"]]
    if off:
        table(tuple(off[0]), [tuple(row.values()) for row in off])
