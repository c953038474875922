"""From a gate of the file to a gate that can be evaluated, with its scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from tregflow.gates import Boolean, Ellipsoid, Polygon, Rectangle
from tregflow.populations import ROOT
from tregflow.strategy.spec import AutoSpec, FmoSpec
from tregflow.transforms import Linear, Logicle, scale_from_spec

if TYPE_CHECKING:
    from tregflow.gates import Gate
    from tregflow.strategy.spec import GateSpec, StrategySpec
    from tregflow.transforms import Scale

_LINEAR_PREFIXES = ("fsc", "ssc", "time")
_BINS = 256
"""FlowJo's grid where nothing else is said (`gateResolution`)."""


def scale_of(spec: StrategySpec, axis: str) -> Scale:
    """Return the scale of an axis: as stated; else linear for scatter, time and ratios, logicle for the rest.

    The default is never derived from a file: the same gate must mean the same place in every sample.
    """
    stated = spec.scales.get(axis)
    if stated is not None:
        return scale_from_spec(stated)
    entry = spec.dimensions.get(axis)
    if entry is not None and entry.ratio is not None:
        return Linear(t=1.0)  # a position is the ratio itself
    name = axis if entry is None else entry.channel or entry.marker or entry.dye or axis
    return Linear() if name.casefold().startswith(_LINEAR_PREFIXES) else Logicle()


def is_placed(gate: GateSpec) -> bool:
    """Tell whether every coordinate of a gate is a number; one that a control gives is not, yet."""
    limits = [*(gate.above or {}).values(), *(gate.below or {}).values()]
    return not any(isinstance(limit, FmoSpec | AutoSpec) for limit in limits)


def build_gate(spec: StrategySpec, gate_id: str) -> Gate:
    """Return a gate ready to be evaluated.

    Raises
    ------
    GateError
        The coordinates make no gate (``E_GATE``).
    """
    gate = spec.gates[gate_id]
    parent = gate.parent or ROOT
    flowjo = spec.counts == "flowjo"
    bins = (gate.bins or _BINS) if flowjo else None
    if gate.polygon is not None:
        x, y = gate.polygon
        sides = cast("tuple[tuple[str, Literal['low', 'high']], ...]", tuple(gate.open.items()))
        return Polygon(
            id=gate_id,
            parent=parent,
            channels=(x, y),
            points=gate.points or (),
            scales=(scale_of(spec, x), scale_of(spec, y)),
            open=sides,
            units=gate.units,
            bins=bins,
            outside=gate.outside,
        )
    if gate.ellipsoid is not None:
        return Ellipsoid(
            id=gate_id,
            parent=parent,
            channels=gate.ellipsoid,
            mean=gate.mean or (),
            covariance=gate.covariance or (),
            distance2=gate.distance2,
            indefinite=gate.indefinite,
            scales=tuple(scale_of(spec, axis) for axis in gate.ellipsoid),
            bins=bins,
            outside=gate.outside,
        )
    if gate.rules[0] in ("not", "all", "any"):
        operator = cast("Literal['not', 'all', 'any']", gate.rules[0])
        return Boolean(id=gate_id, parent=parent, operator=operator, operands=gate.operands)
    bounds = _bounds(gate)
    scales = tuple(scale_of(spec, axis) for axis, _, _ in bounds)
    return Rectangle(
        id=gate_id,
        parent=parent,
        bounds=bounds,
        scales=scales,
        units=gate.units,
        # Cells share their dividers: with one of them open at an end, an event there would be in two cells.
        flowjo=flowjo and gate.quadrant is None,
        outside=gate.outside,
    )


def _bounds(gate: GateSpec) -> tuple[tuple[str, float | None, float | None], ...]:
    if gate.rectangle is not None:
        return tuple((axis, low, high) for axis, (low, high) in gate.rectangle.items())
    above, below = gate.above or {}, gate.below or {}
    axes = dict.fromkeys([*above, *below])
    return tuple((axis, cast("float | None", above.get(axis)), cast("float | None", below.get(axis))) for axis in axes)
