"""What stands at an axis: where it ends, its ticks in data units, its label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tregflow.fcs.names import printable

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from numpy.typing import ArrayLike, NDArray

    from tregflow.transforms import Scale

Span = tuple[float, float]
"""Both ends of an axis, in positions on its scale."""

HEADING, TITLE, TEXT, SMALL = 12.0, 9.0, 8.0, 7.0
"""Sizes of letters, in points; there are no others."""
X_ROOM, Y_ROOM = 0.13, 0.06
"""Shares of an axis: labels nearer than that touch, along x and along y."""
_PAD = 0.03  # of the axis, beyond what lies outside the displayed range


def span_of(scale: Scale, at: NDArray[np.float64], hold: ArrayLike = ()) -> Span:
    """Return the ends of an axis: the displayed range, and what must be seen beyond it.

    Parameters
    ----------
    scale : Scale
        Of the axis.
    at : (n_events,) ndarray
        Positions of the events. Their quantiles 0.1 % and 99.9 % are within the ends: a single event far off does not
        squeeze all others into a corner.
    hold : array_like
        Values, in data units, that must be within the ends.

    Returns
    -------
    (low, high)
        In positions on the scale; (0, 1) is the displayed range.
    """
    finite = at[np.isfinite(at)]
    held = scale.apply(hold)
    needed = np.concatenate([np.quantile(finite, (0.001, 0.999)) if finite.size else [], held[np.isfinite(held)]])
    low, high = float(min([0.0, *needed])), float(max([1.0, *needed]))
    pad = _PAD * (high - low)
    return (low - pad if low < 0 else 0.0, high + pad if high > 1 else 1.0)


def set_ticks(axis: Axis, scale: Scale, span: Span, *, room: float) -> None:
    """Put ticks where the scale wants them, with labels in data units as far as there is room for them."""
    low, high = map(float, scale.inverse(span))
    values = scale.ticks(low, high)
    at = scale.apply(values)
    labelled = _readable(values, at, room * (span[1] - span[0]))
    labels = [scale.format_tick(value) if value in labelled else "" for value in values]
    axis.set_ticks(at.tolist(), labels=labels)
    axis.set_ticks(scale.apply(scale.minor_ticks(low, high)).tolist(), minor=True)
    axis.set_tick_params(labelsize=SMALL, pad=2)


def _readable(values: NDArray[np.float64], at: NDArray[np.float64], gap: float) -> set[float]:
    """Return the ticks whose labels do not touch: zero first, then the largest; of two equal ones, the positive."""
    ticks = zip(values.tolist(), at.tolist(), strict=True)
    kept: dict[float, float] = {}
    for value, position in sorted(ticks, key=lambda tick: (tick[0] != 0, -abs(tick[0]), -tick[0])):
        if all(abs(position - other) >= gap for other in kept.values()):
            kept[value] = position
    return set(kept)


def short(text: str, most: int = 34) -> str:
    """Return `text` without control characters, cut where it would run into its neighbour.

    Examples
    --------
    >>> short("CD25hiCD127lo", 8)
    'CD25hiC…'
    """
    text = printable(text)
    return text if len(text) <= most else text[: most - 1] + "…"
