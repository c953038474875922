"""FlowJo's biexponential axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tregflow.errors import ScaleError
from tregflow.transforms.base import LN10, Scale, float64
from tregflow.transforms.checks import (
    MOST_DECADES,
    check_decades,
    check_numbers,
    check_range,
    check_top,
    exact,
    out_of_range,
)
from tregflow.transforms.logicle import damping_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BIEX_CHANNELS = 4096  # FlowJo's table has 4,097 points


@dataclass(frozen=True, slots=True)
class FlowJoBiex(Scale):
    """FlowJo 10's biexponential axis: a table of 4,097 intensities, straight between them, clamped at both ends.

    FlowJo publishes no formula. This one agrees with FlowKit's table to 1e-9 at every channel
    (tests/oracle/test_transforms_flowkit.py). The position is FlowJo's channel / 4096, so it lies in [0, 1] always.

    Parameters
    ----------
    neg : float
        Additional negative decades; below zero it counts as zero.
    width : float
        FlowJo's width basis, -1 or below: the more negative, the wider the linear part.
    pos : float
        Positive decades, more than ``log10(-width) / 2``.
    max : float
        Top of the axis in data units (FlowJo's `maxRange`).

    Raises
    ------
    ScaleError
        A parameter is out of its range, or the parameters give no rising axis (``E_SCALE``).
    """

    neg: float = 0.0
    width: float = -100.0
    pos: float = 4.418539922
    max: float = 262144.0
    kind: ClassVar[str] = "biex"
    clamped: ClassVar[tuple[bool, bool]] = (True, True)

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "max")
        check_range(self, "neg", (-MOST_DECADES, ""), (MOST_DECADES, ""))
        check_range(self, "width", (-1e100, ""), (-1.0, ""))
        check_decades(self, "pos")
        if self.pos <= math.log10(-self.width) / 2:
            raise out_of_range(self, "pos", f"pos > log10(-width) / 2 = {exact(math.log10(-self.width) / 2)}")
        if not (np.diff(self._table()) > 0).all():
            problem = f"{self} gives no rising axis"
            raise ScaleError(problem, code="E_SCALE", remedy="copy neg, width and pos from FlowJo")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units); 0 or 1 beyond its ends."""
        data = float64(x)
        channel = np.interp(data, self._table(), np.arange(_BIEX_CHANNELS + 1.0))
        return np.asarray(np.where(np.isinf(data), data, channel / _BIEX_CHANNELS))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` (any shape); beyond [0, 1] those of the ends."""
        position = float64(y)
        data = np.interp(position, np.arange(_BIEX_CHANNELS + 1.0) / _BIEX_CHANNELS, self._table())
        return np.asarray(np.where(np.isinf(position), position, data))

    def _table(self) -> NDArray[np.float64]:
        """Return the (4097,) intensities, in data units, of FlowJo's channels 0 to 4096."""
        half_width = math.log10(-self.width) / 2
        positive, negative = self.pos - half_width, max(self.neg, 0.0) + half_width
        zero = min(int(negative * _BIEX_CHANNELS / (negative + positive)), _BIEX_CHANNELS // 2)
        if zero > 0:  # the channel of zero is whole: the decades give way
            positive = negative * _BIEX_CHANNELS / zero
        width = half_width / positive
        rate = positive * LN10
        damping = damping_of(rate, width)
        at = np.arange(_BIEX_CHANNELS + 1.0) / (_BIEX_CHANNELS + 1.0)
        # One exponential for the product of FlowJo's two: it cannot overflow where the product does not.
        curve = np.exp(rate * at) - np.exp((rate + damping) * (width + negative / positive) - damping * at)
        table: NDArray[np.float64] = self.max * math.exp(-rate) * (curve - curve[zero])
        table[:zero] = -table[2 * zero : zero : -1]  # point-symmetric around zero
        return table
