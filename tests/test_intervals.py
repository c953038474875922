"""Wilson and log-delta intervals: the worked numbers, the ends, what they promise, what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.errors import EndpointError
from tregflow.intervals import log_delta, wilson


@pytest.mark.parametrize(
    ("k", "low", "high"),
    [(0, "0.0000", "0.0192"), (20, "0.0647", "0.1544"), (50, "0.1897", "0.3294"), (1000, "4.7065", "5.3108")],
)
def test_wilson_of_20000_in_percent(k: int, low: str, high: str) -> None:
    interval = wilson(k, 20_000)
    assert (f"{100 * interval.low:.4f}", f"{100 * interval.high:.4f}") == (low, high)


def test_wilson_of_six_responders_in_nine() -> None:
    low, high = wilson(6, 9)
    assert (f"{low:.6f}", f"{high:.6f}") == ("0.354202", "0.879416")


def test_wilson_ends_are_exact() -> None:
    assert wilson(0, 7).low == 0.0
    assert wilson(7, 7).high == 1.0
    assert all(map(math.isnan, wilson(0, 0)))


@given(st.integers(1, 10**6), st.data())
def test_wilson_solves_the_score_equation(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n, level=0.9)
    assert 0.0 <= low <= k / n <= high <= 1.0
    # The limits are the p0 at which the score statistic |k/n - p0| / sqrt(p0 (1 - p0) / n) is z.
    for limit in (low, high):
        if 0 < limit < 1:
            score = abs(k / n - limit) / math.sqrt(limit * (1 - limit) / n)
            assert score == pytest.approx(1.6448536269514722, rel=1e-6)


def test_wilson_agrees_with_scipy() -> None:
    from scipy.stats import binomtest

    for k, n in ((0, 5), (3, 11), (250, 10_000), (11, 11)):
        theirs = binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_log_delta_of_a_nested_ratio_is_binomial() -> None:
    low, high = log_delta(50, 1000, 50)
    half = 1.959963984540054 * math.sqrt(1 / 50 - 1 / 1000)
    assert (low, high) == pytest.approx((0.05 * math.exp(-half), 0.05 * math.exp(half)), rel=1e-12)


def test_log_delta_of_disjoint_counts_adds_both_errors() -> None:
    low, high = log_delta(400, 100, 0, level=0.9)
    assert math.log(high / low) == pytest.approx(2 * 1.6448536269514722 * math.sqrt(1 / 400 + 1 / 100), rel=1e-12)
    assert math.sqrt(low * high) == pytest.approx(4.0, rel=1e-12)


def test_log_delta_of_the_same_events_is_certain() -> None:
    assert log_delta(7, 7, 7) == (1.0, 1.0)


def test_log_delta_variance_is_what_counts_scatter_by() -> None:
    # Three disjoint Poisson counts: numerator only, both, denominator only.
    generator = np.random.default_rng(20)
    only_k, both, only_n = (generator.poisson(mean, 40_000) for mean in (300, 500, 700))
    scatter = np.log((only_k + both) / (only_n + both)).std()
    low, high = log_delta(800, 1200, 500)
    assert math.log(high / low) / (2 * 1.959963984540054) == pytest.approx(scatter, rel=0.02)  # 0.35 % is one SE


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 0), (0, 0)])
def test_log_delta_of_a_zero_count_is_missing(k: int, n: int) -> None:
    assert all(map(math.isnan, log_delta(k, n, 0)))


@pytest.mark.parametrize(("k", "n"), [(-1, 10), (11, 10)])
def test_wilson_refuses_what_is_no_proportion(k: int, n: int) -> None:
    with pytest.raises(EndpointError) as caught:
        wilson(k, n)
    assert str(caught.value) == f"{k} of {n} is no proportion\n  expected   0 <= k <= n; otherwise log_delta"


@pytest.mark.parametrize(("k", "n", "overlap"), [(5, 9, 6), (9, 5, 6), (5, 5, -1), (-2, 5, 0)])
def test_log_delta_refuses_counts_that_cannot_share(k: int, n: int, overlap: int) -> None:
    with pytest.raises(EndpointError) as caught:
        log_delta(k, n, overlap)
    assert str(caught.value) == (
        f"{overlap} events cannot be shared by {k} and {n}\n  expected   0 <= overlap <= k and n"
    )


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_a_level_must_be_a_coverage(level: float) -> None:
    for interval in (lambda: wilson(1, 2, level=level), lambda: log_delta(1, 2, 1, level=level)):
        with pytest.raises(EndpointError) as caught:
            interval()
        assert str(caught.value) == (
            f"level {level} is no coverage\n  expected   a fraction above 0 and below 1, such as 0.95"
        )
