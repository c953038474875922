"""Quadrants for other programs, where Gating-ML's quadrant gate says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tregflow.interop.gatingml.names import gating
from tregflow.interop.gatingml.write_axes import dimension, drawn, text
from tregflow.interop.xml import element
from tregflow.strategy.build import scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.interop.gatingml.write_axes import Transformations
    from tregflow.interop.gatingml.write_matrices import Channels
    from tregflow.interop.gatingml.write_names import Ids
    from tregflow.interop.xml import Element
    from tregflow.strategy import Strategy
    from tregflow.transforms import Scale


def quadrant_gate(
    strategy: Strategy,
    name: str,
    cells: Mapping[str, Mapping[str, int]],
    attributes: dict[str, str],
    channels: Channels,
    transformations: Transformations,
    ids: Ids,
) -> Element | None:
    """Return the ``QuadrantGate`` of quadrants; None where its cells must be written as rectangles.

    That is so on a ratio or with a gain, and on a scale that leaves values without a position or that Gating-ML lacks.

    Parameters
    ----------
    strategy : Strategy
        That has the quadrants.
    name : str
        Of the quadrants.
    cells : mapping
        Id of each cell in the file -> axis -> number.
    attributes : dict of str to str
        Id, name and parent of the element.
    channels, transformations, ids
        Of the file under construction.
    """
    spec = strategy.spec.quadrants[name]
    references = {}
    for axis in spec.dividers:
        scale = scale_of(strategy.spec, axis)
        if channels.is_ratio(axis) or channels.gain(axis) != 1.0 or not _says_the_same(scale, axis, spec.units):
            return None
        shown = spec.units == "scale" and drawn(axis, scale, "scale", 1.0).mode == "transformed"
        references[axis] = transformations.scale(scale, 1.0) if shown else None
    dividers = {axis: ids.new(f"{attributes[gating('id')]}.{axis}") for axis in spec.dividers}
    parts = []
    for axis, values in spec.dividers.items():
        divider = dimension("divider", axis, channels, transformation=references[axis])
        divider.set(gating("id"), dividers[axis])
        divider.extend([element(gating("value"), text=text(value)) for value in values])
        parts.append(divider)
    for cell, numbers in cells.items():
        positions = [
            element(
                gating("position"),
                {gating("divider_ref"): dividers[axis], gating("location"): text(_inside(spec.dividers[axis], number))},
            )
            for axis, number in numbers.items()
        ]
        parts.append(element(gating("Quadrant"), {gating("id"): cell}, positions))
    return element(gating("QuadrantGate"), attributes, parts)


def _says_the_same(scale: Scale, axis: str, units: str) -> bool:
    if units == "scale":
        shown = drawn(axis, scale, "scale", 1.0)
        return shown.mode == "transformed" or shown.exact
    return bool(scale.defined(-1.0))


def _inside(dividers: Sequence[float], number: int) -> float:
    """Return a place inside a cell, half way between its dividers.

    The lower divider belongs to the cell, and is the place where no number lies between the two.
    """
    if number == 0:
        return dividers[0] - max(1.0, abs(dividers[0]))
    if number == len(dividers):
        return dividers[-1] + max(1.0, abs(dividers[-1]))
    low, high = dividers[number - 1], dividers[number]
    middle = low + (high - low) / 2
    return middle if low < middle < high else low
