"""Logicle: a table of short power series, found by the bits of the value, and the equation itself for the rest.

The inverse u of ``f(u) = a expm1(bu) - c expm1(-du)`` is smooth, so that near a node x_k, with u_k = u(x_k), it is

    u(x) = u_k + c_1 t + c_2 t**2 + ... + c_6 t**6,    t = (x - x_k) / unit.

A cell of the table is a 128th of a binade of x (between two powers of two), its node in its middle: the exponent and
the seven highest bits of the mantissa of a float64 are the number of its cell. One more cell, around zero, where f is
nearly straight, ends where the binades begin.

Error. Where u is logarithmic, u = ln(x) / b + const, the terms are (t / x_k)**n / (b n) but for their sign, with
abs(t / x_k) <= 2**-8: the first one left out is 2**-56 / (7 b), far below the last place of u. Where f bends faster
(large w, many decades) that is not so. Therefore each cell computes its seventh and eighth term, too, and a cell where
they exceed 2**-56 of u is left empty: its values, as those beyond the table, are solved one by one. What is left is
rounding: of u_k, which the solver gives to a unit or two in its last place, and of the one addition to u_k that counts,
since all that is added is small beside it. So u is right to about 2e-16 of the axis, on top of what a, b, c, d were
rounded by.

Order. In a cell with a node, the sum that is added to u_k is rounded by far less than what two neighbouring values of x
differ by, so u never falls; around zero, and from one cell to the next, it may in its last places, as any solver's.

The table depends on nothing but a, b, c, d, and u on nothing but them and x: an event and a vertex of a gate at the
same intensity have the same position, in whatever array they come.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tregflow._kernels._jit import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Constants: TypeAlias = tuple[float, float, float, float]

_CELL_BITS = 7
"""Bits of the mantissa that tell cells apart: 128 to a binade."""
_SHIFT = 52 - _CELL_BITS
_DEGREE = 6
"""Of the series. With its node a cell is 8 numbers: one line of the cache."""
_LEFT_OUT = 2.0**-56
"""Bound on the terms left out, in parts of u."""
_MOST_BINADES = 64
"""Length of the table at most, 19 decades and 524 kB; 24 binades are usual."""
_LARGEST_UNIT = 2.0**900
"""Beyond it, and below its inverse, numbers of the table could leave the range of float64."""


def logicle(x: ArrayLike, a: float, b: float, c: float, d: float) -> NDArray[np.float64]:
    """Solve ``a * expm1(b * u) - c * expm1(-d * u) == x`` for u: the logicle scale, seen from its zero.

    Parameters
    ----------
    x : array_like, any shape
        Compensated intensities in data units.
    a, b, c, d : float
        Positive, with ``a * b**2 == c * d**2``: no curvature at zero, so the function is odd by mirroring.

    Returns
    -------
    ndarray of float64, shape of `x`
        Distance on the axis from its zero, with the sign of `x`; NaN and infinity stay what they are.
    """
    data = np.asarray(x, np.float64)
    values = np.ascontiguousarray(data).reshape(-1)
    constants = (float(a), float(b), float(c), float(d))
    return _logicle(values, values.view(np.int64), constants, *logicle_table(*constants)).reshape(data.shape)


@lru_cache(maxsize=64)
def logicle_table(a: float, b: float, c: float, d: float) -> tuple[float, int, NDArray[np.float64]]:
    """Return 1 / unit, the number of the last cell before the binades, and the cells.

    A memory of what follows from four numbers alone: a strategy asks for the same few scales again and again, for the
    three vertices of a gate, too.

    Returns
    -------
    float
    int
        Exponent and highest bits of the mantissa as they stand in a float64 of x.
    (n_cells, 8) ndarray of float64, read-only
        Node and coefficients: around zero, of each cell of the binades, and NaN for what lies beyond.
    """
    width = a * (1.0 + b / d)  # x where the tangent in zero reaches u = 1 / b
    if not 1.0 / _LARGEST_UNIT < width < _LARGEST_UNIT:
        return 1.0, 0, np.full((2, _DEGREE + 2), np.nan)
    exponent = math.frexp(width)[1]
    unit = math.ldexp(1.0, exponent)  # a power of two: divisions by it are exact
    scaled = (a / unit, b, c / unit, d)
    low = _end_of_zero(scaled)
    top = scaled[0] * math.expm1(min(b, 700.0)) - scaled[2] * math.expm1(-d)  # u = 1 is beyond the end of the axis
    binades = math.ceil(min(max(math.log2(top) + 2.0 - low, 1.0), _MOST_BINADES))
    cells = np.full(((binades << _CELL_BITS) + 2, _DEGREE + 2), np.nan)
    _fill(cells, low, (a, b, c, d), unit, scaled)
    cells.setflags(write=False)
    return 1.0 / unit, ((low + exponent + 1023) << _CELL_BITS) - 1, cells


def _end_of_zero(scaled: Constants) -> int:
    """Return up to which power of two the series around zero holds."""
    terms = np.zeros(10)
    _series(0.0, scaled, terms)
    # Even terms vanish, since u is odd; the seventh and ninth tell how fast the series falls.
    rate = max((abs(terms[n]) / terms[1]) ** (1.0 / (n - 1)) for n in (7, 9))
    return math.floor(math.log2(_LEFT_OUT ** (1.0 / 6.0) / rate))


@njit
def _fill(cells: NDArray[np.float64], low: int, constants: Constants, unit: float, scaled: Constants) -> None:
    """Write node and series of each cell, but for the last; leave those empty that the series does not reach."""
    terms = np.zeros(_DEGREE + 3)
    _series(0.0, scaled, terms)
    _write(cells[0], 0.0, terms)
    for cell in range(cells.shape[0] - 2):
        binade, part = cell >> _CELL_BITS, cell & ((1 << _CELL_BITS) - 1)
        size = 2.0 ** (low + binade)
        half = size * 0.5 / (1 << _CELL_BITS)
        node = size + (2 * part + 1) * half
        _series(_solved(node * unit, constants), scaled, terms)
        left_out = abs(terms[7]) * half**7 + abs(terms[8]) * half**8
        if left_out <= _LEFT_OUT * terms[0]:
            _write(cells[cell + 1], node, terms)


@njit
def _write(row: NDArray[np.float64], node: float, terms: NDArray[np.float64]) -> None:
    row[0] = node
    for n in range(row.size - 1):
        row[n + 1] = terms[n]


@njit
def _series(u: float, constants: Constants, terms: NDArray[np.float64]) -> None:
    """Write the coefficients of u(x) around f(u): Taylor's, by recurrence."""
    # u' = v = 1 / (p + q), where p = a b e^(bu) and q = c d e^(-du), so that p' = b v p and q' = -d v q. In powers of
    # t: n p_n = b sum(v_i p_(n-1-i)), likewise q, and v times (p + q) is 1, so all its terms but the first vanish.
    a, b, c, d = constants
    n_terms = terms.size - 1
    p, q, v = np.empty(n_terms), np.empty(n_terms), np.empty(n_terms)
    p[0], q[0] = a * b * math.exp(b * u), c * d * math.exp(-d * u)
    v[0] = 1.0 / (p[0] + q[0])
    terms[0], terms[1] = u, v[0]
    for n in range(1, n_terms):
        p[n], q[n], product = 0.0, 0.0, 0.0
        for i in range(n):
            p[n] += v[i] * p[n - 1 - i]
            q[n] += v[i] * q[n - 1 - i]
        p[n] *= b / n
        q[n] *= -d / n
        for i in range(n):
            product += v[i] * (p[n - i] + q[n - i])
        v[n] = -product * v[0]
        terms[n + 1] = v[n] / (n + 1)


@njit
def _logicle(
    x: NDArray[np.float64],
    bits: NDArray[np.int64],
    constants: Constants,
    per_unit: float,
    first: int,
    cells: NDArray[np.float64],
) -> NDArray[np.float64]:
    # NumPy, the other way round: x == np.sign(u) * (a * np.expm1(b * abs(u)) - c * np.expm1(-d * abs(u))).
    result = np.empty(x.size)

    # Phase 1, without a branch: the series.
    empty = False
    for i in range(x.size):
        result[i] = _by_series(x[i], bits[i], per_unit, first, cells)
        empty |= math.isnan(result[i])

    # Phase 2: what has no cell, NaN and infinity among it, is solved.
    if empty:
        for i in range(x.size):
            if math.isnan(result[i]):
                result[i] = math.copysign(_solved(abs(x[i]), constants), x[i])
    return result


@njit
def logicle_at(
    x: float, bits: int, constants: Constants, per_unit: float, first: int, cells: NDArray[np.float64]
) -> float:
    """Return what `logicle` gives for one value, the same to the last bit; `bits` are those of `x`."""
    u = _by_series(x, bits, per_unit, first, cells)
    return math.copysign(_solved(abs(x), constants), x) if math.isnan(u) else u


@njit
def _by_series(x: float, bits: int, per_unit: float, first: int, cells: NDArray[np.float64]) -> float:
    """Return u by the cell that the bits of the value name, sign left aside; NaN where it has none."""
    cell = min(max(((bits & 0x7FFFFFFFFFFFFFFF) >> _SHIFT) - first, 0), cells.shape[0] - 1)
    row = cells[cell]
    t = abs(x) * per_unit - row[0]
    u = row[1] + t * (row[2] + t * (row[3] + t * (row[4] + t * (row[5] + t * (row[6] + t * row[7])))))
    return math.copysign(u, x)


@njit
def _solved(value: float, constants: Constants) -> float:
    """Return u for one value of x, 0 or more; NaN and infinity stay what they are."""
    # Both terms are positive for u > 0, so nothing cancels near zero, where the textbook form a*e^(by) - c*e^(-dy) - f
    # loses all its digits and needs a series.
    a, b, c, d = constants
    slope = a * b + c * d
    if not value < np.inf:
        return value
    if value < 1e-9 * slope:  # the next term of the series is of third order: below 1 ulp here
        return value / slope
    if value > 2.0**60 * (a + c):  # all but a*e^(bu) is below 1 ulp; e^(bu) itself may overflow, its logarithm does not
        return (math.log(value) - math.log(a)) / b
    # The function is convex for u > 0, so its tangent in zero and its exponential part both bound u from above; from
    # there Halley's step, of third order, needs two to four rounds.
    u = min(value / slope, math.log1p(value / a) / b)
    for _ in range(50):
        rise, fall = math.expm1(b * u), math.expm1(-d * u)
        excess = a * rise - c * fall - value
        first = a * b * (rise + 1.0) + c * d * (fall + 1.0)
        second = a * b * b * (rise + 1.0) - c * d * d * (fall + 1.0)
        step = excess / (first - 0.5 * excess * second / first)
        u -= step
        # Third order: a last step of 1e-6 leaves an error near 1e-18.
        if abs(step) <= 1e-6 * min(u, 1.0):
            return u
    return np.nan  # right or missing
