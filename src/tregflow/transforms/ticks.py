"""Where ticks belong on an axis, and what they are called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def even_step(low: float, high: float) -> tuple[int, int]:
    """Return the digit, 1, 2 or 5, and the power of ten that put four to ten steps between `low` and `high`."""
    rough = (high - low) / 4
    power = math.floor(math.log10(rough))
    return max(digit for digit in (1, 2, 5) if digit == 1 or digit <= rough / 10.0**power), power


def even_ticks(low: float, high: float) -> NDArray[np.float64]:
    """Return evenly spaced round numbers from `low` to `high`."""
    return multiples(*even_step(low, high), low, high)


def multiples(digit: int, power: int, low: float, high: float) -> NDArray[np.float64]:
    """Return the multiples of ``digit * 10**power`` from `low` to `high`, each the float nearest to its decimal."""
    step = digit * 10.0**power
    count = np.arange(math.ceil(low / step), math.floor(high / step) + 1.0) * digit
    # A negative power of ten is no float: multiplying by it would give 0.6000000000000001.
    return np.asarray(count * 10.0**power if power >= 0 else count / 10.0**-power)


def labelled(low: float, high: float, decades: Sequence[float]) -> NDArray[np.float64]:
    """Return zero and `decades` of either sign, as far as they lie from `low` to `high`."""
    return within(low, high, decades, (0.0,), (-decade for decade in decades))


def within(low: float, high: float, *values: Iterable[float]) -> NDArray[np.float64]:
    """Return the values from `low` to `high`, ascending."""
    return np.array(sorted(value for group in values for value in group if low <= value <= high), np.float64)


def power_of_ten(value: float) -> str | None:
    """Return the label of a power of ten of either sign, ``-10³``; None if `value` is none."""
    power = round(math.log10(abs(value))) if value else 0
    if not value or abs(value) != float(f"1e{power}"):
        return None
    return f"{'-' if value < 0 else ''}10{str(power).translate(_SUPERSCRIPTS)}"


def plain(value: float) -> str:
    """Return a short label of a number: ``0``, ``2.5K``, ``1.5M``."""
    for unit, suffix in ((1e6, "M"), (1e3, "K")):
        if abs(value) >= unit:
            return f"{value / unit:g}{suffix}"
    return f"{value:g}"
