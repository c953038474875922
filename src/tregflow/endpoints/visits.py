"""Which record of the table stands for a subject at a visit, and what is wrong with the table.

A frequencies table comes in tidy: one row per sample and ratio. Here it becomes one `Record` per subject, visit and
ratio, checked; a row that cannot be read, a value that cannot be, two rows where one is meant: errors that list them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tregflow._yaml import suggest
from tregflow.errors import EndpointError
from tregflow.intervals import LOG_DELTA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from tregflow.endpoints.spec import Design

REQUIRED = ("subject", "visit", "name", "percent")
"""Columns without which there is no endpoint; the other columns of frequencies.csv are used where they are there."""

ROUNDING = 0.05
"""Percentage points by which ``percent`` may miss 100 k/n: tables from elsewhere are rounded to one decimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ratio of one sample.

    Attributes
    ----------
    subject, visit, ratio, sample : str
        Whose, when, what, and from which sample ("" where the table does not say).
    failed : bool
        The sample failed: then it has no numbers.
    percent : float or None
        100 times numerator over denominator; None where missing.
    k, n : int or None
        Events in numerator and denominator; None where the table does not say.
    nested : bool
        The numerator is part of the denominator: `percent` cannot be over 100.
    numerator, denominator : str
        Populations ("" where the table does not say).
    flags : tuple of str
        Codes that came with the row, and a status other than ok.
    """

    subject: str
    visit: str
    ratio: str
    sample: str
    failed: bool
    percent: float | None
    k: int | None
    n: int | None
    nested: bool
    numerator: str
    denominator: str
    flags: tuple[str, ...]

    def __str__(self) -> str:
        """Return subject, visit and sample, as error messages list them."""
        return f"{self.subject} {self.visit}" + (f" (sample {self.sample})" if self.sample else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A table, read and checked.

    Attributes
    ----------
    chosen : mapping of (subject, visit, ratio) to Record
        For the ratios of the endpoints.
    read : tuple of Record
        Every row that could be read, of every ratio, at the visits of the design.
    subjects : tuple of str
        Every subject of the table, sorted.
    notes : tuple of str
        Rows that were left out, and why.
    """

    chosen: Mapping[tuple[str, str, str], Record]
    read: tuple[Record, ...]
    subjects: tuple[str, ...]
    notes: tuple[str, ...]


def read_records(table: pd.DataFrame, design: Design, *, file: str = "") -> Records:
    """Read `table` for the endpoints of `design`.

    Parameters
    ----------
    table : DataFrame
        As frequencies.csv: `REQUIRED` and, where known, sample, status, numerator, denominator, k, n, method, flags.
        The order of rows and further columns do not matter.
    design : Design
        Which visits and ratios are wanted.
    file : str
        Name of the table in messages.

    Raises
    ------
    EndpointError
        A column, ratio or visit is not there; a value cannot be; several records for one subject, visit and ratio.
    """
    rows = _rows(table, file)
    _require(design, rows, file)
    placed = [row for row in rows if _text(row["subject"]) and _text(row["visit"]) in design.visits]
    wanted = {endpoint.ratio for endpoint in design.endpoints}
    read: list[Record] = []
    faults: list[str] = []
    for row in placed:
        record, fault = _record(row)
        if not fault:
            read.append(record)
        elif record.ratio in wanted:
            faults.append(f"{record.ratio} of {record}: {fault}")
    _refuse_values(faults, file)
    return Records(
        chosen=_one_each(read, wanted, file),
        read=tuple(sorted(read, key=lambda record: (record.ratio, record.subject, record.visit, record.sample))),
        subjects=tuple(sorted({_text(row["subject"]) for row in rows} - {""})),
        notes=_left_out(rows, design),
    )


def _rows(table: pd.DataFrame, file: str) -> list[dict[str, Any]]:
    absent = [column for column in REQUIRED if column not in table.columns]
    if absent:
        raise EndpointError(
            f"no column {', '.join(absent)}",
            code="E_ENDPOINT_COLUMNS",
            file=file,
            expected=f"columns {', '.join(REQUIRED)}",
            available=[str(column) for column in table.columns],
            remedy="one row per sample and ratio, as in frequencies.csv",
        )
    # None for every kind of missing cell (NaN, NA, NaT), so that one test is enough further down.
    cells = table.astype(object).where(table.notna(), None)
    return [{str(key): cell for key, cell in row.items()} for row in cells.to_dict("records")]


def _require(design: Design, rows: Sequence[Mapping[str, Any]], file: str) -> None:
    if not design.endpoints:
        return
    ratios = sorted({_text(row["name"]) for row in rows} - {""})
    visits = sorted({_text(row["visit"]) for row in rows} - {""})
    for endpoint in design.endpoints:
        if endpoint.ratio not in ratios:
            raise _absent("ratio", "RATIO", endpoint.ratio, ratios, where=endpoint.name, file=file)
        if endpoint.visit not in visits:
            raise _absent("visit", "VISIT", endpoint.visit, visits, where=endpoint.name, file=file)
    if design.baseline not in visits:
        raise _absent("visit", "VISIT", design.baseline, visits, where="baseline", file=file)


def _absent(kind: str, code: str, name: str, known: Sequence[str], *, where: str, file: str) -> EndpointError:
    return EndpointError(
        f"{kind} {name!r} is not in the table{suggest(name, known)}",
        code=f"E_ENDPOINT_{code}",
        file=file,
        population=where,
        available=known or ("none",),
        remedy=f"name a {kind} of the table, or run the samples that have it",
    )


def _record(row: Mapping[str, Any]) -> tuple[Record, str]:
    """Return the record of `row`, and what is wrong with its numbers ("" if nothing)."""
    status = _text(row.get("status")).casefold()
    failed = status == "failed"
    numbers, fault = _numbers(row) if not failed else (dict.fromkeys(("percent", "k", "n")), "")
    k, n = (None if numbers[key] is None else int(numbers[key] or 0) for key in ("k", "n"))
    flags = {flag for flag in re.split(r"[;,|\s]+", _text(row.get("flags"))) if flag}
    record = Record(
        subject=_text(row["subject"]),
        visit=_text(row["visit"]),
        ratio=_text(row["name"]),
        sample=_text(row.get("sample")),
        failed=failed,
        percent=numbers["percent"],
        k=k,
        n=n,
        nested=re.sub(r"[_\s]", "-", _text(row.get("method")).casefold()) != LOG_DELTA,
        numerator=_text(row.get("numerator")),
        denominator=_text(row.get("denominator")),
        flags=tuple(sorted(flags | {status} - {"", "ok", "failed"})),
    )
    return record, fault or _impossible(record)


def _numbers(row: Mapping[str, Any]) -> tuple[dict[str, float | None], str]:
    numbers: dict[str, float | None] = dict.fromkeys(("percent", "k", "n"))
    for key in numbers:
        cell = row.get(key)
        if cell is None or _text(cell) == "":
            continue
        try:
            value = float(cell)
        except (TypeError, ValueError):
            return dict.fromkeys(numbers), f"{key} {cell!r} is no number"
        if not math.isfinite(value) or (key != "percent" and value != int(value)):
            return dict.fromkeys(numbers), f"{key} {value} is no {'count' if key != 'percent' else 'percentage'}"
        numbers[key] = value
    return numbers, ""


def _impossible(record: Record) -> str:
    percent, k, n = record.percent, record.k, record.n
    if (k is not None and k < 0) or (n is not None and n < 0):
        return f"k {k}, n {n} is below 0"
    if percent is not None and percent < 0:
        return f"{percent:g} % is below 0"
    if record.nested and k is not None and n is not None and k > n:
        return f"{k} of {n} events is over 100 %"
    if record.nested and percent is not None and percent > 100:
        return f"{percent:g} % is over 100"
    if percent is None or k is None or n is None:
        return ""
    if n == 0:
        return f"{percent:g} % of 0 events"
    return "" if abs(percent - 100 * k / n) <= ROUNDING + 1e-9 else f"{percent:g} % is not {k} of {n}"


def _refuse_values(faults: Sequence[str], file: str) -> None:
    if faults:
        raise EndpointError(
            f"{len(faults)} value{'s' if len(faults) > 1 else ''} cannot be",
            code="E_ENDPOINT_VALUE",
            file=file,
            expected="percent = 100 k/n, from 0 to 100 where the numerator is part of the denominator",
            available=sorted(faults),
            remedy=f"correct the table; set method to {LOG_DELTA} for a numerator that is not part of its denominator",
        )


def _one_each(records: Iterable[Record], ratios: Iterable[str], file: str) -> dict[tuple[str, str, str], Record]:
    """Return the one record of each subject, visit and ratio; a failed sample without ratios counts for all of them."""
    wanted = sorted(ratios)
    groups: defaultdict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        for ratio in wanted:
            if record.ratio == ratio or (record.failed and not record.ratio):
                groups[record.subject, record.visit, ratio].append(record)
    several = sorted(
        f"{ratio} of {subject} {visit}: samples {', '.join(sorted(record.sample or '?' for record in group))}"
        for (subject, visit, ratio), group in groups.items()
        if len(group) > 1
    )
    if several:
        raise EndpointError(
            "more than one record for a subject and visit",
            code="E_ENDPOINT_DUPLICATE",
            file=file,
            expected="one record per subject, visit and ratio",
            available=several,
            remedy="decide which sample counts, and take the others out or give them another visit in the sample sheet",
        )
    return {key: group[0] for key, group in groups.items()}


def _left_out(rows: Sequence[Mapping[str, Any]], design: Design) -> tuple[str, ...]:
    nameless = sorted({_text(row.get("sample")) or "?" for row in rows if not _text(row["subject"])})
    elsewhere: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if _text(row["subject"]) and _text(row["visit"]) not in design.visits:
            elsewhere[_text(row["visit"]) or "no visit"].add(_text(row["subject"]))
    notes = []
    if nameless:
        notes.append(f"left out, since the table names no subject: samples {', '.join(nameless)}")
    if elsewhere:
        listed = "; ".join(f"{visit}: {', '.join(sorted(subjects))}" for visit, subjects in sorted(elsewhere.items()))
        notes.append(f"left out, since the visit is none of {', '.join(design.visits)}: {listed}")
    return tuple(notes)


def _text(cell: object) -> str:
    """Return a cell as text: nothing for a missing one, 8 for the 8.0 that pandas makes of a column with gaps."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
