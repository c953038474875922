"""Channels for other programs: ``$PnN`` or dye of each axis, and the matrices as Gating-ML writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tregflow.interop.gatingml.model import FCS, UNCOMPENSATED, Source
from tregflow.interop.gatingml.names import data_type, transforms
from tregflow.interop.gatingml.write_axes import text
from tregflow.interop.left_out import LeftOut
from tregflow.interop.xml import element
from tregflow.strategy.matrix import FCS_OR_NONE, SINGLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tregflow.interop.gatingml.write_axes import Transformations
    from tregflow.interop.gatingml.write_names import Ids
    from tregflow.interop.xml import Element
    from tregflow.strategy import Strategy
    from tregflow.strategy.spec import MatrixSpec

_GLOB = re.compile(r"[*?\[\]]")


@dataclass(slots=True)
class Channels:
    """What axes mean for another program, looked up once each.

    Attributes
    ----------
    strategy : Strategy
        Every matrix of it is written out under `matrices`.
    resolve : callable or None
        Marker -> ``$PnN`` in a sample; None without one.
    """

    strategy: Strategy
    resolve: Callable[[str], str] | None
    ids: Ids
    transformations: Transformations
    elements: list[Element] = field(default_factory=list)
    lost: list[LeftOut] = field(default_factory=list)
    _sources: dict[str, Source] = field(default_factory=dict)
    _matrices: dict[str, str] = field(default_factory=dict)

    def source(self, axis: str) -> Source:
        """Return name and compensation of an axis as Gating-ML says them."""
        if axis not in self._sources:
            self._sources[axis] = self._look_up(axis)
        return self._sources[axis]

    def gain(self, axis: str) -> float:
        """Return what a strategy multiplies the values of an axis by; that of a ratio stands in its constants."""
        entry = self.strategy.spec.dimensions.get(axis)
        return 1.0 if entry is None or entry.ratio is not None else entry.gain

    def is_ratio(self, axis: str) -> bool:
        """Tell whether an axis is a ratio."""
        entry = self.strategy.spec.dimensions.get(axis)
        return entry is not None and entry.ratio is not None

    def _look_up(self, axis: str) -> Source:
        entry = self.strategy.spec.dimensions.get(axis)
        if entry is None:
            return self._compensated(axis, self._channel(axis), None)
        if entry.ratio is not None:
            return self._ratio(axis, entry.ratio, (entry.a * entry.gain, entry.b, entry.c))
        name = entry.dye or entry.channel or self._channel(entry.marker or axis)
        return self._compensated(axis, name, entry.compensation)

    def _ratio(self, axis: str, names: tuple[str, str], constants: tuple[float, float, float]) -> Source:
        over, under = map(self.source, names)
        if over.compensation != under.compensation:
            reason = f"{axis}: Gating-ML compensates both sides of a ratio alike; another reader sees another ratio"
            self.lost.append(LeftOut("", "", reason))
        (x_gain, y_gain), (a, b, c) = map(self.gain, names), constants
        numbers = (a * x_gain / y_gain, b / x_gain, c / y_gain)
        return Source(self.transformations.ratio(over.name, under.name, numbers), over.compensation, ratio=True)

    def _channel(self, marker: str) -> str:
        """Return the ``$PnN`` of a marker: in the sample, else as the panel says it without room for doubt."""
        if self.resolve is not None:
            return self.resolve(marker)
        rule = self.strategy.spec.panel.get(marker)
        if rule is not None and not rule.pns and len(rule.pnn) == 1 and not _GLOB.search(rule.pnn[0]):
            return rule.pnn[0]
        if rule is not None:
            reason = (
                f"{marker}: the panel finds its channel in each file; another reader looks for a channel of this name"
            )
            self.lost.append(LeftOut("", "", reason))
        return marker

    def _compensated(self, axis: str, name: str, own: str | None) -> Source:
        setting = own or self.strategy.spec.compensation
        if not isinstance(setting, str) or setting == SINGLES:
            reason = f"{axis}: the matrix is another for each batch; another reader takes that of the file"
            self.lost.append(LeftOut("", "", reason))
            return Source(name, FCS)
        if setting == "none":
            return Source(name, UNCOMPENSATED)
        written = self.strategy.spec.matrices.get(setting)
        if written is None:
            return Source(name, self._of_the_file(axis, setting))
        dyes = _dyes(written)
        if name not in (*dyes, *written.detectors):  # a channel that the matrix does not touch
            return Source(name, UNCOMPENSATED)
        dye = name if name in dyes else dyes[written.detectors.index(name)]
        return Source(dye, self._matrix(setting, written))

    def _of_the_file(self, axis: str, setting: str) -> str:
        if setting not in ("fcs", FCS_OR_NONE):
            reason = f"{axis}: {setting} chooses one of two matrices; another reader takes that of the file as it likes"
            self.lost.append(LeftOut("", "", reason))
        return FCS

    def _matrix(self, name: str, matrix: MatrixSpec) -> str:
        if name not in self._matrices:
            self._matrices[name] = self.ids.new(name)
            self.elements.append(_element(self._matrices[name], matrix))
        return self._matrices[name]


def _dyes(matrix: MatrixSpec) -> tuple[str, ...]:
    """Return the dyes; Gating-ML asks for names other than the detectors'."""
    return matrix.dyes or tuple(f"Comp-{detector}" for detector in matrix.detectors)


def _element(name: str, matrix: MatrixSpec) -> Element:
    inverted = {transforms("matrix-inverted-already"): "true"} if matrix.inverted else {}
    rows = [
        element(
            transforms("spectrum"),
            children=[element(transforms("coefficient"), {transforms("value"): text(value)}) for value in row],
        )
        for row in matrix.matrix
    ]
    names = [_names("fluorochromes", _dyes(matrix)), _names("detectors", matrix.detectors)]
    return element(transforms("spectrumMatrix"), {transforms("id"): name, **inverted}, [*names, *rows])


def _names(tag: str, names: Sequence[str]) -> Element:
    dimensions = [element(data_type("fcs-dimension"), {data_type("name"): name}) for name in names]
    return element(transforms(tag), children=dimensions)
