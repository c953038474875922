"""The columns of a sample that gates look at: divided by their gain, compensated, put into ratios, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tregflow._yaml import suggest
from tregflow.compensation import Unmixing
from tregflow.errors import CompensationError, PanelError
from tregflow.findings import Finding
from tregflow.strategy.build import scale_of
from tregflow.strategy.matrix import find_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tregflow.compensation.sums import Recorded
    from tregflow.fcs import Sample
    from tregflow.strategy import Strategy
    from tregflow.strategy.dimensions import Ratio, Source
    from tregflow.strategy.matrix import Matrix
    from tregflow.transforms import Scale

    Array = TypeVar("Array", NDArray[np.bool_], NDArray[np.float64])


class Columns:
    """The compensated columns of a sample; knows which held values that are no numbers.

    Parameters
    ----------
    strategy : Strategy
        Its dimensions, matrices and scales.
    sample : Sample
        With every channel read that `stored` names.
    sources : mapping of str to Source
        Axis -> what it means in this sample.
    matrix : Spillover, Unmixing or None
        That of the strategy, for axes without a setting of their own.
    recorded : callable, optional
        ``$PnN`` -> (n_chosen,) recorded values of some of the events; default: the sample's, of all of them.
    """

    def __init__(
        self,
        strategy: Strategy,
        sample: Sample,
        sources: Mapping[str, Source],
        matrix: Matrix | None,
        *,
        recorded: Recorded | None = None,
    ) -> None:
        self._strategy = strategy
        self._sample = sample
        self._sources = sources
        self._values = recorded or sample.values
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
        return self.of(self._sources[axis])

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
        x, y = self.of(ratio.x), self.of(ratio.y)
        with np.errstate(all="ignore"):
            quotient = ratio.a * (x - ratio.b) / (y - ratio.c)
        # An infinite y would give 0, which is a position: an event that holds infinity has none.
        return np.where(np.isfinite(quotient) & np.isfinite(y), quotient, np.nan)

    def _recorded(self, pnn: str) -> NDArray[Any]:
        """Return the values of a channel before compensation, divided by ``$PnG`` where the strategy asks for it."""
        gain = self.divisor(pnn)
        if gain == 1.0:
            return self._values(pnn)
        if pnn not in self._divided:
            self._divided[pnn] = shared(self._values(pnn).astype(np.float64) / gain)
        return self._divided[pnn]

    def stored(self) -> tuple[str, ...]:
        """Return the ``$PnN`` that the axes are made of, detectors of their matrices included, in order of the file."""
        parts = [part for source in self._sources.values() for part in source.parts]
        wanted = {part.channel.pnn for part in parts if part.channel is not None}
        for matrix in map(self.matrix, parts):
            wanted |= set(matrix.detectors) if matrix else set()
        return tuple(channel.pnn for channel in self._sample.channels if channel.pnn in wanted)

    def divisor(self, pnn: str) -> float:
        """Return what the values of a channel are divided by before compensation."""
        return self._sample.channel(pnn).gain if self._strategy.spec.gains == "fcs" else 1.0

    def of(self, source: Source) -> NDArray[np.float64]:
        """Return the compensated values of a source, in data units: (n_events,)."""
        if source not in self._made:
            made = self._compensated(source) if source.ratio is None else self._divide(source.ratio)
            self._made[source] = shared(made)
        return self._made[source]

    def matrix(self, source: Source) -> Matrix | None:
        """Return the matrix that a source is compensated with.

        Raises
        ------
        CompensationError
            As `find_matrix`; ``E_DYE``: the source is a dye, and the matrix does not give it.
        """
        setting = source.compensation
        if setting not in self._matrices:
            self._matrices[setting] = find_matrix(str(setting), self._sample, batch=None, known=self._strategy.known)
        matrix = self._matrices[setting]
        if source.channel is None and not (isinstance(matrix, Unmixing) and source.dye in matrix.dyes):
            # A setting from elsewhere, as a study's: without this a stored channel of that name would pass for the dye.
            raise CompensationError(
                f"the compensation that is set ({matrix.source if matrix else 'none'}) gives no dye {source.dye}",
                code="E_DYE",
                file=self._sample.file,
                expected="a matrix with dyes, this one among them",
                available=matrix.dyes if isinstance(matrix, Unmixing) else (),
                remedy=f"name the matrix at the axis: dimensions: {{{source.dye}: {{dye: {source.dye}, "
                "compensation: NAME}}",
            )
        return matrix

    def scale(self, axis: str) -> Scale | None:
        """Return the scale of an axis; None where no gate looks at it."""
        gated = any(axis in gate.axes for gate in self._strategy.spec.gates.values())
        return scale_of(self._strategy.spec, axis) if gated else None

    def findings(self, n_events: int) -> tuple[Finding, ...]:
        """Return what was noticed: of matrices beside the strategy's, and of values that gates cannot place.

        `n_events` is how many events the sample has: those that are not at hand are all right.
        """
        return (*self.of_matrices(), *self.of_values(n_events))

    def of_matrices(self) -> tuple[Finding, ...]:
        """Return the findings of matrices beside the strategy's."""
        own = [part for source in self._sources.values() for part in source.parts if part.compensation is not None]
        found = [matrix.findings for matrix in map(self.matrix, own) if matrix is not None]
        return tuple(dict.fromkeys(finding for findings in found for finding in findings))

    def of_values(self, n_events: int) -> tuple[Finding, ...]:
        """Return the findings on values that gates cannot place."""
        return tuple(dict.fromkeys(finding for axis in self._sources for finding in self._noticed(axis, n_events)))

    def _noticed(self, axis: str, n_events: int) -> Iterator[Finding]:
        column, source = self.get(axis), self._sources[axis]
        numbers = np.logical_and.reduce([np.isfinite(self.of(part)) for part in source.parts])
        bad = int(column.size - np.count_nonzero(numbers))
        if bad:
            text = f"{bad} of {n_events} events hold NaN or infinity; they are outside every gate on {axis}"
            yield Finding("non-finite-values", "warning", axis, text)
        scale = self.scale(axis)
        if scale is None:
            return
        finite = np.isfinite(column)
        lacking = {
            f"finite ratio {source.label}": np.count_nonzero(numbers & ~finite),
            f"position on the {scale.kind} scale": np.count_nonzero(finite & ~scale.defined(column)),
        }
        for what, count in lacking.items():
            if count:
                text = (
                    f"{count} of {n_events} events have no {what}; they are outside every gate on {axis}, and "
                    "outside its complement"
                )
                yield Finding("off-scale-values", "warning", axis, text)


def shared(array: Array) -> Array:
    """Guard an array that several readers share: counts and medians are taken from it whenever they are asked for."""
    array.setflags(write=False)
    return array
