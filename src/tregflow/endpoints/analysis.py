"""From a tidy table and a design to the results: every statistic of each endpoint, and which one was declared."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tregflow.endpoints.change import changes
from tregflow.endpoints.complement import refuse_complements
from tregflow.endpoints.inference import Statistic, t_fold, t_log, tost, verdict, wilcoxon
from tregflow.endpoints.results import EndpointResults, Row
from tregflow.endpoints.visits import read_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from tregflow.endpoints.change import Change
    from tregflow.endpoints.spec import Design, Endpoint


def analyse(table: pd.DataFrame, design: Design, *, file: str = "") -> EndpointResults:
    """Compute the endpoints of `design` from a table of frequencies, ours or anybody's.

    Parameters
    ----------
    table : DataFrame
        Tidy, one row per sample and ratio: subject, visit, name and percent; and, where known, sample, status,
        numerator, denominator, k, n, method and flags, as in frequencies.csv. A ``status`` of ``failed`` is a sample
        without numbers. Neither the order of rows nor further columns matter.
    design : Design
        Baseline, visits, endpoints, limits on counts.
    file : str
        Name of the table in messages.

    Returns
    -------
    EndpointResults
        Changes per subject, statistics per endpoint, notes.

    Raises
    ------
    EndpointError
        The table does not hold what the design asks for, contradicts itself, or an endpoint is the complement of
        another.
    """
    records = read_records(table, design, file=file)
    notes = records.notes + refuse_complements(design.endpoints, records.read, file=file)
    subjects: list[Change] = []
    rows: list[Row] = []
    for endpoint in design.endpoints:
        found = changes(endpoint, records, design)
        subjects += found
        rows += statistics(endpoint, found)
    return EndpointResults.build(design, subjects, rows, notes=notes)


def statistics(endpoint: Endpoint, found: Sequence[Change]) -> tuple[Row, ...]:
    """Return every statistic of `endpoint` over the subjects' changes, each with who is left out of it, and why."""
    folds = [change.fold for change in found if change.fold is not None]
    logs = [change.log_ratio for change in found if change.log_ratio is not None]
    # A fold of 0 has no logarithm, yet its rank is plain: the largest fall of all.
    ranked = [math.log(fold) if fold else -math.inf for fold in folds]
    declared = "tost" if endpoint.claim == "unchanged" else endpoint.test
    computed = [t_fold(folds), t_log(logs), wilcoxon(ranked)]
    if endpoint.claim == "unchanged":
        computed.append(_equivalence(endpoint, logs, found))
    return tuple(
        Row(endpoint, statistic, statistic.method == declared, _left_out(statistic, found)) for statistic in computed
    )


def _equivalence(endpoint: Endpoint, logs: Sequence[float], found: Sequence[Change]) -> Statistic:
    """Return TOST; none where a subject fell to 0: leaving it out could "show" that nothing changed."""
    gone = [change.subject for change in found if change.fold == 0]
    if not gone:
        return tost(logs, margin=endpoint.margin)
    text = f"{verdict(endpoint.margin, shown=False)}; outside any margin: {', '.join(gone)} fell to 0"
    return replace(tost((), margin=endpoint.margin), n=len(logs) + len(gone), note=text)


def _left_out(statistic: Statistic, found: Sequence[Change]) -> str:
    used = "log_ratio" if statistic.method == "t_log" else "fold"
    absent = [f"{change.subject} ({change.reason})" for change in found if getattr(change, used) is None]
    return f"left out: {', '.join(absent)}" if absent else ""
