"""Inverses of a spillover matrix, with the same bits on every machine."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse of an (n, n) matrix that can be inverted, as (n, n) float64.

    Gauss-Jordan elimination with partial pivoting (Golub and Van Loan, Matrix Computations, 3.4), one rounded operation
    after the other. `numpy.linalg.inv` leaves the order of additions to the processor at hand: its last bits differ
    from machine to machine, and with them medians in a table.

    Examples
    --------
    >>> inverse(np.array([[1.0, 0.25], [0.0, 1.0]]))
    array([[ 1.  , -0.25],
           [ 0.  ,  1.  ]])
    """
    return _inverse(tuple(map(tuple, matrix.tolist())))


@lru_cache(maxsize=64)
def _inverse(matrix: tuple[tuple[float, ...], ...]) -> NDArray[np.float64]:
    """Invert; kept, since the files of a batch carry the same matrix."""
    n = len(matrix)
    rows = [[*map(float, row), *(float(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for column in range(n):
        pivot = max(range(column, n), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        rows[column] = [value / head for value in rows[column]]
        for i in range(n):
            factor = rows[i][column]
            if i != column and factor:
                rows[i] = [value - factor * top for value, top in zip(rows[i], rows[column], strict=True)]
    found: NDArray[np.float64] = np.array([row[n:] for row in rows], dtype=np.float64).reshape(n, n) + 0.0
    found.setflags(write=False)
    return found


def pseudo_inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Moore-Penrose inverse of an (n, m) matrix of n independent rows, n <= m, as (m, n) float64.

    With the rows made orthonormal, S = L Q, it is Q^T L^-1: modified Gram-Schmidt, each row done twice, which leaves
    nothing to be done a third time (Giraud et al., Numer Math 101:87, 2005). Sums are exact before they are rounded
    (`math.fsum`), so that no machine and no version of Python adds otherwise.

    Examples
    --------
    >>> pseudo_inverse(np.array([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]))
    array([[0.5, 0. ],
           [0. , 2. ],
           [0. , 0. ]])
    """
    orthonormal: list[list[float]] = []
    lower = np.zeros((len(matrix), len(matrix)))
    for i, given in enumerate(matrix.tolist()):
        row = given
        for _ in range(2):
            for j, base in enumerate(orthonormal):
                share = _dot(row, base)
                lower[i, j] += share
                row = [value - share * unit for value, unit in zip(row, base, strict=True)]
        lower[i, i] = math.sqrt(_dot(row, row))
        orthonormal.append([value / float(lower[i, i]) for value in row])
    solved = inverse(lower).T.tolist()
    columns = zip(*orthonormal, strict=True)
    return np.array([[_dot(base, weights) for weights in solved] for base in columns], dtype=np.float64) + 0.0


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))
