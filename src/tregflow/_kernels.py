"""Compiled loops over events; the only file that imports numba.

Kept apart so that ``import tregflow`` and ``tregflow --help`` never pay for numba: callers import from here inside a
function. Each kernel names the NumPy expression that it is tested against (tests/test_kernels.py).

Common to all kernels: no explicit signature, since it would compile at import; no ``fastmath``, since it lets the
compiler assume that NaN never occurs and fuse a multiplication with an addition; no ``parallel``, since files are what
is spread over cores; ``nogil``, so that threads can do that.

The public functions are thin: numba compiles anew for every type and memory layout, checks no bounds, and would compute
in float32 if it were given float32. So they hand over contiguous float64 arrays of equal length and nothing else.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar, cast

import numba
import numpy as np

from tregflow.errors import GateError, ScaleError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    F = TypeVar("F", bound=Callable[..., object])


def njit(function: F) -> F:
    """Compile `function` without the GIL, and keep the machine code on disk where there is a place for it.

    numba looks for a folder that it may write to: ``NUMBA_CACHE_DIR``, ``__pycache__`` beside this file, the user's
    cache. Where there is none (a read-only installation without a home folder) it refuses to decorate at all. Then the
    kernels are compiled in memory, once per process: a second or two more, and the same numbers.
    """
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # "cannot cache function ...: no locator available for file ..."
        return cast("F", numba.njit(nogil=True)(function))


# ------------------------------------------------------------------------------------------------------ polygons


def in_polygon(x: ArrayLike, y: ArrayLike, px: ArrayLike, py: ArrayLike) -> NDArray[np.bool_]:
    """Tell which events lie in a polygon: even-odd rule, boundary and vertices inside (Gating-ML 2.0, 5.2.1).

    Parameters
    ----------
    x, y : (n_events,) array_like
        Coordinates of the events on the axes of the gate. NaN and infinity are outside.
    px, py : (n_vertices,) array_like
        Vertices in order, finite, on the same axes; the last is joined to the first.

    Returns
    -------
    (n_events,) ndarray of bool
        Decided in float64 without tolerance and without fused multiply-add: an event is on an edge where the cross
        product of float64 numbers is zero.

    Raises
    ------
    GateError
        Coordinates are not one-dimensional or not of one length, or there is no vertex (``E_KERNEL``).

    Examples
    --------
    >>> in_polygon([0.0, 0.5, 1.0, 1.1], [0.0, 0.5, 1.0, 1.0], [0, 1, 1, 0], [0, 0, 1, 1])
    array([ True,  True,  True, False])
    """
    events_x, events_y = _paired(x, y)
    vertices_x, vertices_y = _paired(px, py)
    if not vertices_x.size:
        problem = "a polygon without vertices"
        raise GateError(problem, code="E_KERNEL")
    return _in_polygon(events_x, events_y, vertices_x, vertices_y)


@njit
def _in_polygon(
    x: NDArray[np.float64], y: NDArray[np.float64], px: NDArray[np.float64], py: NDArray[np.float64]
) -> NDArray[np.bool_]:
    # NumPy, per edge a -> b, starting from inside = on = zeros:
    #   cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    #   on |= (cross == 0) & (min(ax, bx) <= x) & (x <= max(ax, bx)) & (min(ay, by) <= y) & (y <= max(ay, by))
    #   inside ^= ((ay <= y) != (by <= y)) & ((cross > 0) == (by > ay))
    # and in the end inside | on.
    x_low, x_high, y_low, y_high = px.min(), px.max(), py.min(), py.max()
    result = np.zeros(x.size, np.bool_)
    for i in range(x.size):
        ex, ey = x[i], y[i]
        # Most events are far away. NaN and infinity fail here as well: the vertices are finite.
        if not (x_low <= ex <= x_high and y_low <= ey <= y_high):
            continue
        inside = False
        ax, ay = px[-1], py[-1]
        for j in range(px.size):
            bx, by = px[j], py[j]
            # An edge that does not reach the event's height is neither touched nor crossed.
            if min(ay, by) <= ey <= max(ay, by):
                cross = (bx - ax) * (ey - ay) - (by - ay) * (ex - ax)
                if cross == 0.0 and min(ax, bx) <= ex <= max(ax, bx):
                    inside = True
                    break
                # The half-open comparison counts a vertex for one of its two edges only; the sign of the cross product
                # keeps the edges on one side of the event.
                if (ay <= ey) != (by <= ey) and (cross > 0.0) == (by > ay):
                    inside = not inside
            ax, ay = bx, by
        result[i] = inside
    return result


# ---------------------------------------------------------------------------------------- rectangles, ellipsoids


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


# ------------------------------------------------------------------------------------------------------- rasters


def raster(x: ArrayLike, y: ArrayLike, extent: tuple[float, float, float, float], n_bins: int) -> NDArray[np.int64]:
    """Count events into a square raster; what is off scale piles up in the edge bins, as on a cytometer's screen.

    Parameters
    ----------
    x, y : (n_events,) array_like
        Coordinates of the events on the axes of the plot. NaN and infinity are not counted.
    extent : (x_low, x_high, y_low, y_high)
        Ends of the axes.
    n_bins : int
        Bins per axis.

    Returns
    -------
    (n_bins, n_bins) ndarray of int64
        Rows are y, columns x, both ascending: ``imshow(counts, origin="lower", extent=extent)``.

    Raises
    ------
    GateError
        `x` and `y` are not one-dimensional or not of one length (``E_KERNEL``).
    ScaleError
        `extent` is not two ascending pairs of finite numbers, or `n_bins` is below 1 (``E_RASTER``).

    Examples
    --------
    >>> raster([0.1, 0.9, 7.0], [0.1, 0.1, 0.9], (0.0, 1.0, 0.0, 1.0), 2)
    array([[1, 1],
           [0, 1]])
    """
    events_x, events_y = _paired(x, y)
    x_low, x_high, y_low, y_high = map(float, extent)
    # numba checks no bounds: an extent of NaN would write outside the raster.
    if not (all(map(math.isfinite, extent)) and x_low < x_high and y_low < y_high and n_bins >= 1):
        problem = f"no raster of {n_bins} bins fits on x from {x_low} to {x_high}, y from {y_low} to {y_high}"
        raise ScaleError(problem, code="E_RASTER", expected="finite ends, low < high, 1 bin or more")
    return _raster(events_x, events_y, x_low, x_high, y_low, y_high, int(n_bins))


@njit
def _raster(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_low: float,
    x_high: float,
    y_low: float,
    y_high: float,
    n_bins: int,
) -> NDArray[np.int64]:
    # NumPy: np.histogram2d of the finite events, y first, with column = clip((x - x_low) * (n_bins / (x_high - x_low)),
    # 0, n_bins - 1) and bins 0 ... n_bins, and likewise for rows.
    counts = np.zeros((n_bins, n_bins), np.int64)
    x_scale, y_scale = n_bins / (x_high - x_low), n_bins / (y_high - y_low)
    for i in range(x.size):
        if not (math.isfinite(x[i]) and math.isfinite(y[i])):
            continue
        # Clamp before int(): beyond the int64 range a float has no defined integer value.
        column = int(min(max((x[i] - x_low) * x_scale, 0.0), n_bins - 1.0))
        row = int(min(max((y[i] - y_low) * y_scale, 0.0), n_bins - 1.0))
        counts[row, column] += 1
    return counts


# ------------------------------------------------------------------------------------------------------- logicle


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
    return _logicle(np.ascontiguousarray(data).ravel(), a, b, c, d).reshape(data.shape)


@njit
def _logicle(x: NDArray[np.float64], a: float, b: float, c: float, d: float) -> NDArray[np.float64]:
    # NumPy, the other way round: x == np.sign(u) * (a * np.expm1(b * abs(u)) - c * np.expm1(-d * abs(u))).
    # Both terms are positive for u > 0, so nothing cancels near zero, where the textbook form a*e^(by) - c*e^(-dy) - f
    # loses all its digits and needs a series.
    slope = a * b + c * d
    near, far = 1e-9 * slope, 2.0**60 * (a + c)
    log_a = math.log(a)
    result = np.empty(x.size)
    for i in range(x.size):
        value = abs(x[i])
        if not value < np.inf:
            result[i] = x[i]
            continue
        if value < near:  # the next term of the series is of third order: below 1 ulp here
            u = value / slope
        elif value > far:  # all but a*e^(bu) is below 1 ulp; e^(bu) itself may overflow, its logarithm does not
            u = (math.log(value) - log_a) / b
        else:
            # The function is convex for u > 0, so its tangent in zero and its exponential part both bound u from above;
            # from there Halley's step, of third order, needs two to four rounds.
            u = min(value / slope, math.log1p(value / a) / b)
            converged = False
            for _ in range(50):
                rise, fall = math.expm1(b * u), math.expm1(-d * u)
                excess = a * rise - c * fall - value
                first = a * b * (rise + 1.0) + c * d * (fall + 1.0)
                second = a * b * b * (rise + 1.0) - c * d * d * (fall + 1.0)
                step = excess / (first - 0.5 * excess * second / first)
                u -= step
                # Third order: a last step of 1e-6 leaves an error near 1e-18.
                if abs(step) <= 1e-6 * min(u, 1.0):
                    converged = True
                    break
            if not converged:
                u = np.nan  # right or missing
        result[i] = math.copysign(u, x[i])
    return result


# ------------------------------------------------------------------------------------------------------ hyperlog


def hyperlog(x: ArrayLike, a: float, b: float, c: float) -> NDArray[np.float64]:
    """Solve ``a * expm1(b * u) + c * u == x`` for u: the hyperlog scale, seen from its zero.

    Parameters
    ----------
    x : array_like, any shape
        Compensated intensities in data units.
    a, b, c : float
        Positive.

    Returns
    -------
    ndarray of float64, shape of `x`
        Distance on the axis from its zero, with the sign of `x`; NaN and infinity stay what they are.
    """
    data = np.asarray(x, np.float64)
    return _hyperlog(np.ascontiguousarray(data).ravel(), a, b, c).reshape(data.shape)


@njit
def _hyperlog(x: NDArray[np.float64], a: float, b: float, c: float) -> NDArray[np.float64]:
    # NumPy, the other way round: x == np.sign(u) * (a * np.expm1(b * abs(u)) + c * abs(u)).
    slope = a * b + c
    near, far = 1e-17 * slope / b, 2.0**60 * (a + c / b)
    log_a = math.log(a)
    result = np.empty(x.size)
    for i in range(x.size):
        value = abs(x[i])
        if not value < np.inf:
            result[i] = x[i]
            continue
        if value < near:  # the next term of the series is below 1 ulp here
            u = value / slope
        elif value > far:  # all but a*e^(bu) is below 1 ulp; e^(bu) itself may overflow, its logarithm does not
            u = (math.log(value) - log_a) / b
        else:
            # As for logicle: tangent in zero and exponential part bound u from above, then Halley's step. From the
            # smaller of the two, excess * second stays below first**2, so its denominator cannot vanish.
            u = min(value / slope, math.log1p(value / a) / b)
            converged = False
            for _ in range(50):
                rise = math.expm1(b * u)
                excess = a * rise + c * u - value
                first = a * b * (rise + 1.0) + c
                second = a * b * b * (rise + 1.0)
                step = excess / (first - 0.5 * excess * second / first)
                u -= step
                # Third order: a last step of 1e-6 leaves an error near 1e-18.
                if abs(step) <= 1e-6 * min(u, 1.0):
                    converged = True
                    break
            if not converged:
                u = np.nan  # right or missing
        result[i] = math.copysign(u, x[i])
    return result


def _paired(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as contiguous float64 columns of one length."""
    first, second = (np.ascontiguousarray(values, np.float64) for values in (x, y))
    if first.ndim != 1 or first.shape != second.shape:
        problem = f"x has shape {first.shape} and y {second.shape}"
        raise GateError(problem, code="E_KERNEL", expected="two columns of one length")
    return first, second
