"""Ranges on one axis or more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.gates.checks import check_id, check_scales, check_units, fault, freeze, number
from tregflow.gates.mask import Mask
from tregflow.transforms import Linear

if TYPE_CHECKING:
    from tregflow.gates.mask import Units, Values
    from tregflow.transforms import Scale

# Of the axis. Whoever drags a bound to the end of the chart means the end; files hold it with the digits they have.
_AT_THE_END = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Ranges on one channel or more: ``min <= x < max`` on each; a threshold is a range with one end open.

    In data units they are compared there, not on the scales: scales keep order, so the events are the same, and neither
    the rounding of a transform nor the clamped ends of FlowJo's axes can change one. With ``units="scale"`` the
    position of the event is compared (Gating-ML).

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    bounds : tuple of (channel, min or None, max or None)
        In `units`; None is open.
    scales : tuple of Scale, optional
        One per bound, or none at all in data units. They tell where a value has no position (zero and below on a log
        scale), and plots which axes to draw.
    units : {"data", "scale"}
        `bounds` are compensated data units, or positions on the scales.
    flowjo : bool
        A bound at or beyond the end of an axis that clamps there (`Scale.clamped`) counts as open: FlowJo takes in
        whatever is piled up at the edge of its chart. Otherwise its rectangles are exact.
    outside : bool
        The gate holds the events outside the ranges (FlowJo's ``eventsInside="0"``). Events without a position stay
        out of either.

    Raises
    ------
    GateError
        No bound at all, a channel without a bound or with two pairs of them, min not below max (``E_GATE``).
    """

    id: str
    parent: str
    bounds: tuple[tuple[str, float | None, float | None], ...]
    scales: tuple[Scale, ...] = ()
    units: Units = "data"
    flowjo: bool = False
    outside: bool = False

    def __post_init__(self) -> None:
        check_id(self.id)
        freeze(self, "bounds", tuple(_bound(bound, self.id) for bound in self.bounds))
        freeze(self, "scales", tuple(self.scales))
        self._check_bounds()
        check_units(self, self.units)
        if self.scales or self.units == "scale":
            check_scales(self, self.scales, len(self.bounds))

    @property
    def axes(self) -> tuple[str, ...]:
        """The names on the axes, in the order of `bounds`."""
        return tuple(channel for channel, _, _ in self.bounds)

    def evaluate(self, values: Values) -> Mask:
        """Tell which events lie within all bounds.

        Parameters
        ----------
        values : callable
            From the name on an axis to the (n_events,) compensated intensities, in data units.

        Returns
        -------
        Mask
            Of (n_events,).
        """
        from tregflow._kernels import in_range  # here, since it brings in numba

        data = [np.asarray(values(channel), np.float64) for channel in self.axes]
        scales = self.scales or (Linear(),) * len(data)
        defined = np.logical_and.reduce([scale.defined(column) for scale, column in zip(scales, data, strict=True)])
        inside = defined.copy()
        for scale, column, ends in zip(scales, data, self.ends, strict=True):
            at = column if self.units == "data" else scale.apply(column)
            inside &= in_range(at, *ends)
        mask = Mask(inside, defined)
        return mask.complement() if self.outside else mask

    @property
    def ends(self) -> tuple[tuple[float, float], ...]:
        """Between which ends events lie on each axis, in `units`; an open one is infinite."""
        scales = self.scales or (Linear(),) * len(self.bounds)
        return tuple(self._ends(scale, low, high) for scale, (_, low, high) in zip(scales, self.bounds, strict=True))

    def _ends(self, scale: Scale, low: float | None, high: float | None) -> tuple[float, float]:
        """Return the ends between which events lie on one axis; an open one is infinite."""
        held_low, held_high = scale.clamped if self.flowjo else (False, False)
        if low is None or (held_low and self._position(scale, low) <= _AT_THE_END):
            low = -math.inf
        if high is None or (held_high and self._position(scale, high) >= 1 - _AT_THE_END):
            high = math.inf
        return low, high

    def _position(self, scale: Scale, bound: float) -> float:
        return float(scale.apply(bound)) if self.units == "data" else bound

    def _check_bounds(self) -> None:
        if not self.bounds:
            raise fault(self, "rectangle without bounds", expected="a channel with min, max, or both")
        for channel, low, high in self.bounds:
            if self.axes.count(channel) > 1:
                problem = f"rectangle with two pairs of bounds on {channel}"
                raise fault(self, problem, expected="one pair per channel")
            if low is None and high is None:
                raise fault(self, f"{channel} has neither min nor max", expected="min, max, or both")
            if low is not None and high is not None and not low < high:
                raise fault(self, f"{channel}: no value is at least {low!r} and below {high!r}", expected="min < max")


def _bound(bound: tuple[str, float | None, float | None], population: str) -> tuple[str, float | None, float | None]:
    channel, *ends = bound
    low, high = (
        None if end is None else number(end, f"{which} of {channel}", population)
        for which, end in zip(("min", "max"), ends, strict=True)
    )
    return channel, low, high
