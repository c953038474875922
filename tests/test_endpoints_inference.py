"""The worked numbers of the statistics, their edges, and their error rates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tregflow.endpoints.inference import midranks, signed_rank_p, t_fold, t_log, tost, verdict, wilcoxon

FOLDS = [1.1, 1.4, 1.4, 1.5, 1.8, 1.9, 2.1, 2.3, 2.7]
STABLE = [0.95, 1.02, 1.10, 0.98, 1.05, 0.93, 1.01, 1.08, 0.97]
MARGIN = (0.80, 1.25)


def logs(folds: list[float]) -> np.ndarray:
    return np.array([math.log(fold) for fold in folds])


# ------------------------------------------------------------------------------------------------ worked numbers


def test_t_on_the_fold() -> None:
    result = t_fold(FOLDS)
    assert (f"{result.estimate:.6f}", f"{result.sd:.6f}") == ("1.800000", "0.507445")
    assert (f"{result.t:.6f}", f"{result.p:.8f}", result.df) == ("4.729581", "0.00148373", 8)
    assert (f"{result.low:.6f}", f"{result.high:.6f}", result.level) == ("1.409944", "2.190056", 0.95)
    assert (result.n, result.sides, result.scale, result.note) == (9, 2, "fold", "")


def test_t_on_the_log_fold() -> None:
    result = t_log(logs(FOLDS))
    assert f"{result.estimate:.6f}" == "1.737391"
    assert (f"{result.t:.6f}", f"{result.p:.9f}", result.df) == ("5.849856", "0.000382840", 8)
    assert (f"{result.low:.6f}", f"{result.high:.6f}") == ("1.397431", "2.160054")
    assert (result.n, result.sides, result.scale, result.note) == (9, 2, "log ratio", "")


def test_exact_wilcoxon() -> None:
    result = wilcoxon(logs(FOLDS))
    assert (result.p, result.p_floor, result.n, result.sides) == (0.00390625, 0.00390625, 9, 2)
    assert result.note == "W+ = 45 of 45, exact over all 2^9 signs; tied sizes share their mean rank"


def test_equivalence_of_a_stable_population() -> None:
    result = tost(logs(STABLE), margin=MARGIN)
    assert f"{result.estimate:.6f}" == "1.008513"
    assert (f"{result.low:.6f}", f"{result.high:.6f}", result.level) == ("0.973191", "1.045116", 0.90)
    assert (f"{result.p:.4e}", result.sides, result.note) == ("1.8142e-06", 1, "unchanged within 0.80-1.25 shown")
    assert f"{t_log(logs(STABLE)).p:.6f}" == "0.670109"


@pytest.mark.parametrize(
    ("n", "floor"), [(5, "0.0625"), (6, "0.0312"), (7, "0.0156"), (8, "0.0078"), (9, "0.0039"), (10, "0.0020")]
)
def test_smallest_attainable_p(n: int, floor: str) -> None:
    result = wilcoxon(np.linspace(0.1, 1, n))
    assert f"{result.p_floor:.4f}" == floor
    assert result.p == result.p_floor == 2 / 2**n


def test_a_floor_above_five_percent_is_said() -> None:
    assert wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5]).note == (
        "W+ = 15 of 15, exact over all 2^5 signs; cannot reach 0.05 with 5 differences"
    )


# ------------------------------------------------------------------------------------------------- signed rank


def enumerated_p(values: np.ndarray) -> float:
    """Return the two-sided p by going through every sign, as the definition has it."""
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(values))
    observed = abs(np.sum(np.sign(values) * ranks))
    sums = [abs(np.dot(signs, ranks)) for signs in itertools.product((-1, 1), repeat=len(ranks))]
    return float(np.mean(np.array(sums) >= observed - 1e-9))


@given(st.lists(st.integers(-4, 4).filter(bool), min_size=2, max_size=9))
def test_wilcoxon_is_exact_with_ties(steps: list[int]) -> None:
    values = np.array(steps) / 8
    assert wilcoxon(values).p == pytest.approx(enumerated_p(values), abs=1e-12)


def test_wilcoxon_agrees_with_scipy_without_ties() -> None:
    from scipy.stats import wilcoxon as peer

    values = np.random.default_rng(3).normal(0.2, 1, 25)
    assert wilcoxon(values).p == pytest.approx(peer(values, method="exact").pvalue, rel=1e-12)


@given(st.permutations([0.3, -0.1, 0.2, 0.2, -0.5, 0.0, 0.7]))
def test_order_of_subjects_does_not_matter_to_ranks(values: list[float]) -> None:
    # repr: what a rank test has no value for is NaN, and NaN equals nothing
    assert repr(wilcoxon(values)) == repr(wilcoxon([0.3, -0.1, 0.2, 0.2, -0.5, 0.0, 0.7]))


def test_differences_of_zero_are_dropped_and_said() -> None:
    result = wilcoxon([0.0, 0.3, 0.1, -0.2, 0.0, 0.5])
    assert (result.n, result.p, result.p_floor) == (6, wilcoxon([0.3, 0.1, -0.2, 0.5]).p, 0.125)
    assert result.note == (
        "W+ = 8 of 10, exact over all 2^4 signs; 2 of 6 differences are 0 and dropped (Wilcoxon's rule); "
        "cannot reach 0.05 with 4 differences"
    )


def test_equal_folds_with_other_last_bits_are_tied_or_zero() -> None:
    assert 7.7 / 5.5 != 7.0 / 5.0
    assert list(midranks(np.abs(logs([7.7 / 5.5, 7.0 / 5.0, 1.2])))) == [2.5, 2.5, 1.0]
    assert wilcoxon(logs([(0.1 + 0.2) / 0.3, 1.0])).note == "all 2 differences are 0: nothing to rank"


def test_a_fold_of_zero_ranks_as_the_largest_fall() -> None:
    falls = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    lost, other = (wilcoxon([*falls, edge, edge]) for edge in (-math.inf, -9.0))
    assert repr(lost) == repr(other)


def test_signed_rank_p_is_never_above_one() -> None:
    assert signed_rank_p(np.array([1.0, 2.0, 3.0]), 3.0) == 1.0


# ------------------------------------------------------------------------------------------------------- edges


@pytest.mark.parametrize(("n", "note"), [(0, "no subject has a value"), (1, "one subject: no spread, no test")])
def test_too_few_subjects(n: int, note: str) -> None:
    values = [0.5][:n]
    for result in (t_fold(values), t_log(values), wilcoxon(values)):
        assert (result.n, result.note) == (n, note)
        assert all(map(math.isnan, (result.sd, result.low, result.high, result.t, result.df, result.p)))
    assert tost(values, margin=MARGIN).note == f"unchanged within 0.80-1.25 not shown; {note}"
    assert math.isnan(tost(values, margin=MARGIN).p)
    assert math.isnan(t_fold(values).estimate) == (n == 0)


@pytest.mark.parametrize("fold", [1.0, 1.4])
def test_equal_folds_have_no_t(fold: float) -> None:
    folds = [fold, fold * (1 + 2e-16), fold]
    note = "all 3 values are equal (SD 0): t is not defined"
    for result in (t_fold(folds), t_log(logs(folds))):
        assert (result.sd, result.note) == (0.0, note)
        assert result.estimate == pytest.approx(fold)
        assert all(map(math.isnan, (result.low, result.high, result.t, result.df, result.p)))
    assert tost(logs(folds), margin=MARGIN).note == f"unchanged within 0.80-1.25 not shown; {note}"


def test_tost_takes_the_worse_side() -> None:
    near_high = tost(logs([1.20, 1.22, 1.24, 1.21]), margin=MARGIN)
    near_low = tost(-logs([1.20, 1.22, 1.24, 1.21]), margin=MARGIN)
    assert near_high.t < 0 < near_low.t  # margins 0.80 and 1.25 are each other's inverse
    assert near_high.p == pytest.approx(near_low.p)


@given(st.floats(-0.3, 0.3), st.floats(0.01, 0.4))
def test_tost_is_the_90_percent_interval_within_the_margin(mean: float, sd: float) -> None:
    values = mean + sd * np.array([-1.5, -0.8, -0.1, 0.0, 0.3, 0.6, 1.5])
    result = tost(values, margin=MARGIN)
    assert result.note.endswith("not shown") != (MARGIN[0] < result.low and result.high < MARGIN[1])


@pytest.mark.parametrize(
    ("margin", "shown", "text"),
    [
        ((0.8, 1.25), True, "unchanged within 0.80-1.25 shown"),
        ((0.7, 1.43), False, "unchanged within 0.70-1.43 not shown"),
        ((0.805, 1.2425), True, "unchanged within 0.805-1.2425 shown"),
    ],
)
def test_verdict(margin: tuple[float, float], *, shown: bool, text: str) -> None:
    assert verdict(margin, shown=shown) == text


# -------------------------------------------------------------------------------------------------- error rates


def test_t_on_the_log_keeps_its_level_at_nine() -> None:
    trials = np.random.default_rng(8).normal(0, 0.27, (1500, 9))
    rate = np.mean([t_log(trial).p < 0.05 for trial in trials])
    assert abs(rate - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_t_on_the_log_covers_the_ratio_at_nine() -> None:
    trials = np.random.default_rng(9).normal(math.log(1.734), 0.2726, (1500, 9))
    inside = np.mean([(r := t_log(trial)).low <= 1.734 <= r.high for trial in trials])
    assert abs(inside - 0.95) < 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_tost_at_the_margin_errs_at_most_at_its_level() -> None:
    trials = np.random.default_rng(10).normal(math.log(1.25), 0.2, (1000, 9))
    rate = np.mean([tost(trial, margin=MARGIN).p < 0.05 for trial in trials])
    assert rate < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


def test_power_of_tost_at_nine() -> None:
    trials = np.random.default_rng(11).normal(0, 0.20, (1000, 9))
    power = np.mean([tost(trial, margin=MARGIN).p < 0.05 for trial in trials])
    assert abs(power - 0.84) < 0.005 + 3 * math.sqrt(0.84 * 0.16 / 1000)  # 84 % is given to a whole percent
