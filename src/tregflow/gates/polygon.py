"""Polygons on two axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tregflow.errors import GateError
from tregflow.gates.checks import check_bins, check_id, check_scales, check_units, fault, freeze, listed, number
from tregflow.gates.mask import Mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.gates.mask import Side, Units, Values
    from tregflow.transforms import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """Polygon on two channels, its edges straight on the scales it was drawn on.

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    channels : tuple of str
        Markers or channels on x and y: ``("CD25", "CD127")``.
    points : tuple of (float, float)
        Three different vertices or more, in order, in `units`; the last is joined to the first.
    scales : tuple of Scale
        One per axis, stored with the gate: on other scales the edges bend and events change side.
    open : tuple of (channel, "low" or "high")
        Sides on which the polygon runs on to infinity. On that side it must end in an edge, all of whose points have
        the same coordinate; this edge is what runs on. The rest of the outline stays.
    units : {"data", "scale"}
        `points` are compensated data units, or positions on the scales (Gating-ML).
    bins : int, optional
        Decide on FlowJo's grid of so many bins per axis (its ``gateResolution``): events and vertices are put into
        bins by `Scale.bins`, and the polygon of whole numbers, boundary included, holds an event or does not. None:
        decide exactly.
    outside : bool
        The gate holds the events outside the polygon (FlowJo's ``eventsInside="0"``). Events without a position stay
        out of either.

    Raises
    ------
    GateError
        The gate is not one: too few points, points that the scale cannot show, unknown sides (``E_GATE``).
    """

    id: str
    parent: str
    channels: tuple[str, str]
    points: tuple[tuple[float, float], ...]
    scales: tuple[Scale, Scale]
    open: tuple[tuple[str, Side], ...] = ()
    units: Units = "data"
    bins: int | None = None
    outside: bool = False

    def __post_init__(self) -> None:
        freeze(self, "channels", tuple(self.channels))
        freeze(self, "scales", tuple(self.scales))
        freeze(self, "open", tuple(tuple(side) for side in self.open))
        self._check_axes()
        freeze(self, "points", tuple(_point(point, self.id) for point in self.points))
        self._check_points()
        self._check_open()

    @property
    def axes(self) -> tuple[str, ...]:
        """The names on the axes, x first."""
        return self.channels

    @property
    def vertices(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The (n_vertices,) x and y where the gate is decided: in bins, on a scale, or in data units if linear."""
        # Edges are straight in the gate's scales: the vertices are converted, as the events are; an edge never is.
        px, py = np.ascontiguousarray(np.array(self.points).T)
        return self._vertex(self.scales[0], px), self._vertex(self.scales[1], py)

    def evaluate(self, values: Values) -> Mask:
        """Tell which events lie in the polygon.

        Parameters
        ----------
        values : callable
            From the name on an axis to the (n_events,) compensated intensities, in data units.

        Returns
        -------
        Mask
            Of (n_events,).
        """
        data = [np.asarray(values(channel), np.float64) for channel in self.channels]
        defined = self.scales[0].defined(data[0]) & self.scales[1].defined(data[1])
        x, y = (self._event(scale, column) for scale, column in zip(self.scales, data, strict=True))
        # `defined` once more: pulling in has given an infinite value a place on the outline.
        mask = Mask(self.holds(x, y) & defined, defined)
        return mask.complement() if self.outside else mask

    def holds(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which points lie in the polygon; x and y are where events are decided, as `vertices` are."""
        from tregflow._kernels import in_polygon  # here, since it brings in numba

        px, py = self.vertices
        if self.open:
            (x_low, x_high), (y_low, y_high) = self.ends
            x, y = np.clip(x, x_low, x_high), np.clip(y, y_low, y_high)
        return in_polygon(x, y, px, py)

    def _event(self, scale: Scale, data: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where events are decided on this axis."""
        if self.bins is not None:
            return scale.bins(data, self.bins)
        # An affine axis keeps edges straight and order as it is, so the division that it asks for would only round.
        return data if scale.affine and self.units == "data" else scale.apply(data)

    def _vertex(self, scale: Scale, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where vertices lie on this axis, seen as the events are."""
        if self.units == "data":
            return self._event(scale, given)
        return given if self.bins is None else scale.bins_at(given, self.bins)

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where events are pulled in on x and on y: the ends of the polygon on open sides, elsewhere infinity."""
        # An event beyond the extreme vertices on an open side is moved straight back onto them before the test. So it
        # is inside exactly where the polygon's outermost edge is: the edges there extend to infinity, square to the
        # side, and an event on such an extended edge is inside as one on the boundary is.
        px, py = self.vertices
        return self._open_ends(self.channels[0], px), self._open_ends(self.channels[1], py)

    def _open_ends(self, channel: str, vertex: NDArray[np.float64]) -> tuple[float, float]:
        low = float(vertex.min()) if (channel, "low") in self.open else -math.inf
        high = float(vertex.max()) if (channel, "high") in self.open else math.inf
        return low, high

    def _check_axes(self) -> None:
        check_id(self.id)
        names: Sequence[str] = self.channels  # not yet known to be two
        if len(names) != 2 or names[0] == names[1]:
            raise fault(self, f"polygon on {listed(names)}", expected="two different channels")
        check_scales(self, self.scales, 2)
        check_units(self, self.units)
        check_bins(self, self.bins)

    def _check_points(self) -> None:
        n_different = len(set(self.points))
        if n_different < 3:
            problem = f"{n_different} {'point makes' if n_different == 1 else 'different points make'} no polygon"
            remedy = "add points, or use above and below"
            raise fault(self, problem, expected="3 different points or more", remedy=remedy)
        for channel, scale, column in zip(self.channels, self.scales, zip(*self.points, strict=True), strict=True):
            self._check_column(channel, scale, column)

    def _check_column(self, channel: str, scale: Scale, column: tuple[float, ...]) -> None:
        for value in column:
            if self.units == "data" and not scale.defined(value):
                problem = f"a point at {channel} = {value!r} has no position on a {scale.kind} scale"
                remedy = "move the point, or use a logicle scale"
                raise fault(self, problem, expected="a value above 0", remedy=remedy)
        # The cross product that decides would overflow, and then decide nothing. Data on other scales are bounded.
        if scale.affine or self.units == "scale":
            at = self._vertex(scale, np.array(column))
            if not float(at.max()) - float(at.min()) <= 1e150:
                raise fault(self, f"the points are too far apart on {channel}", expected="at most 1e150")

    def _check_open(self) -> None:
        for side in self.open:
            parts: Sequence[str] = side  # not yet known to be two
            if len(parts) != 2 or parts[0] not in self.channels or parts[1] not in ("low", "high"):
                problem = f"open: {listed(parts)} is no side of this polygon"
                expected = "one of its channels, and low or high"
                raise fault(self, problem, expected=expected, available=self.channels)
            self._check_flat(*side)

    def _check_flat(self, channel: str, end: Side) -> None:
        # Past a lone corner nothing runs on but a line without width: the gate would read open and be closed.
        axis = self.channels.index(channel)
        column = [point[axis] for point in self.points]
        extreme = min(column) if end == "low" else max(column)
        outermost = [column[i - 1] == column[i] == extreme for i in range(len(column))]
        if not any(flat and self.points[i - 1] != self.points[i] for i, flat in enumerate(outermost)):
            corner = self.points[column.index(extreme)]
            problem = f"open: {channel} {end}: the polygon ends there in the corner {corner!r}, not in an edge"
            remedy = f"give two neighbouring points the {'lowest' if end == 'low' else 'highest'} {channel}"
            raise fault(self, problem, expected=f"an edge at one value of {channel}", remedy=remedy)


def _point(point: Sequence[float], population: str) -> tuple[float, float]:
    if len(point) != 2:
        problem = f"point {point!r} has {len(point)} coordinates"
        raise GateError(problem, code="E_GATE", population=population, expected="x and y")
    what = f"a coordinate of point {tuple(point)!r}"
    return number(point[0], what, population), number(point[1], what, population)
