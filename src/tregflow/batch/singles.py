"""What a run leaves of matrices that it computed from single-stained controls, a pair of tables per batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tregflow._files import csv_bytes, slug
from tregflow.batch.outcome import one_line
from tregflow.errors import TregflowError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tregflow._files import Cell
    from tregflow.compensation import SpilloverFit
    from tregflow.study import Study

COMPENSATION = "compensation"
"""Folder of the matrices in the results."""
_COLUMNS = ("dye", "detector", "share", "error", "acquisition", "difference")


def matrix_tables(study: Study) -> dict[str, bytes]:
    """Return the matrices of a study's controls by file name: the matrix, and its coefficients with their errors."""
    written = {}
    for batch, fit in (study.fits or {}).items():
        if not isinstance(fit, TregflowError):
            written[f"{matrix_file(batch)}.csv"] = fit.spillover.to_csv_bytes()
            written[f"{matrix_file(batch)}-coefficients.csv"] = _coefficients(fit)
    return written


def matrix_file(batch: str) -> str:
    """Return where the matrix of a batch lies in the results, without its ending."""
    return f"{COMPENSATION}/{slug(batch)}"


def matrices_part(study: Study) -> dict[str, Any]:
    """Return what the manifest says of the matrices: file, hash of the numbers, and the controls that they rest on."""
    return {batch: _entry(study, batch, fit) for batch, fit in (study.fits or {}).items()}


def remove_former(out: Path, written: Mapping[str, bytes]) -> None:
    """Remove the matrices that a former run left and this one does not; files that no run made stay."""
    try:
        former = json.loads((out / "manifest.json").read_bytes())["tables"]
        names = [str(name) for name in former if str(name).startswith(f"{COMPENSATION}/") and name not in written]
    except (OSError, ValueError, KeyError, TypeError):
        return
    folder = (out / COMPENSATION).resolve()
    for name in names:
        if (out / name).resolve().parent == folder:  # a manifest may have been edited
            (out / name).unlink(missing_ok=True)


def _entry(study: Study, batch: str, fit: SpilloverFit | TregflowError) -> dict[str, Any]:
    controls = {row.sample: row.role for row in study.rows if row.batch == batch and _is_used(row.role)}
    if isinstance(fit, TregflowError):
        return {"file": None, "error": fit.code, "text": one_line(fit.problem), "controls": controls}
    return {"file": f"{matrix_file(batch)}.csv", "matrix_sha256": fit.spillover.sha256, "controls": controls}


def _is_used(role: str) -> bool:
    return role == "unstained" or role.startswith("single:")


def _coefficients(fit: SpilloverFit) -> bytes:
    rows: list[dict[str, Cell]] = []
    for pair in fit.pairs():
        numbers = [None if np.isnan(number) else number for number in pair[2:]]
        rows.append(dict(zip(_COLUMNS, (*pair[:2], *numbers), strict=True)))
    return csv_bytes(_COLUMNS, rows)
