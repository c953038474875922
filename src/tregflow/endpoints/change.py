"""How much a subject's ratio changed from the baseline, how sure counting alone lets that be, or why it is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.few_events import classify

if TYPE_CHECKING:
    from tregflow.endpoints.spec import Design, Endpoint
    from tregflow.endpoints.visits import Record, Records
    from tregflow.few_events import FewEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One subject and endpoint: a row of the subjects table.

    Attributes
    ----------
    subject, endpoint, ratio, visit : str
        Whose change, of what, at which visit.
    baseline_percent, percent : float or None
        The ratio at the baseline and at the visit, in percent.
    baseline_k, baseline_n, k, n : int or None
        Their numerators and denominators, in events.
    fold : float or None
        ``percent / baseline_percent``.
    log_ratio : float or None
        Natural logarithm of the fold; missing for a fold of 0.
    difference : float or None
        ``percent - baseline_percent``, in percentage points.
    se_log_counting : float or None
        Standard error of `log_ratio` from counting alone; see `counting_error`.
    flags : str
        Codes of both records, each with its visit: ``D0:few-events;D8:not-detected``.
    reason : str
        Why the fold or the log ratio is missing; empty otherwise.
    """

    subject: str
    endpoint: str
    ratio: str
    visit: str
    baseline_percent: float | None
    baseline_k: int | None
    baseline_n: int | None
    percent: float | None
    k: int | None
    n: int | None
    fold: float | None
    log_ratio: float | None
    difference: float | None
    se_log_counting: float | None
    flags: str
    reason: str


def changes(endpoint: Endpoint, records: Records, design: Design) -> tuple[Change, ...]:
    """Return the change of every subject of the table, in the order of their names."""
    return tuple(
        change(
            endpoint,
            subject,
            records.chosen.get((subject, design.baseline, endpoint.ratio)),
            records.chosen.get((subject, endpoint.visit, endpoint.ratio)),
            design=design,
        )
        for subject in records.subjects
    )


def change(endpoint: Endpoint, subject: str, before: Record | None, after: Record | None, *, design: Design) -> Change:
    """Return the change of `subject` from the baseline record `before` to the record `after`; None: no such record."""
    p0, p1 = (None if record is None else record.percent for record in (before, after))
    reasons = [text for text in (_no_baseline(before, design), _absence(after, endpoint.visit)) if text]
    fold = None if reasons or p0 is None or p1 is None else p1 / p0
    if fold == 0:
        reasons.append(f"{endpoint.visit}: a count of 0 has no logarithm: fold 0, no log ratio")
    return Change(
        subject=subject,
        endpoint=endpoint.name,
        ratio=endpoint.ratio,
        visit=endpoint.visit,
        baseline_percent=p0,
        baseline_k=None if before is None else before.k,
        baseline_n=None if before is None else before.n,
        percent=p1,
        k=None if after is None else after.k,
        n=None if after is None else after.n,
        fold=fold,
        log_ratio=math.log(fold) if fold else None,
        difference=None if p0 is None or p1 is None else p1 - p0,
        se_log_counting=_counting(before, after) if fold else None,
        flags=";".join(_flags(before, design.few_events) + _flags(after, design.few_events)),
        reason="; ".join(reasons),
    )


def counting_error(a: int, a_of: int, b: int, b_of: int) -> float:
    """Return the standard error of the log fold from `a` of `a_of` to `b` of `b_of` events, from counting alone.

    ``sqrt(1/a - 1/A + 1/b - 1/B)``: the delta method on two binomial proportions. Gate placement adds to it, and often
    more. All four counts are above 0, and each numerator is part of its denominator.

    Examples
    --------
    >>> f"{counting_error(50, 1000, 90, 1000):.5f}"
    '0.17062'
    """
    return math.sqrt(1 / a - 1 / a_of + 1 / b - 1 / b_of)


def _counting(before: Record | None, after: Record | None) -> float | None:
    if before is None or after is None or not (before.nested and after.nested):
        return None  # the events that two counts share are not in the table
    counts = (before.k, before.n, after.k, after.n)
    known = [count for count in counts if count]
    return counting_error(*known) if len(known) == len(counts) else None


def _absence(record: Record | None, visit: str) -> str:
    """Say why a record gives no value, or nothing."""
    if record is None:
        return f"no {visit} record"
    if record.failed:
        return f"{visit}: sample {record.sample} failed" if record.sample else f"{visit}: the sample failed"
    if record.percent is not None:
        return ""
    if record.n == 0:
        return f"{visit}: no event in the denominator{' ' if record.denominator else ''}{record.denominator}"
    return f"{visit}: no value" + (f" ({', '.join(record.flags)})" if record.flags else "")


def _no_baseline(record: Record | None, design: Design) -> str:
    """Say why a record is no baseline, or nothing: a ratio to next to nothing is a large number without meaning."""
    absence = _absence(record, design.baseline)
    if absence or record is None:
        return absence
    needed = design.few_events.not_quantifiable
    if record.k is not None and record.k < needed:
        return f"{design.baseline}: {record.k} events, fewer than the {needed} that a baseline needs"
    return f"{design.baseline}: a baseline of 0 % gives no fold" if record.percent == 0 else ""


def _flags(record: Record | None, limits: FewEvents) -> list[str]:
    """Return the codes of a record with its visit; the class of its count is judged here, whatever the table says."""
    if record is None or record.failed:
        return []
    own = "counts-unknown" if record.k is None else classify(record.k, limits)
    codes = set(record.flags) | ({own} - {""} if record.percent is not None else set())
    return [f"{record.visit}:{code}" for code in sorted(codes)]
