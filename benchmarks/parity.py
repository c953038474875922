"""Parity with others on real files: values against peers and an independent decoder, counts against FlowJo's own.

The analyst's manual gates go through ``tregflow run``, exact semantics.

FlowJo evaluates polygons on a grid of 256 bins, tregflow exactly: rectangles at the root must be equal; polygons and
what hangs below them differ, and the table says by how much (bar for the main populations: 2 % or 10 events).
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import fcs_parity
from common import arguments, head, table, write
from flowjo_study import read_workspace, write_study

MAIN = ("B cells", "T cells", "CD4", "Treg", "non-Treg")
RELATIVE, ABSOLUTE = 0.02, 10


def main() -> None:
    """Run, print, write."""
    given = arguments(__doc__ or "")
    verdicts = fcs_parity.compare_files(given.data)
    fcs_parity.report(verdicts)
    folders = sorted(path.parent for path in given.data.glob("*/*/flowjo_counts.csv"))
    rows = [row for folder in folders[: 1 if given.quick else None] for row in compare_folder(folder)]
    report(rows)
    peers = head("parity", ("flowkit", "flowio", "fcsparser", "FlowCal"))
    write({**peers, **fcs_parity.results(verdicts), "flowjo": summary(rows)}, given.json)


def compare_folder(folder: Path) -> list[dict[str, Any]]:
    """Return a row per population: FlowJo's count and ours."""
    with (folder / "flowjo_counts.csv").open(encoding="utf-8") as file:
        counts = {(line["sample"], line["path"]): int(line["flowjo_count"]) for line in csv.DictReader(file)}
    workspace = next(iter(sorted(folder.glob("*.wsp"))))
    drawn = read_workspace(workspace, {sample for sample, _ in counts})
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for each in drawn:
            shutil.copyfile(folder / each.sample, work / each.sample)
        write_study(work, drawn)
        ours = run_cli(work)
    return [
        {
            "folder": folder.name,
            "sample": each.sample,
            "path": "/".join(p.path),
            "name": p.name,
            "root_rectangle": len(p.path) == 1 and "rectangle" in p.gate,
            "flowjo": counts[each.sample, "/".join(p.path)],
            "exact": ours[each.sample, p.id],
        }
        for each in drawn
        for p in each.populations
    ]


def run_cli(work: Path) -> dict[tuple[str, str], int]:
    """Gate the study by the command that users run; return counts by sample and population."""
    command = [sys.executable, "-m", "tregflow", "run", str(work), "--out", str(work / "out"), "--quiet"]
    done = subprocess.run([*command, "--jobs", str(os.cpu_count() or 1)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"tregflow run ended with status {done.returncode}\n{done.stdout}{done.stderr}")
    with (work / "out" / "populations.csv").open(encoding="utf-8") as file:
        return {
            (line["sample"], line["population"]): int(line["count"]) for line in csv.DictReader(file) if line["count"]
        }


def within(row: dict[str, Any]) -> bool:
    """Tell whether a count is within 2 % or 10 events of FlowJo's."""
    return abs(row["exact"] - row["flowjo"]) <= max(ABSOLUTE, RELATIVE * row["flowjo"])


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures; the grid is not evaluated by this version."""
    worst = sorted(rows, key=lambda row: -abs(row["exact"] - row["flowjo"]))[:10]
    main_rows = [row for row in rows if row["name"] in MAIN]
    rectangles = [row for row in rows if row["root_rectangle"]]
    return {
        "populations": len(rows),
        "equal_grid": None,
        "equal_exact": sum(row["exact"] == row["flowjo"] for row in rows),
        "sum_abs_diff_grid": None,
        "sum_abs_diff_exact": sum(abs(row["exact"] - row["flowjo"]) for row in rows),
        "within": sum(map(within, rows)),
        "root_rectangles": {"total": len(rectangles), "equal": sum(r["exact"] == r["flowjo"] for r in rectangles)},
        "main": {"total": len(main_rows), "within": sum(map(within, main_rows))},
        "worst": [{key: row[key] for key in ("sample", "path", "flowjo", "exact")} | {"grid": None} for row in worst],
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print the main populations, then the figures."""
    table(
        ("folder", "sample", "population", "FlowJo", "exact", "verdict"),
        [
            (
                row["folder"],
                row["sample"][:40],
                row["name"],
                row["flowjo"],
                row["exact"],
                "equal" if row["exact"] == row["flowjo"] else "within" if within(row) else "DIFFERS",
            )
            for row in rows
            if row["name"] in MAIN or row["root_rectangle"] or not within(row)
        ],
    )
    for key, value in summary(rows).items():
        if key != "worst":
            print(f"{key:<20}{value}")


if __name__ == "__main__":
    main()
