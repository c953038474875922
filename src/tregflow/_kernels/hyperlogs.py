"""Hyperlog."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tregflow._kernels._jit import njit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
