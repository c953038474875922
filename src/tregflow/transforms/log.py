"""Logarithmic axes: of Gating-ML, and of FlowJo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tregflow.transforms.base import Scale, float64
from tregflow.transforms.checks import check_decades, check_numbers, check_top

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Log(Scale):
    """Logarithmic axis of `m` decades below `t`: ``log10(x / t) / m + 1`` (Gating-ML 2.0, flog).

    Zero and negative intensities have no position: `apply` gives NaN, and gates leave such events out.

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    m : float
        Decades shown.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).
    """

    t: float = 262144.0
    m: float = 4.5
    kind: ClassVar[str] = "log"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "t")
        check_decades(self, "m")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units); NaN for `x` <= 0."""
        data = float64(x)
        positive = np.where(data > 0, data, np.nan)
        # A difference of logarithms, not the logarithm of a quotient: a quotient can underflow to zero.
        return np.asarray((np.log10(positive) - math.log10(self.t)) / self.m + 1.0)

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.t * 10.0 ** ((float64(y) - 1.0) * self.m))

    def defined(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of `x` (any shape, data units) have a finite position on the axis: those above zero."""
        data = float64(x)
        return np.isfinite(data) & (data > 0)


@dataclass(frozen=True, slots=True)
class FlowJoLog(Scale):
    """FlowJo's logarithmic axis: ``(log10(max(x, offset)) - log10(offset)) / decades``.

    What lies below `offset`, zero and negative intensities too, is held at the low end; the high end does not clamp.

    Parameters
    ----------
    offset : float
        Bottom of the axis in data units.
    decades : float
        Decades shown above it.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> FlowJoLog(offset=10, decades=4).apply([-5, 10, 1000, 1e6])
    array([0.  , 0.  , 0.5 , 1.25])
    """

    offset: float = 1.0
    decades: float = 5.0
    kind: ClassVar[str] = "flowjo_log"
    clamped: ClassVar[tuple[bool, bool]] = (True, False)

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "offset")
        check_decades(self, "decades")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units); 0 for `x` <= `offset`."""
        data = float64(x)
        position = (np.log10(np.maximum(data, self.offset)) - math.log10(self.offset)) / self.decades
        # NumPy's logarithm and the other one may differ in the last bit: at the offset, too, the position is 0.
        return np.asarray(np.where(np.isinf(data), data, np.maximum(position, 0.0)))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` (any shape); below 0, `offset`."""
        position = float64(y)
        with np.errstate(over="ignore"):
            data = self.offset * 10.0 ** (np.maximum(position, 0.0) * self.decades)
        return np.asarray(np.where(np.isinf(position), position, data))

    def _window(self, low: float | None, high: float | None) -> tuple[float, float]:
        # Whatever lies below the offset shares one place: no ticks there.
        return Scale._window(self, None if low is None else max(low, self.offset), high)

    def _position_of_zero(self) -> float:
        return -math.inf
