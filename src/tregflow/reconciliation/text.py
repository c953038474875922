"""A reconciliation as lines for a terminal, and as a section of a report."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from tregflow.fcs.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tregflow.reconciliation import Reconciled, Reconciliation

_HEADS = ("population", "FlowJo", "exact", "grid", "difference", "verdict", "why")
_NUMBERS = slice(1, 5)


def lines(done: Reconciliation) -> list[str]:
    """Return a table per sample, and the summary as the last line; a sample without file is one line."""
    found = [f"{printable(done.workspace)}"]
    for sample, group in groupby(done.rows, key=lambda row: row.sample):
        rows = list(group)
        found.append("")
        if all(row.verdict in ("no file", "failed") for row in rows):
            found.append(f"{printable(sample)}: {rows[0].verdict} ({printable(rows[0].why)}), {_populations(rows)}")
            continue
        found.append(printable(sample))
        found += _table([_HEADS, *map(_cells, rows)])
    if done.beyond:
        found += ["", *_beyond(done)]
    return [*found, "", done.summary]


def _populations(rows: Sequence[Reconciled]) -> str:
    return "1 population" if len(rows) == 1 else f"{len(rows)} populations"


def _beyond(done: Reconciliation) -> Iterator[str]:
    limit = f" by more than {done.tolerance}" if done.tolerance else ""
    yield f"{len(done.beyond)} of {len(done.compared)} compared populations disagree{limit}"


def _cells(row: Reconciled) -> tuple[str, ...]:
    numbers = (row.flowjo, row.exact, row.grid, row.difference)
    texts = ("" if number is None else str(number) for number in numbers)
    return (printable("  " * (len(row.path) - 1) + row.path[-1]), *texts, row.verdict, printable(row.why))


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    right = range(*_NUMBERS.indices(len(_HEADS)))
    for row in rows:
        cells = [
            text.rjust(width) if place in right else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def section(done: Reconciliation) -> str:
    """Return the section of a report, in HTML: the summary, then a table per sample, what differs marked by a class."""
    parts = [f"<h2>Reconciliation with {escape(done.workspace)}</h2>", f"<p>{escape(done.summary)}</p>"]
    for sample, group in groupby(done.rows, key=lambda row: row.sample):
        rows = list(group)
        if all(row.verdict in ("no file", "failed") for row in rows):
            text = f"{sample}: {rows[0].verdict} ({rows[0].why}), {_populations(rows)}"
            parts.append(f"<p>{escape(text)}</p>")
            continue
        heads = "".join(f"<th>{escape(head)}</th>" for head in _HEADS)
        body = "".join(map(_row, rows))
        parts.append(f"<h3>{escape(sample)}</h3><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>")
    return f'<section class="reconciliation">{"".join(parts)}</section>'


def _row(row: Reconciled) -> str:
    numbers = (row.flowjo, row.exact, row.grid, row.difference)
    texts = [row.population, *("" if each is None else str(each) for each in numbers), row.verdict, row.why]
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f'<tr class="{row.verdict.replace(" ", "-")}">{cells}</tr>'
