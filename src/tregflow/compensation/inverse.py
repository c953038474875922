"""The inverse of a spillover matrix, with the same bits on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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
    return np.array([row[n:] for row in rows], dtype=np.float64).reshape(n, n) + 0.0
