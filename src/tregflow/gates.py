"""Gates: the rules that events are put to. Frozen values, compared, hashed and signed; an edit makes a new one.

The contract of every gate:

- It is written in compensated data units and carries the scales it was drawn on.
- It is asked about all events of a sample and answers with a `Mask`. Its parent is not its business: a population is
  what passes the gate *and* its ancestors, and that is put together in `tregflow.strategy`.
- Rectangles take ``min <= x < max``; polygons follow the even-odd rule with boundary and vertices inside; combinations
  are not, all, any, of populations or their complements (Gating-ML 2.0, 5.1, 5.2.1, 5.5).
- An event that has no position on one of the axes a gate looks at (NaN, infinity, zero or below on a log scale) is
  outside the gate *and* outside its complement. Gating-ML would take it into the complement.
- Values are never changed by gating.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tregflow.errors import GateError
from tregflow.transforms import Linear, Scale, is_finite_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Values: TypeAlias = Callable[[str], NDArray[np.float64]]
"""From the name on an axis to the (n_events,) compensated intensities, in data units."""

Side: TypeAlias = Literal["low", "high"]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """What a gate says about each event.

    Attributes
    ----------
    inside : (n_events,) ndarray of bool
        The event passes the gate.
    defined : (n_events,) ndarray of bool
        The event has a position on every axis the gate looks at. Where it has none it is not `inside` either.
    """

    inside: NDArray[np.bool_]
    defined: NDArray[np.bool_]

    def complement(self) -> Mask:
        """Return the mask of the events that do not pass; those without a position stay outside."""
        return Mask(self.defined & ~self.inside, self.defined)


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
        Three different vertices or more, in order, compensated data units; the last is joined to the first.
    scales : tuple of Scale
        One per axis, stored with the gate: on other scales the edges bend and events change side.
    open : tuple of (channel, "low" or "high")
        Sides on which the polygon runs on to infinity. On that side it must end in an edge, all of whose points have
        the same coordinate; this edge is what runs on. The rest of the outline stays.

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

    def __post_init__(self) -> None:
        _freeze(self, "channels", tuple(self.channels))
        _freeze(self, "scales", tuple(self.scales))
        _freeze(self, "open", tuple(tuple(side) for side in self.open))
        self._check_axes()
        _freeze(self, "points", tuple(_point(point, self.id) for point in self.points))
        self._check_points()
        self._check_open()

    @property
    def axes(self) -> tuple[str, ...]:
        """The names on the axes, x first."""
        return self.channels

    @property
    def vertices(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The (n_vertices,) x and y of the points where the gate is decided: on a scale, or in data units if linear."""
        # Edges are straight in the gate's scales: the vertices are converted, as the events are; an edge never is.
        px, py = np.array(self.points).T
        return _position(self.scales[0], px), _position(self.scales[1], py)

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
        from tregflow._kernels import in_polygon  # here, since it brings in numba

        data = [np.asarray(values(channel), np.float64) for channel in self.channels]
        defined = self.scales[0].defined(data[0]) & self.scales[1].defined(data[1])
        px, py = self.vertices
        x, y = (_position(scale, column) for scale, column in zip(self.scales, data, strict=True))
        if self.open:
            x, y = self._pulled_in(self.channels[0], x, px), self._pulled_in(self.channels[1], y, py)
        # `defined` once more: pulling in has given an infinite value a place on the outline.
        return Mask(in_polygon(x, y, px, py) & defined, defined)

    def _pulled_in(
        self, channel: str, position: NDArray[np.float64], vertex: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        # An event beyond the extreme vertices on an open side is moved straight back onto them before the test. So it
        # is inside exactly where the polygon's outermost edge is: the edges there extend to infinity, square to the
        # side, and an event on such an extended edge is inside as one on the boundary is.
        low = vertex.min() if (channel, "low") in self.open else -math.inf
        high = vertex.max() if (channel, "high") in self.open else math.inf
        return np.clip(position, low, high)

    def _check_axes(self) -> None:
        _check_id(self.id)
        names: Sequence[str] = self.channels  # not yet known to be two
        if len(names) != 2 or names[0] == names[1]:
            raise _fault(self, f"polygon on {_listed(names)}", expected="two different channels")
        _check_scales(self, self.scales, 2)

    def _check_points(self) -> None:
        n_different = len(set(self.points))
        if n_different < 3:
            problem = f"{n_different} {'point makes' if n_different == 1 else 'different points make'} no polygon"
            remedy = "add points, or use above and below"
            raise _fault(self, problem, expected="3 different points or more", remedy=remedy)
        for channel, scale, column in zip(self.channels, self.scales, zip(*self.points, strict=True), strict=True):
            for value in column:
                if not scale.defined(value):
                    problem = f"a point at {channel} = {value!r} has no position on a {scale.kind} scale"
                    remedy = "move the point, or use a logicle scale"
                    raise _fault(self, problem, expected="a value above 0", remedy=remedy)
            # The cross product that decides would overflow, and then decide nothing. Other scales are bounded.
            if scale.affine and max(column) - min(column) > 1e150:
                raise _fault(self, f"the points are too far apart on {channel}", expected="at most 1e150")

    def _check_open(self) -> None:
        for side in self.open:
            parts: Sequence[str] = side  # not yet known to be two
            if len(parts) != 2 or parts[0] not in self.channels or parts[1] not in ("low", "high"):
                problem = f"open: {_listed(parts)} is no side of this polygon"
                expected = "one of its channels, and low or high"
                raise _fault(self, problem, expected=expected, available=self.channels)
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
            raise _fault(self, problem, expected=f"an edge at one value of {channel}", remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Ranges on one channel or more: ``min <= x < max`` on each; a threshold is a range with one end open.

    Compared in data units, not on the scales: scales keep order, so the events are the same, and neither the rounding
    of a transform nor the clamped ends of FlowJo's axis can change one.

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    bounds : tuple of (channel, min or None, max or None)
        In compensated data units; None is open.
    scales : tuple of Scale, optional
        One per bound, or none at all. They tell where a value has no position (zero and below on a log scale), and
        plots which axes to draw.

    Raises
    ------
    GateError
        No bound at all, a channel without a bound or with two pairs of them, min not below max (``E_GATE``).
    """

    id: str
    parent: str
    bounds: tuple[tuple[str, float | None, float | None], ...]
    scales: tuple[Scale, ...] = ()

    def __post_init__(self) -> None:
        _check_id(self.id)
        _freeze(self, "bounds", tuple(_bound(bound, self.id) for bound in self.bounds))
        _freeze(self, "scales", tuple(self.scales))
        self._check_bounds()
        if self.scales:
            _check_scales(self, self.scales, len(self.bounds))

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
        data = [np.asarray(values(channel), np.float64) for channel in self.axes]
        scales = self.scales or (Linear(),) * len(data)
        defined = np.logical_and.reduce([scale.defined(column) for scale, column in zip(scales, data, strict=True)])
        inside = defined.copy()
        for column, (_, low, high) in zip(data, self.bounds, strict=True):
            if low is not None:
                inside &= column >= low
            if high is not None:
                inside &= column < high
        return Mask(inside, defined)

    def _check_bounds(self) -> None:
        if not self.bounds:
            raise _fault(self, "rectangle without bounds", expected="a channel with min, max, or both")
        for channel, low, high in self.bounds:
            if self.axes.count(channel) > 1:
                problem = f"rectangle with two pairs of bounds on {channel}"
                raise _fault(self, problem, expected="one pair per channel")
            if low is None and high is None:
                raise _fault(self, f"{channel} has neither min nor max", expected="min, max, or both")
            if low is not None and high is not None and not low < high:
                raise _fault(self, f"{channel}: no value is at least {low!r} and below {high!r}", expected="min < max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean:
    """Combination of other populations: not one, all of several, or any of several.

    Attributes
    ----------
    id, parent : str
        The population that the gate makes, and the population that it is applied to.
    operator : {"not", "all", "any"}
        ``not`` takes one operand, the others two or more.
    operands : tuple of (id, complement)
        Populations; with `complement` True, the events outside.

    Raises
    ------
    GateError
        Unknown operator, wrong number of operands, or a gate that refers to itself (``E_GATE``).
    """

    id: str
    parent: str
    operator: Literal["not", "all", "any"]
    operands: tuple[tuple[str, bool], ...]

    def __post_init__(self) -> None:
        _check_id(self.id)
        _freeze(self, "operands", tuple((str(name), bool(complement)) for name, complement in self.operands))
        if self.operator not in ("not", "all", "any"):
            raise _fault(self, f"there is no operator {self.operator!r}", available=("not", "all", "any"))
        self._check_operands()

    @property
    def axes(self) -> tuple[str, ...]:
        """Empty: a combination looks at populations, not at channels."""
        return ()

    def evaluate(self, masks: Mapping[str, Mask]) -> Mask:
        """Combine the masks of the operands.

        Parameters
        ----------
        masks : mapping
            From the id of each operand to its mask.

        Returns
        -------
        Mask
            Defined where every operand is, and, for ``any``, where one of them holds the event: a union is never
            smaller than its members. Elsewhere an event that an operand cannot place is outside.

        Raises
        ------
        GateError
            An operand is not among `masks` (``E_GATE``).
        """
        operands = [self._operand(name, masks, complement=complement) for name, complement in self.operands]
        if self.operator == "not":
            return operands[0].complement()
        defined = np.logical_and.reduce([mask.defined for mask in operands])
        combine = np.logical_or if self.operator == "any" else np.logical_and
        inside = combine.reduce([mask.inside for mask in operands])
        return Mask(inside, defined | inside)

    def _operand(self, name: str, masks: Mapping[str, Mask], *, complement: bool) -> Mask:
        if name not in masks:
            raise _fault(self, f"there is no population {name}", available=tuple(masks))
        return masks[name].complement() if complement else masks[name]

    def _check_operands(self) -> None:
        n_operands = len(self.operands)
        if n_operands != 1 if self.operator == "not" else n_operands < 2:
            expected = "1 population" if self.operator == "not" else "2 populations or more"
            raise _fault(self, f"'{self.operator}' of {n_operands} populations", expected=expected)
        if self.id in (name for name, _ in self.operands):
            raise _fault(self, "the gate refers to itself", expected="other populations")


Gate: TypeAlias = Polygon | Rectangle | Boolean
"""Any gate."""


def _position(scale: Scale, data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a polygon is decided on this axis: on the scale, or in data units if the scale is affine."""
    # An affine axis keeps edges straight and order as it is, so the division that it asks for would only round.
    return data if scale.affine else scale.apply(data)


# -------------------------------------------------------------------------------------------------------- checks


def _freeze(gate: Gate, name: str, value: object) -> None:
    """Set a field of a gate under construction: what came as a list becomes a tuple, which can be hashed."""
    object.__setattr__(gate, name, value)


def _fault(
    gate: Gate, problem: str, *, expected: str = "", available: Sequence[str] = (), remedy: str = ""
) -> GateError:
    return GateError(problem, code="E_GATE", population=gate.id, expected=expected, available=available, remedy=remedy)


def _check_id(name: object) -> None:
    if not isinstance(name, str) or not name.strip():
        problem = f"a gate's id is {name!r}"
        raise GateError(problem, code="E_GATE", expected="a text that is not blank")


def _check_scales(gate: Gate, scales: Sequence[object], n_axes: int) -> None:
    if len(scales) != n_axes or not all(isinstance(scale, Scale) for scale in scales):
        expected = f"{n_axes} scales of tregflow.transforms, in the order of the axes"
        raise _fault(gate, "no scale for each axis", expected=expected)


def _number(value: object, what: str, population: str) -> float:
    if not is_finite_number(value):
        problem = f"{what} is {value!r}"
        raise GateError(problem, code="E_GATE", population=population, expected="a finite number")
    return float(value)


def _point(point: Sequence[float], population: str) -> tuple[float, float]:
    if len(point) != 2:
        problem = f"point {point!r} has {len(point)} coordinates"
        raise GateError(problem, code="E_GATE", population=population, expected="x and y")
    what = f"a coordinate of point {tuple(point)!r}"
    return _number(point[0], what, population), _number(point[1], what, population)


def _bound(bound: tuple[str, float | None, float | None], population: str) -> tuple[str, float | None, float | None]:
    channel, *ends = bound
    low, high = (
        None if end is None else _number(end, f"{which} of {channel}", population)
        for which, end in zip(("min", "max"), ends, strict=True)
    )
    return channel, low, high


def _listed(names: Sequence[str]) -> str:
    return " and ".join(map(str, names)) or "nothing"
