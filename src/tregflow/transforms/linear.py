"""Linear axes: of Gating-ML, and of FlowJo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tregflow.transforms.base import Scale, float64
from tregflow.transforms.checks import check_numbers, check_range, check_top, exact, out_of_range
from tregflow.transforms.ticks import even_step, even_ticks, multiples, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class _Affine(Scale):
    """What linear axes share: evenly spaced ticks, and FlowJo's bins, which are rounded here and floored elsewhere."""

    __slots__ = ()
    affine: ClassVar[bool] = True

    def bins_at(self, y: ArrayLike, n: int) -> NDArray[np.float64]:
        """Return FlowJo's bins, as `bins` does, of positions `y` on the axis."""
        with np.errstate(over="ignore"):
            return np.floor(float64(y) * n + 0.5)

    def ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return evenly spaced round numbers, in data units; parameters and errors as for `Scale.ticks`."""
        return even_ticks(*self._window(low, high))

    def minor_ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return what divides the distance of two labelled ticks by five; parameters and errors as for `ticks`."""
        low, high = self._window(low, high)
        digit, power = even_step(low, high)
        fine = multiples(2 * digit, power - 1, low, high)
        return np.setdiff1d(fine, even_ticks(low, high))

    def format_tick(self, value: float) -> str:
        """Return the label of a tick at `value` (data units): ``0``, ``50K``, ``1.5M``."""
        return plain(value)


@dataclass(frozen=True, slots=True)
class Linear(_Affine):
    """Linear axis from ``-a`` to `t`: ``(x + a) / (t + a)`` (Gating-ML 2.0, flin).

    Parameters
    ----------
    t : float
        Top of the axis in data units.
    a : float
        How far the axis reaches below zero, ``0 <= a <= t``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> float(Linear(t=1024, a=256).apply(-100))
    0.121875
    """

    t: float = 262144.0
    a: float = 0.0
    kind: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_top(self, "t")
        check_range(self, "a", (0.0, ""), (self.t, "t"))

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        with np.errstate(over="ignore"):
            return np.asarray((float64(x) + self.a) / (self.t + self.a))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore"):
            return np.asarray(float64(y) * (self.t + self.a) - self.a)


@dataclass(frozen=True, slots=True)
class FlowJoLinear(_Affine):
    """FlowJo's linear axis from `min` to `max`: ``(x - min) / (max - min)``.

    Gating-ML's `Linear` cannot begin above zero; FlowJo's can. Nothing is clamped.

    Parameters
    ----------
    min, max : float
        Ends of the axis in data units (FlowJo's `minRange` and `maxRange`), ``min < max``.

    Raises
    ------
    ScaleError
        A parameter is out of its range (``E_SCALE``).

    Examples
    --------
    >>> FlowJoLinear(min=50_000, max=150_000).apply([0, 50_000, 75_000])
    array([-0.5 ,  0.  ,  0.25])
    """

    min: float = 0.0
    max: float = 262144.0
    kind: ClassVar[str] = "flowjo_linear"

    def __post_init__(self) -> None:
        check_numbers(self)
        check_range(self, "min", (-1e100, ""), (1e100, ""))
        check_range(self, "max", (-1e100, ""), (1e100, ""))
        # Ends too near one another would throw ordinary intensities out of float64.
        if not self.max - self.min >= 1e-100:
            raise out_of_range(self, "max", f"max > min = {exact(self.min)}")

    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""
        with np.errstate(over="ignore"):
            return np.asarray((float64(x) - self.min) / (self.max - self.min))

    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""
        with np.errstate(over="ignore"):
            return np.asarray(float64(y) * (self.max - self.min) + self.min)
