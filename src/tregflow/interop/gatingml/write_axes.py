"""Axes for other programs: the channel, its compensation, and the transformation that Gating-ML has for a scale."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tregflow.interop.gatingml.names import data_type, gating, transforms
from tregflow.interop.xml import element
from tregflow.transforms import Asinh, Hyperlog, Linear, Log, Logicle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tregflow.interop.gatingml.write_matrices import Channels
    from tregflow.interop.gatingml.write_names import Ids
    from tregflow.interop.xml import Element
    from tregflow.transforms import Scale

_FUNCTIONS: dict[type[Any], tuple[str, str]] = {
    Linear: ("flin", "TA"),
    Log: ("flog", "TM"),
    Asinh: ("fasinh", "TMA"),
    Logicle: ("logicle", "TWMA"),
    Hyperlog: ("hyperlog", "TWMA"),
}
FAR = 1e100
"""Data units beyond every event; coordinates may be 1e150 apart."""
SMALLEST = 5e-324
"""The least value above zero: where a logarithm begins to be defined."""


def text(value: float) -> str:
    """Return the shortest text that leads back to the very number."""
    return repr(float(value))


@dataclass(frozen=True, slots=True)
class Drawn:
    """An axis of a gate as other programs will draw it.

    Attributes
    ----------
    axis : str
        Name in the strategy.
    scale : Scale
        Of the gate.
    mode : {"data", "transformed", "bent"}
        data: coordinates are data units, in which the gate's edges are straight as well. transformed: they are
        positions on the scale, which Gating-ML has. bent: it has no such scale; they are data units, in which straight
        edges are curves.
    exact : bool
        Whether coordinates are those of the gate, or what our own engine makes of them, to the last digit.
    gain : float
        What the strategy multiplies values by, which Gating-ML has no word for: data units are divided by it.
    """

    axis: str
    scale: Scale
    mode: Literal["data", "transformed", "bent"]
    exact: bool
    gain: float

    @property
    def far(self) -> tuple[float, float]:
        """Places below and above every event."""
        if self.mode == "data":
            return -FAR, FAR
        low = -FAR if self.scale.defined(-1.0) else SMALLEST
        return float(self.scale.apply(low)), float(self.scale.apply(FAR))

    def places(self, points: NDArray[np.float64], units: str) -> NDArray[np.float64]:
        """Return where points of the gate lie: in data units, or as positions on the scale."""
        if self.mode == "data":
            return points if units == "data" or _is_identity(self.scale) else self.scale.inverse(points)
        return self.scale.apply(points) if units == "data" else points

    def known(self, points: NDArray[np.float64], units: str) -> dict[float, float]:
        """Return place -> coordinate of the points of a gate that are in data units already, clamped ones left out."""
        if self.mode != "bent" or units != "data":
            return {}
        low, high = self.scale.clamped
        pairs = zip(self.places(points, units).tolist(), (points / self.gain).tolist(), strict=True)
        return {place: given for place, given in pairs if not ((low and place <= 0) or (high and place >= 1))}

    def coordinates(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places as coordinates for other programs; the clamped end of an axis lies beyond every event."""
        if self.mode == "transformed":
            return places
        if self.mode == "data":
            return places / self.gain
        data = np.asarray(self.scale.inverse(places), np.float64) / self.gain
        low, high = self.scale.clamped
        data = np.where((places <= 0) & low, -FAR, data)
        return np.where((places >= 1) & high, FAR, data)


def drawn(axis: str, scale: Scale, units: str, gain: float) -> Drawn:
    """Choose how an axis of a gate is drawn for other programs."""
    if _is_identity(scale) or (scale.affine and units == "data"):
        return Drawn(axis, scale, "data", gain == 1.0, gain)
    if type(scale) in _FUNCTIONS and _is_valid(scale):
        return Drawn(axis, scale, "transformed", gain == 1.0, gain)
    return Drawn(axis, scale, "data" if scale.affine else "bent", False, gain)  # noqa: FBT003 - a field


def _is_identity(scale: Scale) -> bool:
    return scale == Linear(t=1.0)


def _is_valid(scale: Scale) -> bool:
    """Tell whether Gating-ML's limits hold for a scale; ours are wider on a linear one."""
    return not isinstance(scale, Linear) or (scale.t > 0 and 0 <= scale.a <= scale.t)


@dataclass(slots=True)
class Transformations:
    """The transformations of a file under construction, each once."""

    ids: Ids
    elements: list[Element] = field(default_factory=list)
    _known: dict[Any, str] = field(default_factory=dict)

    def scale(self, scale: Scale, gain: float) -> str:
        """Return the id of a scale; a gain is the same as a lower top: all scales depend on x / T."""
        if gain != 1.0:
            scale = _divided(scale, gain)
        if scale not in self._known:
            function, parameters = _FUNCTIONS[type(scale)]
            values = {name: text(getattr(scale, name.lower())) for name in parameters}
            wish = "_".join([function, *(f"{name}{value}" for name, value in values.items())])
            self._known[scale] = self._add(wish, function, values, ())
        return self._known[scale]

    def ratio(self, over: str, under: str, constants: tuple[float, float, float]) -> str:
        """Return the id of a ratio of two channels."""
        key = (over, under, constants)
        if key not in self._known:
            values = dict(zip("ABC", map(text, constants), strict=True))
            self._known[key] = self._add(f"ratio_{over}_{under}", "fratio", values, (over, under))
        return self._known[key]

    def _add(self, wish: str, function: str, values: dict[str, str], channels: Sequence[str]) -> str:
        name = self.ids.new(wish)
        dimensions = [element(data_type("fcs-dimension"), {data_type("name"): channel}) for channel in channels]
        attributes = {transforms(key): value for key, value in values.items()}
        inner = element(transforms(function), attributes, dimensions)
        self.elements.append(element(transforms("transformation"), {transforms("id"): name}, [inner]))
        return name


def _divided(scale: Scale, gain: float) -> Scale:
    changed = {"t": scale.t / gain}  # type: ignore[attr-defined]
    if isinstance(scale, Linear):
        changed["a"] = scale.a / gain
    return replace(scale, **changed)  # type: ignore[type-var]


def dimension(
    tag: str, axis: str, channels: Channels, *, transformation: str | None = None, ends: dict[str, str] | None = None
) -> Element:
    """Return a ``dimension`` or ``divider`` element of an axis."""
    source = channels.source(axis)
    attributes = {gating("compensation-ref"): source.compensation}
    if transformation is not None:
        attributes[gating("transformation-ref")] = transformation
    attributes |= {gating(name): value for name, value in (ends or {}).items()}
    if source.ratio:
        inner = element(data_type("new-dimension"), {data_type("transformation-ref"): source.name})
    else:
        inner = element(data_type("fcs-dimension"), {data_type("name"): source.name})
    return element(gating(tag), attributes, [inner])
