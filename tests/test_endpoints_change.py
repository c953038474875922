"""One subject's change: what it is, how sure counting lets it be, why it is missing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tregflow.endpoints import Design, Endpoint, FewEvents
from tregflow.endpoints.change import Change, change, counting_error
from tregflow.endpoints.visits import Record

ENDPOINT = Endpoint(name="primary", ratio="Treg_of_CD4", visit="D8")
DESIGN = Design(baseline="D0", visits=("D0", "D8"), endpoints=(ENDPOINT,))


def record(visit: str, k: int | None, n: int | None = 10_000, *, percent: float | None = None) -> Record:
    if percent is None and k is not None and n:
        percent = 100 * k / n
    return Record(
        subject="P01",
        visit=visit,
        ratio="Treg_of_CD4",
        sample=f"P01_{visit}",
        failed=False,
        percent=percent,
        k=k,
        n=n,
        nested=True,
        numerator="Treg",
        denominator="CD4+",
        flags=(),
    )


def of(before: Record | None, after: Record | None, *, design: Design = DESIGN) -> Change:
    return change(ENDPOINT, "P01", before, after, design=design)


def test_a_change() -> None:
    found = of(record("D0", 500), record("D8", 900))
    assert (found.baseline_percent, found.baseline_k, found.baseline_n) == (5.0, 500, 10_000)
    assert (found.percent, found.k, found.n) == (9.0, 900, 10_000)
    assert (found.fold, found.log_ratio, found.difference) == (1.8, math.log(1.8), 4.0)
    assert (found.flags, found.reason) == ("", "")
    assert (found.subject, found.endpoint, found.ratio, found.visit) == ("P01", "primary", "Treg_of_CD4", "D8")


@pytest.mark.parametrize(
    ("a", "b", "n", "low", "high"), [(50, 90, 1000, "1.288", "2.515"), (500, 900, 10_000, "1.619", "2.001")]
)
def test_counting_error_of_a_fold(a: int, b: int, n: int, low: str, high: str) -> None:
    found = of(record("D0", a, n), record("D8", b, n))
    assert found.fold is not None
    assert found.se_log_counting == counting_error(a, n, b, n)
    half = 1.959963984540054 * found.se_log_counting
    assert (f"{found.fold * math.exp(-half):.3f}", f"{found.fold * math.exp(half):.3f}") == (low, high)


def test_no_counting_error_without_counts_or_for_ratios_that_are_not_nested() -> None:
    assert of(record("D0", None, None, percent=5.0), record("D8", 900)).se_log_counting is None
    outside = replace(record("D8", 900), nested=False)
    assert of(record("D0", 500), outside).se_log_counting is None


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (None, record("D8", 900), "no D0 record"),
        (record("D0", 500), None, "no D8 record"),
        (None, None, "no D0 record; no D8 record"),
        (record("D0", 49), record("D8", 900), "D0: 49 events, fewer than the 50 that a baseline needs"),
        (record("D0", 0), record("D8", 900), "D0: 0 events, fewer than the 50 that a baseline needs"),
        (
            record("D0", None, None, percent=0.0),
            record("D8", 900),
            "D0: a baseline of 0 % gives no fold",
        ),
        (record("D0", 0, 0), record("D8", 900), "D0: no event in the denominator CD4+"),
        (record("D0", 500), record("D8", None, 0), "D8: no event in the denominator CD4+"),
        (record("D0", 500), record("D8", None), "D8: no value"),
        (
            record("D0", 500),
            replace(record("D8", None), flags=("missing", "no-cd45ra")),
            "D8: no value (missing, no-cd45ra)",
        ),
        (
            record("D0", 500),
            replace(record("D8", None, None), failed=True),
            "D8: sample P01_D8 failed",
        ),
        (
            replace(record("D0", None, None), failed=True, sample=""),
            record("D8", 900),
            "D0: the sample failed",
        ),
    ],
)
def test_a_missing_fold_has_its_reason(before: Record | None, after: Record | None, reason: str) -> None:
    found = of(before, after)
    assert (found.fold, found.log_ratio, found.se_log_counting) == (None, None, None)
    assert found.reason == reason


def test_a_count_of_zero_at_the_visit_is_a_fold_of_zero_without_logarithm() -> None:
    found = of(record("D0", 500), record("D8", 0))
    assert (found.fold, found.log_ratio, found.difference, found.se_log_counting) == (0.0, None, -5.0, None)
    assert found.reason == "D8: a count of 0 has no logarithm: fold 0, no log ratio"
    assert found.flags == "D8:not-detected"


@pytest.mark.parametrize(
    ("k", "flag"), [(19, "D8:not-detected"), (20, "D8:not-quantifiable"), (50, "D8:few-events"), (100, "")]
)
def test_few_events_at_the_visit_keep_the_value_flagged(k: int, flag: str) -> None:
    found = of(record("D0", 500), record("D8", k))
    assert found.fold == (k / 100) / 5.0
    assert (found.flags, found.reason) == (flag, "")


def test_the_limit_of_a_baseline_is_a_setting() -> None:
    design = replace(DESIGN, few_events=FewEvents(not_quantifiable=30))
    assert of(record("D0", 30), record("D8", 60), design=design).fold == 2.0
    assert of(record("D0", 50), record("D8", 90)).flags == "D0:few-events;D8:few-events"


def test_flags_of_both_records_go_along_once() -> None:
    before = replace(record("D0", 60), flags=("few-events", "gate-moved"))
    found = of(before, record("D8", None, None, percent=9.0))
    assert found.flags == "D0:few-events;D0:gate-moved;D8:counts-unknown"
