"""The tables of a run as CSV, one function a table; the rows stand in the order of the sample sheet."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from tregflow._files import csv_bytes
from tregflow.batch.outcome import FAILED
from tregflow.study import NOT_CONFIRMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from tregflow._files import Cell
    from tregflow.batch.outcome import Outcome
    from tregflow.findings import Finding
    from tregflow.populations import Mfi, Population
    from tregflow.study import Row

    Line = Population | Mfi | Finding
    Pair = tuple[Row, Outcome]

POPULATIONS = ("sample", "population", "parent", "count", "parent_count", "percent_of_parent")
FREQUENCIES = (
    "sample",
    "subject",
    "visit",
    "batch",
    "status",
    "name",
    "numerator",
    "denominator",
    "k",
    "n",
    "percent",
    "low",
    "high",
    "method",
    "flags",
)
MFI = ("sample", "population", "marker", "mfi")
FINDINGS = ("sample", "code", "severity", "where", "text")
_MARKS = (NOT_CONFIRMED.code, "guessed-cells")
"""Findings on a sample as a whole that go with each of its numbers."""
_WIDE = ("sample", "file", "subject", "visit", "date", "batch", "status")


def populations_csv(pairs: Sequence[Pair]) -> bytes:
    """Return populations.csv: a row per sample and population; a failed sample has none."""
    return _lines_csv(POPULATIONS, ((row.sample, line) for row, found in pairs for line in found.populations))


def frequencies_csv(pairs: Sequence[Pair], ratios: Mapping[str, tuple[str, str]]) -> bytes:
    """Return frequencies.csv: a row per sample and ratio; a failed sample has its rows, without numbers."""
    return csv_bytes(FREQUENCIES, (line for row, found in pairs for line in _frequency_rows(row, found, ratios)))


def mfi_csv(pairs: Sequence[Pair]) -> bytes:
    """Return mfi.csv: medians of compensated, untransformed values."""
    return _lines_csv(MFI, ((row.sample, line) for row, found in pairs for line in found.mfi))


def findings_csv(pairs: Sequence[Pair]) -> bytes:
    """Return findings.csv: everything that was noticed, a row each."""
    return _lines_csv(FINDINGS, ((row.sample, line) for row, found in pairs for line in found.findings))


def _lines_csv(columns: Sequence[str], lines: Iterable[tuple[str, Line]]) -> bytes:
    return csv_bytes(columns, ({"sample": sample, **asdict(line)} for sample, line in lines))


def wide_csv(pairs: Sequence[Pair], ratios: Mapping[str, tuple[str, str]], mfi: Mapping[str, Sequence[str]]) -> bytes:
    """Return wide.csv: a row per sample, with percent, k and n of each ratio and the MFI side by side."""
    parts = [f"{name}{part}" for name in ratios for part in ("", "_k", "_n")]
    medians = [f"mfi_{population}_{marker}" for population, markers in mfi.items() for marker in markers]
    columns = (*_WIDE, *parts, *medians)
    blank: dict[str, Cell] = dict.fromkeys(columns)
    return csv_bytes(columns, (blank | _wide_row(row, found) for row, found in pairs))


def frame_csv(frame: pd.DataFrame) -> bytes:
    """Return a data frame as CSV in the same dress as the other tables: missing cells empty, floats by repr."""
    return csv_bytes([str(name) for name in frame.columns], plain_records(frame))


def plain_records(frame: pd.DataFrame) -> list[dict[str, Cell]]:
    """Return the rows of a data frame with plain Python values, None where a value is missing."""
    return [{str(name): _plain(value) for name, value in record.items()} for record in frame.to_dict("records")]


def _plain(value: object) -> Cell:
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str | bool | int):
        return value
    return float(value) if isinstance(value, float) else str(value)


def _frequency_rows(row: Row, found: Outcome, ratios: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, Cell]]:
    head: dict[str, Cell] = {
        "sample": row.sample,
        "subject": row.subject,
        "visit": row.visit,
        "batch": row.batch,
        "status": found.status,
    }
    if found.status == FAILED:
        empty: dict[str, Cell] = dict.fromkeys(FREQUENCIES[8:])
        for name, (numerator, denominator) in ratios.items():
            yield {**head, "name": name, "numerator": numerator, "denominator": denominator, **empty, "flags": "failed"}
    marks = [finding.code for finding in found.findings if finding.code in _MARKS]
    for line in found.frequencies:
        yield {**head, **asdict(line), "flags": " ".join([*line.flags, *marks])}


def _wide_row(row: Row, found: Outcome) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: getattr(row, name) for name in _WIDE[:-1]}
    cells["status"] = found.status
    for line in found.frequencies:
        cells |= {line.name: line.percent, f"{line.name}_k": line.k, f"{line.name}_n": line.n}
    return cells | {f"mfi_{line.population}_{line.marker}": line.mfi for line in found.mfi}
