"""Axes that are linear around zero and logarithmic far from it: logicle, hyperlog, and inverse hyperbolic sine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tregflow.transforms.base import LN10, Scale, float64
from tregflow.transforms.checks import check_decades, check_numbers, check_range, check_top

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Logicle(Scale):
    """Logicle axis: linear around zero, logarithmic far from it, smooth in between (Gating-ML 2.0, logicle).

    The inverse of ``a e^(by) - c e^(-dy) - f`` of Moore and Parks (Cytometry A 2012, 81A:273), mirrored at zero for
    negative intensities. Accurate to about 1e-15 of the axis at any intensity.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    w : float
        Width of the linear part in decades, ``0 <= w <= m / 2``.
    m : float
        Decades of the axis.
    a : float
        Additional negative decades, ``-w <= a <= m - 2 w``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).
    """

    t: float = 262144.0
    w: float = 0.5
    m: float = 4.5
    a: float = 0.0
    kind: ClassVar[str] = "logicle"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "t")
        check_decades(self, "m")
        check_range(self, "w", (0.0, ""), (self.m / 2, "m / 2"))
        check_range(self, "a", (-self.w, "-w"), (self.m - 2 * self.w, "m - 2 w"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        from tregflow._kernels import logicle  # here, since it brings in numba

        zero, a, b, c, d = self.constants
        position = logicle(x, a, b, c, d)
        position += zero
        return position

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        zero, a, b, c, d = self.constants
        u = float64(y) - zero
        with np.errstate(over="ignore"):
            return np.asarray(np.copysign(a * np.expm1(b * abs(u)) - c * np.expm1(-d * abs(u)), u))

    @property
    def constants(self) -> tuple[float, float, float, float, float]:
        """Return the position x1 of zero, and a, b, c, d of the function seen from there.

        The letters are those of Gating-ML 2.0, except that a and c hold the factors e^(b x1) and e^(-d x1) as well.
        With them the function is ``a expm1(b u) - c expm1(-d u)``, ``u = y - x1``: f has gone into the expm1, and the
        condition that the curvature vanishes at zero reads ``a b**2 == c d**2``.
        """
        w = self.w / (self.m + self.a)
        b = (self.m + self.a) * LN10
        zero = self.a / (self.m + self.a) + w
        d = damping_of(b, w)
        ratio = (b / d) ** 2
        a = self.t / (math.expm1(b * (1 - zero)) - ratio * math.expm1(-d * (1 - zero)))
        return zero, a, b, a * ratio, d


@dataclass(frozen=True, slots=True)
class Hyperlog(Scale):
    """Hyperlog axis: exponential plus linear, so it changes slowly from linear to logarithmic (Gating-ML 2.0, 6.5).

    The inverse of ``a e^(by) + c y - f``, mirrored at zero for negative intensities. Accurate to about 1e-15 of the
    axis at any intensity.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    w : float
        Width of the linear part in decades, ``0 < w <= m / 2``.
    m : float
        Decades of the axis.
    a : float
        Additional negative decades, ``-w <= a <= m - 2 w``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> Hyperlog(t=1000, w=1, m=4).apply([-10, 0, 1000]).round(6)
    array([0.083554, 0.25    , 1.      ])
    """

    t: float = 262144.0
    w: float = 0.5
    m: float = 4.5
    a: float = 0.0
    kind: ClassVar[str] = "hyperlog"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "t")
        check_decades(self, "m")
        check_range(self, "w", (1e-100, ""), (self.m / 2, "m / 2"))  # the slope at zero is 1 / w
        check_range(self, "a", (-self.w, "-w"), (self.m - 2 * self.w, "m - 2 w"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        from tregflow._kernels import hyperlog  # here, since it brings in numba

        zero, a, b, c = self._constants()
        return np.asarray(zero + hyperlog(x, a, b, c))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        zero, a, b, c = self._constants()
        u = float64(y) - zero
        with np.errstate(over="ignore"):
            return np.asarray(np.copysign(a * np.expm1(b * abs(u)) + c * abs(u), u))

    def _constants(self) -> tuple[float, float, float, float]:
        """Return the position x1 of zero, and a, b, c of the function seen from there.

        The letters are those of Gating-ML 2.0, except that a holds the factor e^(b x1) as well. With it the function
        is ``a expm1(b u) + c u``, ``u = y - x1``: f has gone into the expm1, and ``c / a`` is ``e^(b w) / w``, where w
        is the width as part of the axis. It rises to t at u = 1 - x1, which gives a.
        """
        w = self.w / (self.m + self.a)
        b = (self.m + self.a) * LN10
        zero = self.a / (self.m + self.a) + w
        ratio = math.exp(b * w) / w
        a = self.t / (math.expm1(b * (1 - zero)) + ratio * (1 - zero))
        return zero, a, b, a * ratio


@dataclass(frozen=True, slots=True)
class Asinh(Scale):
    """Inverse hyperbolic sine: ``(asinh(x sinh(m ln 10) / t) + a ln 10) / ((m + a) ln 10)`` (Gating-ML 2.0, fasinh).

    The same as logicle with w = 0.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    m : float
        Decades of the axis.
    a : float
        Additional negative decades, ``0 <= a <= m``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> Asinh(t=1000, m=5).apply([-10, 0, 1000]).round(6)
    array([-0.6,  0. ,  1. ])
    """

    t: float = 262144.0
    m: float = 4.5
    a: float = 0.0
    kind: ClassVar[str] = "asinh"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "t")
        check_decades(self, "m")
        check_range(self, "a", (0.0, ""), (self.m, "m"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        data = float64(x)
        unit = self.t / math.sinh(self.m * LN10)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            quotient = data / unit
            # Far off scale the quotient overflows where its logarithm does not: asinh(q) = ln(2 |q|) there.
            far = np.copysign(np.log(abs(data)) - math.log(unit / 2), data)
        angle = np.where(np.isinf(quotient) & np.isfinite(data), far, np.arcsinh(quotient))
        return np.asarray((angle + self.a * LN10) / ((self.m + self.a) * LN10))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore"):
            angle = (float64(y) * (self.m + self.a) - self.a) * LN10
            return np.asarray(np.sinh(angle) * (self.t / math.sinh(self.m * LN10)))


def damping_of(b: float, w: float) -> float:
    """Solve ``2 (ln d - ln b) + w (d + b) = 0`` for d (Gating-ML 2.0, logicle; FlowJo's table asks the same)."""
    # For s = ln(d / b) the left side, 2 s + w b (1 + e^s), is convex and rises; it is not negative at s = 0. So
    # Newton's steps from there come down to the root and never pass it, but for rounding, which ends the loop.
    s, k = 0.0, w * b
    for _ in range(1000):
        step = (2 * s + k * (1 + math.exp(s))) / (2 + k * math.exp(s))
        if step <= 1e-17:
            break
        s -= step
    return b * math.exp(s)
