"""What all scales share: their verbs, ticks and labels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tregflow.errors import ScaleError
from tregflow.transforms.checks import exact
from tregflow.transforms.ticks import even_ticks, labelled, plain, power_of_ten, within

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LN10 = math.log(10.0)
_LABEL_GAP = 0.04  # of the axis: labels nearer than that run into each other


class Scale(ABC):
    """What all scales share: checks, ticks, and labels.

    Attributes
    ----------
    kind : str
        Name in a strategy: ``linear``, ``log``, ``logicle``, ``hyperlog``, ``asinh``, ``biex``, ``flowjo_linear`` or
        ``flowjo_log``.
    affine : bool
        True where the axis only shifts and stretches: straight edges are straight in data units, too, and gates are
        then evaluated there, without the rounding of a division.
    clamped : tuple of (bool, bool)
        Whether all that lies below position 0 is held at 0, and all that lies above 1 at 1.
    """

    __slots__ = ()
    kind: ClassVar[str]
    affine: ClassVar[bool] = False
    clamped: ClassVar[tuple[bool, bool]] = (False, False)

    @abstractmethod
    def apply(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the positions on the axis of intensities `x` (any shape, data units)."""

    @abstractmethod
    def inverse(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return the intensities, in data units, at positions `y` on the axis (any shape)."""

    def defined(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of `x` (any shape, data units) have a finite position on the axis."""
        return np.isfinite(float64(x))

    def bins(self, x: ArrayLike, n: int) -> NDArray[np.float64]:
        """Return FlowJo's bin of each intensity, where the axis has `n` bins (a gate's ``gateResolution``).

        FlowJo counts polygons and ellipses on a grid: events and vertices are both put into bins. The rule is not
        published; it was inferred from the counts that workspaces store.

        Parameters
        ----------
        x : array_like, any shape
            Compensated intensities in data units.
        n : int
            Bins from position 0 to position 1.

        Returns
        -------
        ndarray of float64, shape of `x`
            Whole numbers, below 0 and above `n` too where the axis does not clamp; NaN where `x` has no position.
        """
        return self.bins_at(self.apply(x), n)

    def bins_at(self, y: ArrayLike, n: int) -> NDArray[np.float64]:
        """Return FlowJo's bins, as `bins` does, of positions `y` on the axis."""
        with np.errstate(over="ignore"):
            return np.floor(self.held(y) * n)

    def held(self, y: ArrayLike) -> NDArray[np.float64]:
        """Return positions, those beyond an end that clamps at this end."""
        low, high = self.clamped
        return np.clip(float64(y), 0.0 if low else -np.inf, 1.0 if high else np.inf)

    def ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return where labelled ticks belong: zero and the powers of ten of either sign, in data units.

        Parameters
        ----------
        low, high : float, optional
            Ends of what is shown, in data units; by default the displayed range, `inverse(0)` to `inverse(1)`.

        Returns
        -------
        (n_ticks,) ndarray of float64
            Ascending, within `low` and `high`. Powers of ten that crowd around zero (nearer than 4 % of the axis) are
            left out. Where fewer than two ticks remain, as in a narrow window, evenly spaced round numbers instead.

        Raises
        ------
        ScaleError
            `low` is not below `high`, or the axis does not reach them (``E_SCALE``).
        """
        low, high = self._window(low, high)
        ticks = labelled(low, high, self._decades(low, high))
        return ticks if ticks.size > 1 else even_ticks(low, high)

    def minor_ticks(self, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """Return where unlabelled ticks belong, in data units: 2 to 9 times each power of ten, of either sign.

        They begin one decade below the smallest labelled one; between evenly spaced ticks there are none. Parameters,
        order and errors as for `ticks`.
        """
        low, high = self._window(low, high)
        decades = self._decades(low, high)
        if labelled(low, high, decades).size < 2:
            return np.empty(0)
        steps = [digit * decade for decade in (*(d / 10 for d in decades[:1]), *decades) for digit in range(2, 10)]
        return within(low, high, steps, (-step for step in steps))

    def format_tick(self, value: float) -> str:
        """Return the label of a tick at `value` (data units): ``-10³``, ``0``, ``10⁵``; off the decades ``2.5K``."""
        return power_of_ten(value) or plain(value)

    def _window(self, low: float | None, high: float | None) -> tuple[float, float]:
        low = float(self.inverse(0.0)) if low is None else low
        high = float(self.inverse(1.0)) if high is None else high
        if not (low < high and math.isfinite(high - low) and self.defined([low, high]).all()):
            problem = f"{self.kind}: no axis from {exact(low)} to {exact(high)}"
            raise ScaleError(problem, code="E_SCALE", expected="low < high, both on the axis")
        # A grain of tolerance keeps a tick at the very end: the displayed range comes out of exp() and log().
        return low - 1e-12 * abs(low), high + 1e-12 * abs(high)

    def _decades(self, low: float, high: float) -> list[float]:
        """Return the positive powers of ten that are worth a label between `low` and `high`, upwards from zero."""
        top = math.floor(math.log10(max(abs(low), abs(high))))
        decades = [float(f"1e{power}") for power in range(max(top - 200, -307), top + 1)]
        # Scales with negative values are symmetric around zero: what has room on one side has it on the other.
        positions = self.apply(decades)
        gap = _LABEL_GAP * float(self.apply(high) - self.apply(low))
        last = self._position_of_zero()
        kept = []
        for decade, position in zip(decades, positions, strict=True):
            if position - last >= gap and any(low <= signed <= high for signed in (decade, -decade)):
                kept.append(decade)
                last = position
        return kept

    def _position_of_zero(self) -> float:
        """Return where zero crowds out the labels of small decades; minus infinity where it has no label."""
        return float(self.apply(0.0)) if self.defined(0.0) else -math.inf


def float64(x: ArrayLike) -> NDArray[np.float64]:
    """Return `x` in the precision in which all scales work."""
    return np.asarray(x, np.float64)
