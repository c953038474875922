"""Ranges on one axis, and ellipsoids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit
from tregflow.errors import GateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def in_range(x: ArrayLike, low: float, high: float) -> NDArray[np.bool_]:
    """Tell which events lie in ``low <= x < high`` (Gating-ML 2.0, 5.1.1); an end may be infinite.

    Parameters
    ----------
    x : (n_events,) array_like
        Events on one axis. NaN is outside.
    low, high : float
        Ends of the range.

    Returns
    -------
    (n_events,) ndarray of bool

    Examples
    --------
    >>> in_range([0.9, 1.0, 1.9, 2.0], 1.0, 2.0)
    array([False,  True,  True, False])
    """
    return _in_range(np.ascontiguousarray(x, np.float64), float(low), float(high))


@njit
def _in_range(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    # NumPy: (low <= x) & (x < high).
    result = np.empty(x.size, np.bool_)
    for i in range(x.size):
        result[i] = low <= x[i] < high
    return result


def in_ellipsoid(columns: Sequence[ArrayLike], mean: ArrayLike, form: ArrayLike, bound: float) -> NDArray[np.bool_]:
    """Tell which events lie in an ellipsoid: ``(x - mean)' form (x - mean) <= bound`` (Gating-ML 2.0, 5.3).

    Parameters
    ----------
    columns : sequence of (n_events,) array_like
        Coordinates of the events, one column per axis. NaN and infinity are outside.
    mean : (n_axes,) array_like
        Centre, finite.
    form : (n_axes, n_axes) array_like
        Symmetric positive definite: the inverse of the covariance, or a positive multiple of it.
    bound : float
        Square of the greatest distance from the centre, in the units of `form`.

    Returns
    -------
    (n_events,) ndarray of bool
        The boundary is inside. Each event is decided by itself, in the same order of operations and without fused
        multiply-add, whatever events stand beside it.

    Raises
    ------
    GateError
        `columns` are not one-dimensional or not of one length, or `mean` and `form` are not of their number
        (``E_KERNEL``).

    Examples
    --------
    >>> in_ellipsoid([[0.0, 2.0, 2.1], [0.0, 0.0, 0.0]], [0, 0], [[1, 0], [0, 1]], 4.0)
    array([ True,  True, False])
    """
    events = [np.ascontiguousarray(column, np.float64) for column in columns]
    centre, matrix = np.ascontiguousarray(mean, np.float64), np.ascontiguousarray(form, np.float64)
    shapes = {column.shape for column in events}
    if len(shapes) != 1 or events[0].ndim != 1 or matrix.shape != (len(events),) * 2 or centre.shape != (len(events),):
        problem = f"columns of shapes {[column.shape for column in events]}, mean {centre.shape}, form {matrix.shape}"
        raise GateError(problem, code="E_KERNEL", expected="columns of one length, and as many axes of mean and form")
    return _in_ellipsoid(np.array(events), centre, matrix, float(bound))


@njit
def _in_ellipsoid(
    events: NDArray[np.float64], mean: NDArray[np.float64], form: NDArray[np.float64], bound: float
) -> NDArray[np.bool_]:
    # NumPy: v = events - mean[:, None]; np.einsum("ie,ij,je->e", v, form, v) <= bound.
    n_axes, n_events = events.shape
    result = np.empty(n_events, np.bool_)
    v = np.empty(n_axes)
    for e in range(n_events):
        for i in range(n_axes):
            v[i] = events[i, e] - mean[i]
        total = 0.0
        for i in range(n_axes):
            row = 0.0
            for j in range(n_axes):
                row += form[i, j] * v[j]
            total += row * v[i]
        result[e] = total <= bound  # NaN and infinity compare as False
    return result
