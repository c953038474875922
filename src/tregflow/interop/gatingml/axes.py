"""Names for the axes of a Gating-ML file: short where one is enough, told apart where a channel is used twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tregflow.interop.gatingml.model import FCS, UNCOMPENSATED, Axis
from tregflow.strategy.matrix import FCS_OR_NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tregflow.interop.gatingml.dimensions import Context

_COMPENSATION = {UNCOMPENSATED: "none", FCS: FCS_OR_NONE}


class Axes:
    """The axes of the gates that are taken over, with their names."""

    def __init__(self, used: Iterable[Axis], context: Context) -> None:
        self._context = context
        axes = list(dict.fromkeys(used))
        below = [Axis(source) for axis in axes if axis.source.ratio for source in context.sources_of(axis.source)]
        self._axes = list(dict.fromkeys([*axes, *below]))
        self.names = _names(self._axes)

    def dimensions(self) -> dict[str, dict[str, Any]]:
        """Return the `dimensions` of a strategy."""
        return {self.names[axis]: self._dimension(axis) for axis in self._axes}

    def scales(self) -> dict[str, Any]:
        """Return the `scales` of a strategy; an axis that is not transformed has its values as positions."""
        return {self.names[axis]: self._scale(axis) for axis in self._axes}

    def matrices(self) -> dict[str, dict[str, Any]]:
        """Return the `matrices` of a strategy."""
        used = {axis.source.compensation for axis in self._axes}
        return {
            name: {
                "detectors": list(matrix.detectors),
                **({} if matrix.plain else {"dyes": list(matrix.dyes)}),
                "matrix": list(map(list, matrix.rows)),
                **({"inverted": True} if matrix.inverted else {}),
            }
            for name, matrix in self._context.matrices.items()
            if name in used
        }

    def _dimension(self, axis: Axis) -> dict[str, Any]:
        source = axis.source
        if source.ratio:
            over, under = (self.names[Axis(each)] for each in self._context.sources_of(source))
            a, b, c = self._context.transformations[source.name].constants
            return {"ratio": [over, under], "a": a, "b": b, "c": c}
        matrix = self._context.matrices.get(source.compensation)
        kind = "channel" if matrix is None or matrix.plain else "dye"
        return {kind: source.name, "compensation": _COMPENSATION.get(source.compensation, source.compensation)}

    def _scale(self, axis: Axis) -> Any:
        transformation = self._context.transformations.get(axis.transformation or "")
        return {"linear": {"t": 1.0}} if transformation is None else transformation.scale


def _names(axes: list[Axis]) -> dict[Axis, str]:
    names: dict[Axis, str] = {}
    for axis in axes:
        name = _name(axis, axes)
        unique, count = name, 2
        while unique in names.values():
            unique, count = f"{name} {count}", count + 1
        names[axis] = unique
    return names


def _name(axis: Axis, axes: list[Axis]) -> str:
    """Return the name of the source, with its compensation and transformation where others differ in it."""
    same = [other for other in axes if other.source.name == axis.source.name]
    parts = [axis.source.name]
    if len({other.source.compensation for other in same}) > 1:
        parts.append(axis.source.compensation)
    if axis.transformation and len({other.transformation for other in same}) > 1:
        parts.append(axis.transformation)
    return " ".join(parts)
