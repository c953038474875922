"""The quadratic form of an ellipsoid, exact until its last rounding.

An event on the boundary is inside, so the comparison should not hang on the last bit of an inverted matrix. Every
float64 is a whole number times a power of two; so the covariance is inverted in whole numbers, up to a common factor,
which goes to the other side of the inequality. What is left is one rounding per entry, and none where the covariance
and its inverse are short numbers: then the boundary is exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Matrix = list[list[int]]


def adjugate(covariance: Sequence[Sequence[float]]) -> tuple[Matrix, int, int]:
    """Return the adjugate and determinant of a covariance in whole numbers.

    Parameters
    ----------
    covariance : (n, n) sequence of sequence of float
        Positive definite, symmetric but for rounding: the mean of its two halves counts.

    Returns
    -------
    tuple of (n, n) list of int, int, int
        Adjugate and determinant of ``unit * covariance``, and the unit, a power of two.
    """
    whole, unit = _whole(covariance)
    n = len(whole)
    rows = [[*row, *(int(i == j) for j in range(n))] for i, row in enumerate(whole)]
    before = 1
    # Elimination without fractions (Bareiss, Mathematics of Computation 1968, 22:565), on both sides of the diagonal:
    # each division is exact, each pivot is a leading minor, hence positive, and the right half ends as the adjugate.
    for k in range(n):
        pivot = rows[k][k]
        for i in range(n):
            if i != k:
                factor = rows[i][k]
                rows[i] = [
                    (pivot * ours - factor * theirs) // before for ours, theirs in zip(rows[i], rows[k], strict=True)
                ]
        before = pivot
    return [row[n:] for row in rows], before, unit


def float_form(covariance: Sequence[Sequence[float]], distance2: float) -> tuple[NDArray[np.float64], float]:
    """Return a matrix and a bound with ``v' matrix v <= bound`` where ``v' covariance^-1 v <= distance2``.

    Parameters
    ----------
    covariance : (n, n) sequence of sequence of float
        Symmetric positive definite.
    distance2 : float
        Square of the distance of the boundary.

    Returns
    -------
    tuple of (n, n) ndarray of float64, float
        A multiple of the inverse, its greatest entry from 0.5 to 1, and the bound multiplied likewise; each number
        rounded once.
    """
    matrix, determinant, unit = adjugate(covariance)
    size = 1 << max(abs(value) for row in matrix for value in row).bit_length()
    form = np.array([[float(Fraction(value, size)) for value in row] for row in matrix])
    return form, float(Fraction(distance2) * determinant / (unit * size))


def literal_form(matrix: Sequence[Sequence[float]], distance2: float) -> tuple[NDArray[np.float64], float] | None:
    """Return what `float_form` does for a matrix that need be neither symmetric nor positive definite.

    Parameters
    ----------
    matrix : (n, n) sequence of sequence of float
        Taken as it is. Of its inverse, the mean of its two halves makes the quadratic form.
    distance2 : float
        What the form is compared with.

    Returns
    -------
    tuple of (n, n) ndarray of float64, float, or None
        None if the matrix has no inverse.
    """
    inverted = _inverse([[Fraction(value) for value in row] for row in matrix])
    if inverted is None:
        return None
    form = [
        [(ours + across) / 2 for ours, across in zip(row, column, strict=True)]
        for row, column in zip(inverted, zip(*inverted, strict=True), strict=True)
    ]
    size = max(abs(value) for row in form for value in row) or Fraction(1)
    return np.array([[float(value / size) for value in row] for row in form]), float(Fraction(distance2) / size)


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """Invert by Gauss and Jordan, exactly; None if there is no inverse."""
    n = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for k in range(n):
        place = next((i for i in range(k, n) if rows[i][k]), None)
        if place is None:
            return None
        rows[k], rows[place] = rows[place], rows[k]
        pivot = rows[k][k]
        rows[k] = [value / pivot for value in rows[k]]
        for i in range(n):
            factor = rows[i][k]
            if i != k and factor:
                rows[i] = [ours - factor * theirs for ours, theirs in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


def _whole(covariance: Sequence[Sequence[float]]) -> tuple[Matrix, int]:
    """Return the covariance times a power of two, in whole numbers, and this power."""
    fractions = [[Fraction(value) for value in row] for row in covariance]
    doubled = [
        [value + across for value, across in zip(row, column, strict=True)]
        for row, column in zip(fractions, zip(*fractions, strict=True), strict=True)
    ]
    unit = max(value.denominator for row in doubled for value in row)  # powers of two: the greatest is a multiple
    return [[int(value * unit) for value in row] for row in doubled], 2 * unit
