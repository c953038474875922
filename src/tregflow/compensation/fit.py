"""What single-stained controls gave: the matrix, how sure each coefficient is, and the file's own to compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from tregflow.compensation.spillover import Spillover
    from tregflow.findings import Finding

Negatives = Literal["control", "unstained", "zero"]
"""Where the negative events came from: the control itself, the unstained control, or nowhere: zero stands for them."""


@dataclass(frozen=True, slots=True)
class ControlFit:
    """One control as it was used.

    Attributes
    ----------
    detector, file : str
        ``$PnN`` of the dye's own detector, and the control's file.
    n_bright, n_dim : int
        Events of the positive and of the negative population.
    bright, dim : float
        Their medians in the dye's own detector, data units.
    negatives : {"control", "unstained", "zero"}
        Where the negative population came from.
    saturated : int
        Events left out because a detector was at the top of its range.
    """

    detector: str
    file: str
    n_bright: int
    n_dim: int
    bright: float
    dim: float
    negatives: Negatives
    saturated: int


@dataclass(frozen=True, slots=True, eq=False)
class SpilloverFit:
    """A spillover matrix from single-stained controls.

    Attributes
    ----------
    spillover : Spillover
        The matrix; its detectors are those with a control, in the order of the channels.
    errors : (n, n) ndarray of float64
        Standard error of each coefficient; 0 on the diagonal.
    controls : tuple of ControlFit
        One per detector.
    acquisition : Spillover or None
        The matrix that the controls carry, or the one that was given, to compare with.
    findings : tuple of Finding
        Everything that was noticed; those of the matrix itself are among them.
    """

    spillover: Spillover
    errors: NDArray[np.float64]
    controls: tuple[ControlFit, ...]
    acquisition: Spillover | None
    findings: tuple[Finding, ...]

    @property
    def detectors(self) -> tuple[str, ...]:
        """``$PnN`` of the n detectors."""
        return self.spillover.detectors

    @property
    def differences(self) -> NDArray[np.float64]:
        """Coefficients minus those of the acquisition matrix: (n, n); NaN where that one has no such detector."""
        return self.spillover.matrix - within(self.acquisition, self.detectors)

    @property
    def table(self) -> pd.DataFrame:
        """A row per pair: ``dye, detector, share, error, acquisition, difference``; shares without unit."""
        import pandas as pd

        columns = ("dye", "detector", "share", "error", "acquisition", "difference")
        return pd.DataFrame(list(self.pairs()), columns=list(columns))

    def pairs(self) -> Iterator[tuple[str, str, float, float, float, float]]:
        """Yield the rows of `table`."""
        stated, apart = within(self.acquisition, self.detectors), self.differences
        for i, dye in enumerate(self.detectors):
            for j, detector in enumerate(self.detectors):
                if i != j:
                    numbers = (self.spillover.matrix, self.errors, stated, apart)
                    yield (dye, detector, *(float(each[i, j]) for each in numbers))  # type: ignore[misc]

    def __repr__(self) -> str:
        """Return the size of the matrix and what was noticed."""
        noticed = f", {len(self.findings)} findings" if self.findings else ""
        return f"<SpilloverFit of {len(self.detectors)} controls: {', '.join(self.detectors)}{noticed}>"

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<li>{escape(f'{each.code}: {each.where}: {each.text}')}</li>" for each in self.findings)
        table = self.table.to_html(index=False, float_format="{:.5f}".format)
        return f"<p>{escape(repr(self))}</p>{table}<ul>{notes}</ul>"


def within(spillover: Spillover | None, detectors: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the part of a matrix that concerns `detectors`: (n, n), NaN in the rows and columns that it lacks."""
    found = np.full((len(detectors), len(detectors)), np.nan)
    if spillover is not None:
        known = [
            (place, spillover.detectors.index(name))
            for place, name in enumerate(detectors)
            if name in spillover.detectors
        ]
        ours, theirs = [ours for ours, _ in known], [theirs for _, theirs in known]
        found[np.ix_(ours, ours)] = spillover.matrix[np.ix_(theirs, theirs)]
    return found
