"""Intervals for frequencies: how far counting alone lets a ratio of two counts wander.

Both functions take counts and return fractions (not percent) as an `Interval`. An interval that does not exist is
missing, ``(nan, nan)``; it is never widened or guessed. The error of gate placement is not in here.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from tregflow.errors import EndpointError

WILSON = "wilson"
"""Name of `wilson` in the ``method`` column of frequencies.csv: the numerator is part of the denominator."""

LOG_DELTA = "log-delta"
"""Name of `log_delta` in the ``method`` column of frequencies.csv: the numerator may lie outside the denominator."""


class Interval(NamedTuple):
    """Limits of an interval; ``nan`` where there is none."""

    low: float
    high: float


MISSING = Interval(math.nan, math.nan)


def wilson(k: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval for the proportion `k` of `n`.

    Wilson (1927), Journal of the American Statistical Association 22:209, without continuity correction.

    Parameters
    ----------
    k, n : int
        Events in the population, and in the population that contains it: ``0 <= k <= n``.
    level : float
        Coverage, above 0 and below 1.

    Returns
    -------
    Interval
        Fractions within [0, 1]; missing where `n` is 0.

    Raises
    ------
    EndpointError
        `k` is negative or above `n`, or `level` is no coverage.

    Examples
    --------
    >>> low, high = wilson(6, 9)
    >>> f"{low:.6f} {high:.6f}"
    '0.354202 0.879416'
    """
    if not 0 <= k <= n:
        raise _bad_counts(f"{k} of {n} is no proportion", "0 <= k <= n; otherwise log_delta")
    if n == 0:
        return MISSING
    z = _two_sided_z(level)
    p = k / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the limit is 0 or 1 exactly, which the difference of two rounded terms would miss.
    return Interval(0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half)


def log_delta(k: int, n: int, overlap: int, *, level: float = 0.95) -> Interval:
    """Return the delta-method interval, on the log scale, for the ratio `k` / `n` of counts that need not be nested.

    ``Var(log(k / n)) = 1/k + 1/n - 2 overlap / (k n)``: counts are Poisson, and the covariance of two of them is the
    count of the events that they share. For a nested ratio (`overlap` = `k`) this is the binomial ``1/k - 1/n``. Not
    for few events: below about 20 the normal approximation on logs is poor; take `wilson` where the ratio is nested.

    Parameters
    ----------
    k, n : int
        Events in numerator and denominator.
    overlap : int
        Events in both.
    level : float
        Coverage, above 0 and below 1.

    Returns
    -------
    Interval
        Ratios above 0, over 1 too; missing where `k` or `n` is 0, since a count of 0 has no logarithm.

    Raises
    ------
    EndpointError
        A count is negative, `overlap` is above `k` or `n`, or `level` is no coverage.

    Examples
    --------
    >>> low, high = log_delta(50, 1000, 50)
    >>> f"{low:.4f} {high:.4f}"
    '0.0382 0.0655'
    """
    if not 0 <= overlap <= min(k, n):
        raise _bad_counts(f"{overlap} events cannot be shared by {k} and {n}", "0 <= overlap <= k and n")
    if k == 0 or n == 0:
        return MISSING
    # One fraction of integers: never below 0, and 0 exactly where numerator and denominator are the same events.
    half = _two_sided_z(level) * math.sqrt((k + n - 2 * overlap) / (k * n))
    return Interval(k / n * math.exp(-half), k / n * math.exp(half))


def _two_sided_z(level: float) -> float:
    if not 0 < level < 1:
        raise EndpointError(
            f"level {level} is no coverage",
            code="E_INTERVAL",
            expected="a fraction above 0 and below 1, such as 0.95",
        )
    return NormalDist().inv_cdf((1 + level) / 2)


def _bad_counts(problem: str, expected: str) -> EndpointError:
    return EndpointError(problem, code="E_INTERVAL", expected=expected)
