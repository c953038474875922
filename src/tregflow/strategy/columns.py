"""The columns of a sample that gates look at: divided by their gain, compensated, put into ratios, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tregflow._yaml import suggest
from tregflow.errors import PanelError
from tregflow.findings import Finding
from tregflow.strategy.build import scale_of
from tregflow.strategy.matrix import find_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tregflow.fcs import Sample
    from tregflow.strategy import Strategy
    from tregflow.strategy.dimensions import Ratio, Source
    from tregflow.strategy.matrix import Matrix

    Array = TypeVar("Array", NDArray[np.bool_], NDArray[np.float64])


class Columns:
    """The compensated columns of a sample; knows which held values that are no numbers.

    Parameters
    ----------
    strategy : Strategy
        Its dimensions, matrices and scales.
    sample : Sample
        With every channel read that `tregflow.strategy.evaluate.needed_channels` names.
    sources : mapping of str to Source
        Axis -> what it means in this sample.
    matrix : Spillover, Unmixing or None
        That of the strategy, for axes without a setting of their own.
    """

    def __init__(
        self, strategy: Strategy, sample: Sample, sources: Mapping[str, Source], matrix: Matrix | None
    ) -> None:
        self._strategy = strategy
        self._sample = sample
        self._sources = sources
        self._matrices: dict[str | None, Matrix | None] = {None: matrix}
        self._divided: dict[str, NDArray[np.float64]] = {}
        self._made: dict[Source, NDArray[np.float64]] = {}

    def get(self, axis: str) -> NDArray[np.float64]:
        """Return the (n_events,) compensated values of an axis, in data units."""
        if axis not in self._sources:
            raise PanelError(
                f"no gate and no MFI of the strategy looks at {axis}{suggest(axis, self._sources)}",
                code="E_NO_CHANNEL",
                file=self._sample.file,
                available=list(self._sources),
                remedy="add it to mfi in the strategy, or take sample.values",
            )
        return self._of(self._sources[axis])

    def _of(self, source: Source) -> NDArray[np.float64]:
        if source not in self._made:
            made = self._compensated(source) if source.ratio is None else self._divide(source.ratio)
            self._made[source] = shared(made)
        return self._made[source]

    def _compensated(self, source: Source) -> NDArray[np.float64]:
        matrix = self.matrix(source)
        name = source.dye if source.channel is None else source.channel.pnn
        if matrix is None:
            values = self._recorded(name).astype(np.float64)
        else:
            values = matrix.compensated(self._sample, name, recorded=self._recorded)
        return values if source.gain == 1.0 else values * source.gain

    def _divide(self, ratio: Ratio) -> NDArray[np.float64]:
        """Return a (x - b) / (y - c); NaN where y is c, so that the event has no position."""
        x, y = self._of(ratio.x), self._of(ratio.y)
        with np.errstate(all="ignore"):
            quotient = ratio.a * (x - ratio.b) / (y - ratio.c)
        # An infinite y would give 0, which is a position: an event that holds infinity has none.
        return np.where(np.isfinite(quotient) & np.isfinite(y), quotient, np.nan)

    def _recorded(self, pnn: str) -> NDArray[Any]:
        """Return the values of a channel before compensation, divided by ``$PnG`` where the strategy asks for it."""
        gain = self._sample.channel(pnn).gain if self._strategy.spec.gains == "fcs" else 1.0
        if gain == 1.0:
            return self._sample.values(pnn)
        if pnn not in self._divided:
            self._divided[pnn] = shared(self._sample.values(pnn).astype(np.float64) / gain)
        return self._divided[pnn]

    def matrix(self, source: Source) -> Matrix | None:
        """Return the matrix that a source is compensated with."""
        setting = source.compensation
        if setting not in self._matrices:
            self._matrices[setting] = find_matrix(str(setting), self._sample, batch=None, known=self._strategy.known)
        return self._matrices[setting]

    def findings(self) -> tuple[Finding, ...]:
        """Return what was noticed: of matrices beside the strategy's, and of values that gates cannot place."""
        noticed = [finding for axis in self._sources for finding in self._noticed(axis)]
        others = [matrix for setting, matrix in self._matrices.items() if setting is not None and matrix is not None]
        of_matrices = [finding for matrix in others for finding in matrix.findings]
        return tuple(dict.fromkeys([*of_matrices, *noticed]))

    def _noticed(self, axis: str) -> Iterator[Finding]:
        column, source = self.get(axis), self._sources[axis]
        numbers = np.logical_and.reduce([np.isfinite(self._of(part)) for part in source.parts])
        bad = int(column.size - np.count_nonzero(numbers))
        if bad:
            text = f"{bad} of {column.size} events hold NaN or infinity; they are outside every gate on {axis}"
            yield Finding("non-finite-values", "warning", axis, text)
        if not any(axis in gate.axes for gate in self._strategy.spec.gates.values()):
            return
        scale = scale_of(self._strategy.spec, axis)
        finite = np.isfinite(column)
        lacking = {
            f"finite ratio {source.label}": np.count_nonzero(numbers & ~finite),
            f"position on the {scale.kind} scale": np.count_nonzero(finite & ~scale.defined(column)),
        }
        for what, count in lacking.items():
            if count:
                text = (
                    f"{count} of {column.size} events have no {what}; they are outside every gate on {axis}, and "
                    "outside its complement"
                )
                yield Finding("off-scale-values", "warning", axis, text)


def shared(array: Array) -> Array:
    """Guard an array that several readers share: counts and medians are taken from it whenever they are asked for."""
    array.setflags(write=False)
    return array
