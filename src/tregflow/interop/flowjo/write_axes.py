"""What the axes of a gated sample are in FlowJo: a parameter each, one matrix for all, one scale per parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tregflow.compensation import Spillover, Unmixing
from tregflow.gates import Boolean, Rectangle
from tregflow.interop.flowjo.write_scales import flowjo_axis
from tregflow.strategy.build import scale_of
from tregflow.strategy.dimensions import source_of
from tregflow.strategy.matrix import find_matrix
from tregflow.transforms import FlowJoLinear, Hyperlog, Logicle

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from tregflow.interop.flowjo.write_scales import Axis
    from tregflow.populations import Gated
    from tregflow.strategy.dimensions import Source
    from tregflow.strategy.matrix import Matrix
    from tregflow.transforms import Scale

PREFIX = "Comp-"
"""Before the name of a detector: its compensated values."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of FlowJo: its name, the ``$PnN`` behind it, and what the clock is multiplied by."""

    name: str
    channel: str
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of one sample.

    Attributes
    ----------
    matrix : Spillover or None
        What FlowJo shall compensate by.
    parameters : mapping of str to Parameter
        Name on an axis of the strategy -> parameter.
    scales : mapping of str to Axis
        Name of a parameter -> FlowJo's axis for it; of every parameter of the file.
    reasons : mapping of str to str
        Name on an axis of the strategy -> why FlowJo has no such parameter.
    """

    matrix: Spillover | None
    parameters: Mapping[str, Parameter]
    scales: Mapping[str, Axis]
    reasons: Mapping[str, str] = field(default_factory=dict)

    def of_gate(self, axes: tuple[str, ...]) -> dict[str, Scale]:
        """Return FlowJo's axis for each name on the axes of a gate; all must have a parameter."""
        return {name: self.scales[self.parameters[name].name] for name in axes}


def axes_of(gated: Gated) -> Axes:
    """Return FlowJo's axes for a gated sample."""
    names = dict.fromkeys(axis for gate in gated.gates.values() for axis in gate.axes)
    sources = {name: source_of(gated.strategy, name, gated.sample) for name in names}
    settings = dict.fromkeys(source.compensation for source in sources.values())
    matrices = {
        setting: gated.spillover
        if setting is None
        else find_matrix(setting, gated.sample, batch=gated.batch, known=gated.strategy.known)
        for setting in sorted(settings, key=lambda name: name is not None)  # the strategy's own, of most axes, first
    }
    square = [matrix for matrix in matrices.values() if isinstance(matrix, Spillover)]
    matrix = square[0] if square else None
    parameters: dict[str, Parameter] = {}
    reasons: dict[str, str] = {}
    for name, source in sources.items():
        found = _parameter(gated, name, source, matrices[source.compensation], matrix)
        if not isinstance(found, str):
            found = _one_gain(name, found, parameters.values())
        if isinstance(found, str):
            reasons[name] = found
        else:
            parameters[name] = found
    scales = dict(_asked(gated, parameters))
    clocks = {each.name for each in parameters.values() if each.gain != 1.0}
    return Axes(matrix, parameters, dict(_all_scales(gated, matrix, scales, clocks)), reasons)


def _parameter(
    gated: Gated, name: str, source: Source, matrix: Matrix | None, of_sample: Spillover | None
) -> Parameter | str:
    """Return the parameter behind a name on an axis, or why FlowJo has none."""
    channel = source.channel
    if source.ratio is not None:
        return f"{name} is a ratio, and FlowJo's gates have none"
    if channel is None or isinstance(matrix, Unmixing):
        return f"{name} is unmixed, and FlowJo compensates by a matrix with a detector for each dye"
    compensated = matrix is not None and channel.pnn in matrix.detectors
    parts = [gated.sample.channel(each) for each in matrix.detectors] if matrix and compensated else [channel]
    divided = next((each for each in parts if each.gain != 1.0), None) if gated.strategy.spec.gains == "fcs" else None
    if divided is not None:
        which = "its gain" if divided == channel else f"the gain of {divided.pnn} before it is compensated"
        return f"{name} is divided by {which} ($P{divided.number}G), and FlowJo's gates are not"
    if source.gain != 1.0 and (compensated or not channel.pnn.casefold().startswith("time")):
        return f"{name} is multiplied by {source.gain}, and FlowJo does so with the clock only"
    if matrix is None or of_sample is None or not compensated:
        return Parameter(channel.pnn, channel.pnn, source.gain)
    if not _same(matrix, of_sample):
        return f"{name} has a matrix of its own, and FlowJo has one for all of a sample"
    return Parameter(f"{PREFIX}{channel.pnn}", channel.pnn)


def _one_gain(name: str, parameter: Parameter, others: Iterable[Parameter]) -> Parameter | str:
    """Return a parameter, or why FlowJo cannot have it beside the others: it multiplies a parameter by one number."""
    other = next((each.gain for each in others if each.name == parameter.name and each.gain != parameter.gain), None)
    if other is None:
        return parameter
    return f"{name} is {parameter.channel} times {parameter.gain}, another gate's times {other}; FlowJo has one gain"


def _same(one: Spillover, other: Spillover) -> bool:
    return one is other or (one.detectors == other.detectors and np.array_equal(one.matrix, other.matrix))


def _asked(gated: Gated, parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, Axis]]:
    """Yield the axis that the gates ask for, per parameter; what is drawn on it comes before what has mere bounds."""
    seen: set[str] = set()
    shapes = [gate for gate in gated.gates.values() if not isinstance(gate, Boolean)]
    for bounds in (False, True):
        for gate in shapes:
            if isinstance(gate, Rectangle) is not bounds:
                continue
            for name, scale in zip(gate.axes, gate.scales, strict=True):
                if name in parameters and parameters[name].name not in seen:
                    top = gated.sample.channel(parameters[name].channel).range
                    axis = _shown(scale, top, parameters[name].gain)
                    if axis is not None:
                        seen.add(parameters[name].name)
                        yield parameters[name].name, axis


def _shown(scale: Scale, top: float | None, gain: float) -> Axis | None:
    if gain != 1.0 and not scale.affine:
        return None  # only a linear axis has a gain in FlowJo
    if isinstance(scale, Hyperlog):  # bounds keep their events on the axis that looks most like it
        return Logicle(t=scale.t, w=scale.w, m=scale.m, a=scale.a)
    return flowjo_axis(scale, None if top is None else top * gain)


def _all_scales(
    gated: Gated, matrix: Spillover | None, asked: Mapping[str, Axis], clocks: Container[str]
) -> Iterator[tuple[str, Axis]]:
    """Yield an axis for every parameter of the file, in the order of FlowJo: as recorded, then as compensated."""
    detectors = matrix.detectors if matrix else ()
    spec = gated.strategy.spec
    for prefix, channels in (("", gated.sample.names), (PREFIX, detectors)):
        for channel in channels:
            # FlowJo shows recorded and compensated values on the same axis unless told otherwise.
            other = asked.get(f"{PREFIX}{channel}") if not prefix else asked.get(channel)
            usual = flowjo_axis(scale_of(spec, channel), gated.sample.channel(channel).range)
            if f"{prefix}{channel}" in clocks:
                other = usual = None
            yield f"{prefix}{channel}", asked.get(f"{prefix}{channel}") or other or usual or FlowJoLinear(0.0, 262144.0)
