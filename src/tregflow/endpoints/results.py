"""Results as tables, as text for a shell, as HTML for a notebook; numbers are rounded in the texts only."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from tregflow.endpoints.change import Change
from tregflow.endpoints.inference import Statistic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from tregflow.endpoints.spec import Design, Endpoint

_SUBJECT_COLUMNS = tuple(field.name for field in fields(Change))
_STATISTIC_COLUMNS = tuple(field.name for field in fields(Statistic) if field.name != "note")
_COUNTS = ("baseline_k", "baseline_n", "k", "n", "df", "sides")
_TEXTS = ("subject", "endpoint", "ratio", "visit", "claim", "statistic", "method", "scale", "flags", "reason", "note")


_STARRED = "the test that the study names, t_log where it names none"


class Row(NamedTuple):
    """One statistic of one endpoint, whether it is the one that the study names, and who is left out of it."""

    endpoint: Endpoint
    statistic: Statistic
    primary: bool
    left_out: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EndpointResults:
    """The endpoints of a trial.

    Attributes
    ----------
    design : Design
        What was asked.
    subjects : DataFrame
        One row per endpoint and subject: the fields of `tregflow.endpoints.change.Change`.
    table : DataFrame
        One row per endpoint and statistic, which becomes endpoints.csv: endpoint, ratio, visit, claim; the fields of
        `tregflow.endpoints.inference.Statistic`; `primary`, the test that the study names; note.
    notes : tuple of str
        What holds for the table as a whole: rows left out, ratios that mirror each other.
    """

    design: Design
    subjects: pd.DataFrame
    table: pd.DataFrame
    notes: tuple[str, ...]
    _rows: tuple[Row, ...]
    _changes: tuple[Change, ...]

    @classmethod
    def build(
        cls, design: Design, changes: Sequence[Change], rows: Sequence[Row], *, notes: Iterable[str] = ()
    ) -> EndpointResults:
        """Make the tables."""
        return cls(
            design,
            _frame([asdict(change) for change in changes], _SUBJECT_COLUMNS),
            _frame(
                [_flat(row) for row in rows],
                ("endpoint", "ratio", "visit", "claim", *_STATISTIC_COLUMNS, "primary", "note"),
            ),
            tuple(notes),
            tuple(rows),
            tuple(changes),
        )

    def marked(self, mark: str) -> EndpointResults:
        """Return the results with `mark` in the note of every statistic, and first among the notes."""
        rows = [
            row._replace(statistic=replace(row.statistic, note="; ".join(filter(None, (mark, row.statistic.note)))))
            for row in self._rows
        ]
        return self.build(self.design, self._changes, rows, notes=(mark, *self.notes))

    def summary_lines(self) -> list[str]:
        """Return the results as plain text, endpoint by endpoint; ``*`` marks the test that the study names."""
        lines: list[str] = []
        for endpoint in self.design.endpoints:
            rows = [row for row in self._rows if row.endpoint == endpoint]
            changes = [change for change in self._changes if change.endpoint == endpoint.name]
            with_fold = sum(change.fold is not None for change in changes)
            lines += [
                f"{endpoint.name}: {endpoint.ratio}, {endpoint.visit} against {self.design.baseline}, "
                f"claim {endpoint.claim}: n = {with_fold} of {len(changes)} subjects",
                *(f"  {'*' if row.primary else ' '} {_sentence(row.statistic, with_fold)}" for row in rows),
                *(f"    {text}" for text in map(_remark, changes) if text),
            ]
        lines += [f"note: {note}" for note in self.notes]
        return [*lines, f"* {_STARRED}; all p values two-sided unless said otherwise"] if lines else []

    def __str__(self) -> str:
        """Return `summary_lines` as one text."""
        return "\n".join(self.summary_lines())

    def __repr__(self) -> str:
        """Return one line: what it is and how large."""
        subjects = {change.subject for change in self._changes}
        return f"<EndpointResults: {len(self.design.endpoints)} endpoints, {len(subjects)} subjects>"

    def _repr_html_(self) -> str:
        """Return the statistics as an HTML table, the declared tests in bold, with subjects' remarks and notes."""
        head = ("endpoint", "ratio", "visit", "n", "result")
        body = "".join(_html_row(row) for row in self._rows)
        remarks = [f"{change.endpoint}: {text}" for change in self._changes if (text := _remark(change))]
        items = "".join(f"<li>{escape(text)}</li>" for text in (*remarks, *self.notes))
        titles = "".join(f"<th>{name}</th>" for name in head)
        return (
            f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>Bold: {_STARRED}. Baseline: {escape(self.design.baseline)}.</p>"
            f"{f'<ul>{items}</ul>' if items else ''}"
        )


def _flat(row: Row) -> dict[str, object]:
    endpoint = row.endpoint
    names = {"endpoint": endpoint.name, "ratio": endpoint.ratio, "visit": endpoint.visit, "claim": endpoint.claim}
    note = "; ".join(filter(None, (row.statistic.note, row.left_out)))
    return {**names, **asdict(row.statistic), "primary": row.primary, "note": note}


def _frame(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    kinds = dict.fromkeys(_TEXTS, "object") | dict.fromkeys(_COUNTS, "Int64") | {"primary": "bool"}
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({column: kinds.get(column, "float64") for column in columns})


def _sentence(result: Statistic, n: int | None = None) -> str:
    """Return a statistic as a statistician writes it, with its own n where that is not `n`."""
    parts = {"t_fold": _t_text, "t_log": _t_text, "tost": _tost_text, "wilcoxon": _rank_text}[result.method](result)
    own = "" if n in (None, result.n) else f"; n = {result.n}"
    return f"{result.statistic}{parts}{own}" + (f" [{result.note}]" if result.note else "")


def _t_text(result: Statistic) -> str:
    spread = f" ± {_number(result.sd)}" if result.method == "t_fold" else f" (SD of logs {_number(result.sd)})"
    null = "1" if result.method == "t_fold" else "a ratio of 1"
    return f" {_number(result.estimate)}{spread}{_interval(result)}; t against {null} {_t_p(result)}"


def _tost_text(result: Statistic) -> str:
    return f" {_number(result.estimate)}{_interval(result)}; TOST, the larger of two one-sided p: t {_t_p(result)}"


def _rank_text(result: Statistic) -> str:
    if math.isnan(result.p):
        return ", Wilcoxon: missing"
    return f", Wilcoxon exact: p = {_p(result.p)}, smallest attainable {_p(result.p_floor)}"


def _t_p(result: Statistic) -> str:
    if math.isnan(result.p):
        return "missing"
    return f"= {result.t:.3f}, df {result.df:.0f}, p = {_p(result.p)}"


def _interval(result: Statistic) -> str:
    if math.isnan(result.low):
        return ""
    return f", {100 * result.level:.0f} % CI {_number(result.low)} to {_number(result.high)}"


def _number(value: float) -> str:
    return "missing" if math.isnan(value) else f"{value:.3f}"


def _p(value: float) -> str:
    return f"{value:.4g}"


def _remark(change: Change) -> str:
    """Return what a reader must know of one subject, or nothing."""
    known = "; ".join(filter(None, (change.reason, change.flags.replace(";", ", "))))
    return f"{change.subject}: {known}" if known else ""


def _html_row(row: Row) -> str:
    endpoint = row.endpoint
    cells = (endpoint.name, endpoint.ratio, endpoint.visit, str(row.statistic.n), _sentence(row.statistic))
    style = ' style="font-weight: bold"' if row.primary else ""
    return f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
